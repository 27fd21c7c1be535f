"""Texts that users see, whole, as files: a change of them is a change that somebody must want."""
