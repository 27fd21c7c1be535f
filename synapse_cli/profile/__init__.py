"""The plan: TOML becomes a frozen Profile, or errors that say file, key, found and expected."""
