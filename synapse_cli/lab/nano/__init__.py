"""Train, measure and export the nano model that ships with Synapse (extra `train`)."""
