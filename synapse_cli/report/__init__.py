"""The telling: values and events drawn for people."""
