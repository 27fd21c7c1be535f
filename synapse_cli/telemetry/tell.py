"""Tell others of a finished run, in spans and metrics. It never fails a run, and never waits for a network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from synapse_cli.core import places
from synapse_cli.core.run import Run
from synapse_cli.telemetry.metrics import metrics
from synapse_cli.telemetry.otlp import Json, metrics_json, metrics_request, spans_json, spans_request, trace_id
from synapse_cli.telemetry.settings import Target
from synapse_cli.telemetry.spans import spans
from synapse_cli.telemetry.timeline import Timeline

Warn = Callable[[str], None]


def tell(run: Run, timeline: Timeline, target: Target, warn: Warn) -> None:
    """Write down what happened and hand it on. Whatever goes wrong is one warning."""
    try:
        data = _encoded(run, timeline, target)
    except Exception as error:  # noqa: BLE001  # a bug in telling must not take the answer with it
        warn(f"this run could not be told: {type(error).__name__}: {error}")
        return
    if target.file is not None:
        _to_file(target.file, data, warn)
    if target.endpoint is not None:
        _to_network(target, run.run_id, data, warn)


def requests(run: Run, timeline: Timeline, target: Target) -> list[Json]:
    """The exports of a run: its spans, then its metrics, each where it is wanted."""
    found = []
    parent = target.parent
    if target.spans and (parent is None or parent.is_sampled):
        trace, above, state = (parent.trace_id, parent.span_id, parent.state) if parent else ("", "", "")
        told = spans(run, timeline, content=target.content)
        encoded = spans_json(told, run.run_id, trace or trace_id(run.run_id), above, state)
        found.append(spans_request(encoded, target.resource))
    if target.metrics:
        added = metrics_json(metrics(run, timeline), run.started, run.started + run.latency_s)
        found.append(metrics_request(added, target.resource))
    return found


def _encoded(run: Run, timeline: Timeline, target: Target) -> bytes:
    lines = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in requests(run, timeline, target)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _to_file(path: str, data: bytes, warn: Warn) -> None:
    from synapse_cli.telemetry.lines import append

    try:
        append(path, data)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        why = getattr(error, "strerror", None) or str(error)
        warn(f"telemetry cannot be written to {path}: {why}")


def _to_network(target: Target, run_id: str, data: bytes, warn: Warn) -> None:
    from synapse_cli.telemetry.network import hand_over

    try:
        hand_over(target, run_id, data, state=places.folder("state", os.environ), env=os.environ, warn=warn)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        warn(f"telemetry cannot be handed to its sender: {why}")
