"""`synapse bench`: its figures, its order, its limits, and what it keeps."""
