"""Was nearly the same asked before? From labelled pairs to a verifier with a threshold that is proved."""
