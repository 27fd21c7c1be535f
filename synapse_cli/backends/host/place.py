"""Where does a host live? A private folder, with short names, since some systems end a socket's path at 104 bytes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from synapse_cli.core import places

LONGEST_SOCKET = 103
"""Bytes of a socket's path on macOS and the BSDs, less the final zero; Linux takes four more."""
_LONGEST_NAME = len("litellm-") + 8 + len(".socket")
_PRIVATE = 0o700
_FORGOTTEN_S = 7 * 86_400.0


class Place(NamedTuple):
    """The files of one host, beside each other."""

    folder: str
    name: str

    @property
    def socket(self) -> str:
        """Where it listens."""
        return self._file("socket")

    @property
    def key(self) -> str:
        """What it and its clients know, 0600."""
        return self._file("key")

    @property
    def card(self) -> str:
        """What it is, for whoever lists hosts."""
        return self._file("json")

    @property
    def start(self) -> str:
        """Locked by who starts it."""
        return self._file("start")

    @property
    def life(self) -> str:
        """Locked as long as it takes requests, so that there is never a second one."""
        return self._file("life")

    @property
    def log(self) -> str:
        """What it and its engine said, bounded."""
        return self._file("log")

    @property
    def end(self) -> str:
        """How the last one ended."""
        return self._file("end")

    def doing(self, pid: int) -> str:
        """What a host is doing, so that a crash can be named by it."""
        return self._file(f"{pid}.doing")

    def _file(self, suffix: str) -> str:
        return os.path.join(self.folder, f"{self.name}.{suffix}")


def folder(env: Mapping[str, str]) -> str:
    """Return this user's folder of hosts, for this installation and its folders; made 0700 where it is missing.

    Raises OSError where no folder is private, writable and short enough.
    """
    mark = _mark(env)
    for base in _bases(env):
        path = os.path.join(base, mark)
        if len(os.fsencode(path)) + 1 + _LONGEST_NAME <= LONGEST_SOCKET and _is_private(base) and _is_private(path):
            return path
    raise OSError("there is no private folder for a socket")


def places_in(path: str) -> list[Place]:
    """Every host that lives, or has lived, in a folder."""
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return []
    return [Place(path, name.removesuffix(".json")) for name in names if name.endswith(".json")]


def sweep(place: Place, now: float) -> None:
    """Delete what hosts of other names left behind that have not lived for a week: names go with cloud tokens.

    Whoever still starts one of these at this very moment ends up with a host that sees that it cannot be reached.
    """
    import glob

    here = glob.escape(place.folder)
    for path in glob.glob(os.path.join(here, "*.log")):
        other = Place(place.folder, os.path.basename(path).removesuffix(".log"))
        try:
            if other.name != place.name and now - os.path.getmtime(path) > _FORGOTTEN_S and not is_held(other.life):
                for left in glob.glob(os.path.join(here, f"{other.name}.*")):
                    os.unlink(left)
        except OSError:
            continue


def is_held(path: str) -> bool:
    """Whether a process holds the lock of this file. Raises OSError."""
    from synapse_cli.core.exclusive import take

    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        return not take(handle)
    finally:
        os.close(handle)


def _bases(env: Mapping[str, str]) -> Iterator[str]:
    runtime = env.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and os.path.isdir(runtime):
        yield os.path.join(runtime, "synapse")
    yield os.path.join(places.folder("state", env), "hosts")
    if hasattr(os, "getuid"):
        for scratch in (env.get("TMPDIR", ""), "/tmp"):  # noqa: S108  # a folder of ours there is checked to be ours
            if scratch.startswith("/"):
                yield os.path.join(scratch, f"synapse-{os.getuid()}")


def _mark(env: Mapping[str, str]) -> str:
    """A short name for who asks: two installations, or two sets of folders, never share a host."""
    of = [sys.prefix, *(places.folder(kind, env) for kind in ("config", "cache", "state")), places.models(env)]
    return sha256("\0".join(of).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _is_private(path: str) -> bool:
    """Whether a folder is ours alone and can be written; made so where it is missing."""
    try:
        os.makedirs(os.path.dirname(path), mode=_PRIVATE, exist_ok=True)
        try:
            os.mkdir(path, _PRIVATE)
        except FileExistsError:
            pass  # looked at below, like one of our own
        status = os.lstat(path)
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077):
            return False
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and os.access(path, os.W_OK)
