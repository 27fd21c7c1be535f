"""Send what waits in a spool, the oldest first, one sender at a time; give up at the first failure, and note it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synapse_cli.core import places
from synapse_cli.core.exclusive import take
from synapse_cli.telemetry import spool as spools
from synapse_cli.telemetry.spool import Failure, Spool

if TYPE_CHECKING:
    from synapse_cli.telemetry.export import Exporter

LINGER_S = 3.0
"""How long it stays for the next run: a loop of runs at a shell shares one sender, and its half second of imports."""
_PAUSE_S = 0.1
_BATCH = 64
"""Runs of one export."""
_BATCH_BYTES = 2 << 20
"""Of JSON, which is larger than protobuf: a gRPC collector takes 4 MB."""
_TURN_S = 0.5


def send(spool: Spool, *, linger_s: float = 0.0) -> str | None:
    """Send all that waits; return why that failed, or None where it went well or another sender is at it."""
    while True:
        with _turn(spool) as is_ours:
            if not is_ours:
                return None
            why = _drain(spool, linger_s)
        if why is not None or not spools.waiting(spool):  # looked at again: who came last saw the lock held, and went
            return why


def _drain(spool: Spool, linger_s: float) -> str | None:
    """Send until nothing has come for a while."""
    exporter: Exporter | None = None
    until = time.monotonic() + linger_s
    try:
        while True:
            batch = _batch(spool)
            if batch:
                if exporter is None:
                    exporter = _exporter()
                why = _send(spool, exporter, batch)
                if why is not None:
                    return why
                until = time.monotonic() + linger_s
            elif time.monotonic() >= until:
                return None
            else:
                time.sleep(_PAUSE_S)
    except ImportError as error:
        return _failed(spool, f"{error.name or error} is not installed")
    finally:
        if exporter is not None:
            exporter.close()


def _exporter() -> Exporter:
    from synapse_cli.telemetry.export import Exporter

    return Exporter("grpc" if os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" else "http")


def _batch(spool: Spool) -> dict[str, bytes]:
    """The oldest exports by their files; one that cannot be read is dropped, or it would stand in the way for ever."""
    found: dict[str, bytes] = {}
    for entry in spools.waiting(spool)[:_BATCH]:
        try:
            with open(entry.path, "rb") as file:
                found[entry.path] = file.read()
        except FileNotFoundError:
            continue  # dropped for want of room
        if sum(map(len, found.values())) > _BATCH_BYTES:
            break
    return found


def _send(spool: Spool, exporter: Exporter, batch: dict[str, bytes]) -> str | None:
    """Send a batch, each kind for itself; what one kind lacks is not sent twice of the other."""
    lines = [line for data in batch.values() for line in data.splitlines()]
    left = exporter.send(lines)
    if not left.why:
        spools.forget(list(batch))
        spools.forget([spool.trouble])
        return None
    if left.lines is not None:
        for path, data in batch.items():
            kept = [line for line in data.splitlines(keepends=True) if line.rstrip(b"\n") in left.lines]
            spools.write_whole(path, b"".join(kept))
    return _failed(spool, left.why)


def _failed(spool: Spool, why: str) -> str:
    before, now = spools.failure(spool), spools.now()
    since = now if before is None else before.since
    spools.note_failure(spool, Failure(since, now, why, is_told=before is not None and before.is_told))
    return why


@contextmanager
def _turn(spool: Spool) -> Iterator[bool]:
    """The lock, where nobody sends; whoever only looks whether it is held holds it for an instant."""
    places.make_private(spool.path)
    handle = os.open(spool.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + _TURN_S
        while not (is_ours := take(handle)) and time.monotonic() < until:
            time.sleep(_PAUSE_S)
        if is_ours:
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())  # for whoever wonders who sends
        yield is_ours
    finally:
        os.close(handle)
