"""How does telemetry stand? Where runs are told, what waits, what failed; and does a test arrive?"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any

from synapse_cli.core.exclusive import is_held
from synapse_cli.core.ids import new_run_id
from synapse_cli.telemetry import names
from synapse_cli.telemetry import spool as spools
from synapse_cli.telemetry.network import has_sdk
from synapse_cli.telemetry.otlp import Metric, Span, trace_id
from synapse_cli.telemetry.put import encoded, requests_of
from synapse_cli.telemetry.settings import Target, shown
from synapse_cli.telemetry.spool import Spool
from synapse_cli.telemetry.start import send_now

_PAUSE_S = 0.1


def standing(target: Target | None, state: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Everything that can be said without sending."""
    if target is None:
        return {"on": False}
    told: dict[str, Any] = {
        "on": True,
        "file": target.file,
        "file_bytes": _size(target.file),
        "endpoint": None if target.endpoint is None else shown(target.endpoint),
        "protocol": target.protocol,
        "sdk_installed": has_sdk(),
        "spans": target.spans,
        "metrics": target.metrics,
        "content": target.content,
        "service": target.resource[names.SERVICE_NAME],
    }
    return told if target.endpoint is None else told | _of_spool(spools.spool_of(target, state, env))


def test(target: Target, state: str, env: Mapping[str, str]) -> tuple[str, str | None]:
    """Send one span and one count as a run's would be, over the network and back; the trace's id, and why it failed."""
    run_id = new_run_id(time.time())
    spool = Spool(os.path.join(state, spools.FOLDER, f"test-{run_id}"))
    try:
        spools.put(spool, target, run_id, test_lines(target, run_id))
        is_well = send_now(spool, target, env)
        failed = spools.failure(spool)
    finally:
        shutil.rmtree(spool.path, ignore_errors=True)
    why = None if is_well else "its sender ended early" if failed is None else failed.why
    return trace_id(run_id), why


def test_lines(target: Target, run_id: str) -> bytes:
    """A span that says that it is a test, and a count of one."""
    now = time.time()
    span = Span(name=names.SPAN_TEST, path="run", above=None, start=now, end=now, attributes={names.RUN: run_id})
    tests = Metric(name=names.METRIC_TESTS, unit="{test}", value=1, attributes={})
    return encoded(requests_of([span], [tests], target, run_id=run_id, started=now, ended=now))


def flush(
    target: Target, state: str, env: Mapping[str, str], *, timeout_s: float, clock: Callable[[], float] = time.monotonic
) -> tuple[int, str | None]:
    """Send what waits, and wait for it; how many runs there were, and why some are left."""
    spool = spools.spool_of(target, state, env)
    files = {entry.name for entry in spools.waiting(spool)}
    until = clock() + timeout_s
    while files & {entry.name for entry in spools.waiting(spool)}:
        if not send_now(spool, target, env):
            failed = spools.failure(spool)
            return len(files), "its sender ended early" if failed is None else failed.why
        if clock() > until:
            return len(files), f"not within {timeout_s:g} s"
        time.sleep(_PAUSE_S)  # another sender may be at it
    return len(files), None


def _of_spool(spool: Spool) -> dict[str, Any]:
    files, failed = spools.waiting(spool), spools.failure(spool)
    return {
        "waiting": len(files),
        "waiting_bytes": sum(_size(entry.path) or 0 for entry in files),
        "dropped": _size(spool.dropped) or 0,
        "sending": is_held(spool.lock),
        "failure": None if failed is None else {"since": failed.since, "last": failed.last, "why": failed.why},
    }


def _size(path: str | None) -> int | None:
    try:
        return None if path is None else os.stat(path).st_size
    except OSError:
        return None
