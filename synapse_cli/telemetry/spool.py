"""Where does a run wait for its way over the network? In a bounded folder, one file a run, and one folder an address.

Whoever answers a prompt writes a file, looks whether a sender is at work, starts one where none is, and goes: how a
collector fares costs the answer nothing. What could not be delivered is said at the next run.
"""

from __future__ import annotations

import json
import os
import time
from hashlib import sha256

from synapse_cli.core import places
from synapse_cli.telemetry.settings import shown
from synapse_cli.telemetry.wanted import ENDPOINTS

TYPE_CHECKING = False  # a memo hit is told too; see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synapse_cli.telemetry.settings import Target

FOLDER = "telemetry"
ENDING = ".jsonl"
MOST_FILES = 512
MOST_BYTES = 16 << 20
"""Beyond either the oldest go."""
PAUSE_S = 30.0
"""After a failure nobody tries again for so long; a sender that waits in vain is 0.3 s of CPU."""


class Failure:
    """That an address took nothing: since when, when last, why, and whether a person was told."""

    __slots__ = ("is_told", "last", "since", "why")

    def __init__(self, since: float, last: float, why: str, *, is_told: bool) -> None:
        self.since = since
        self.last = last
        self.why = why
        self.is_told = is_told


class Spool:
    """The folder of one address."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @property
    def lock(self) -> str:
        """Held by the sender at work."""
        return os.path.join(self.path, "lock")

    @property
    def about(self) -> str:
        """Says which address it is, for people."""
        return os.path.join(self.path, "about.json")

    @property
    def trouble(self) -> str:
        """Says what went wrong; there is none where all went well."""
        return os.path.join(self.path, "failed.json")

    @property
    def dropped(self) -> str:
        """A byte for each run that found no room."""
        return os.path.join(self.path, "dropped")


def spool_of(target: Target, state: str, env: Mapping[str, str]) -> Spool:
    """The folder of a target: one for all that goes the same way. Raises OSError."""
    above = os.path.join(state, FOLDER)
    said = [target.protocol, target.endpoint or "", *sorted(map("=".join, target.headers.items()))]
    said += [] if target.is_of_profile else [env.get(name, "") for name in ENDPOINTS]
    said.append(env.get("OTEL_EXPORTER_OTLP_HEADERS", ""))
    name = sha256(_salt(above) + "\0".join(said).encode("utf-8", "replace")).hexdigest()[:16]
    return Spool(os.path.join(above, name))


def put(spool: Spool, target: Target, run_id: str, data: bytes) -> None:
    """Leave a run's exports for the sender. Raises OSError."""
    if not os.path.exists(spool.about):
        places.make_private(spool.path)
        about = {"endpoint": shown(target.endpoint or ""), "protocol": target.protocol}
        write_whole(spool.about, json.dumps(about).encode())
    write_whole(os.path.join(spool.path, run_id + ENDING), data)
    _bound(spool)


def waiting(spool: Spool) -> list[os.DirEntry[str]]:
    """What has not been sent, the oldest first; ids of runs sort by time. Raises OSError."""
    try:
        with os.scandir(spool.path) as entries:
            return sorted((e for e in entries if e.name.endswith(ENDING)), key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def failure(spool: Spool) -> Failure | None:
    """What went wrong last, or None where all went well."""
    try:
        with open(spool.trouble, "rb") as file:
            found = json.loads(file.read())
        return Failure(float(found["since"]), float(found["last"]), str(found["why"]), is_told=bool(found["is_told"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def note_failure(spool: Spool, failed: Failure) -> None:
    """Write down what went wrong. Raises OSError."""
    told = {"since": failed.since, "last": failed.last, "why": failed.why, "is_told": failed.is_told}
    write_whole(spool.trouble, json.dumps(told).encode())


def is_resting(failed: Failure | None, now: float) -> bool:
    """Whether it is too early to try again."""
    return failed is not None and 0 <= now - failed.last < PAUSE_S


def forget(paths: Sequence[str]) -> None:
    """Delete what was sent; another one may have been quicker."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def write_whole(path: str, data: bytes) -> None:
    """Write a private file that nobody sees half written. Raises OSError."""
    draft = f"{path}.{os.getpid()}.part"
    handle = os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
        finally:
            os.close(handle)
        os.replace(draft, path)
    except OSError:
        forget([draft])
        raise


def _bound(spool: Spool) -> None:
    """Drop the oldest where there are too many, or too much of them."""
    files = waiting(spool)
    sizes = [_size(file) for file in files]
    over = max(0, len(files) - MOST_FILES)
    while sum(sizes[over:]) > MOST_BYTES and over < len(files) - 1:
        over += 1
    if over:
        forget([file.path for file in files[:over]])
        with open(spool.dropped, "ab") as counted:
            counted.write(b"." * over)


def _size(file: os.DirEntry[str]) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0  # it has just been sent


def _salt(above: str) -> bytes:
    """Chance, made once: a folder's name must not give away the key in a header to whoever guesses."""
    path = os.path.join(above, "salt")
    for _ in range(2):
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            places.make_private(above)
            write_whole(path, os.urandom(16))
    return b""


def now() -> float:
    """Seconds since 1970."""
    return time.time()
