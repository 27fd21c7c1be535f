"""What is known of the files that made a profile: each one's stat and hash, and what only a trusted one may do."""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """One file that took part, as it was when it was read."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    sha256: str
    is_racy: bool
    """Changed so shortly before it was read that a second change could hide behind the same stat (as git says)."""
    is_profile: bool = True
    """False for what need not be trusted: a profile of Synapse's own, a file that is only named, such as a schema."""


class Danger(NamedTuple):
    """One thing that a stranger's profile may not do, and where it says so."""

    file: str
    where: str
    what: str
