"""The limits: secrets, trust and redaction."""
