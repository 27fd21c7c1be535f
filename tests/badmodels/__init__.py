"""What kills or hangs a process that trusts it, through the real command."""
