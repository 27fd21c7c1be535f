"""What can be promised? Policies that are fitted, composed, tested and kept (`synapse tune`; extra `tune`)."""
