"""`synapse bench`: what each model, route and cascade costs, how long it takes, and how good it is."""
