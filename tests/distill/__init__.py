"""Students: what they learn, promise, refuse and answer."""
