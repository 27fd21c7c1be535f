"""What decided an answer outside the command line: files read, paths looked for in vain, globs matched.

The memo keeps this beside an answer, and trusts the answer only while all of it still holds.
"""

from __future__ import annotations

import os


class Witness:
    """Collects, in order, everything on disk that a run looked at. Paths are absolute."""

    def __init__(self) -> None:
        self.files: dict[str, str | None] = {}
        """Path of each file read, with the SHA-256 of its content where the reader knew it."""
        self.missing: set[str] = set()
        self.globs: dict[str, tuple[str, ...]] = {}

    def read(self, path: str | os.PathLike[str], sha256: str | None = None) -> None:
        """A file's content took part."""
        self.files[os.path.abspath(path)] = sha256

    def looked_for(self, path: str | os.PathLike[str]) -> None:
        """A path was looked for and was not there."""
        self.missing.add(os.path.abspath(path))

    def matched(self, pattern: str, paths: tuple[str, ...]) -> None:
        """A glob pattern (absolute) matched these paths."""
        self.globs[os.path.abspath(pattern)] = paths
