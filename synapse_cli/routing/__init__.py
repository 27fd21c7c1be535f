"""The choice: which route a prompt takes, and why."""
