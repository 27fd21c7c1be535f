"""What happens when everything around Synapse goes wrong: providers, disks, keys, processes."""
