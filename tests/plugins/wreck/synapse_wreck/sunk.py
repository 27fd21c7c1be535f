"""Fails as soon as it is imported."""

raise RuntimeError("this plugin needs\na library that is not there")
