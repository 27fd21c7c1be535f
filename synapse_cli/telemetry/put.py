"""Put a run's exports where the target says: into the file, and into the sender's hands."""

from __future__ import annotations

import json
import os

from synapse_cli.core import places
from synapse_cli.telemetry.otlp import metrics_json, metrics_request, spans_json, spans_request, trace_id

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from synapse_cli.telemetry.otlp import Json, Metric, Span
    from synapse_cli.telemetry.settings import Target


def requests_of(
    told: Sequence[Span], added: Sequence[Metric], target: Target, *, run_id: str, started: float, ended: float
) -> list[Json]:
    """The exports of a run: its spans, then its metrics, each where it is wanted."""
    found, parent = [], target.parent
    if target.spans and (parent is None or parent.is_sampled):
        trace, above, state = (parent.trace_id, parent.span_id, parent.state) if parent else ("", "", "")
        made = spans_json(told, run_id, trace or trace_id(run_id), above, state)
        found.append(spans_request(made, target.resource))
    if target.metrics:
        found.append(metrics_request(metrics_json(added, started, ended), target.resource))
    return found


def encoded(requests: Sequence[Json]) -> bytes:
    """A line for each export."""
    lines = [json.dumps(request, ensure_ascii=False, separators=(",", ":")) + "\n" for request in requests]
    return "".join(lines).encode("utf-8", "replace")


def put(requests: Sequence[Json], target: Target, run_id: str, warn: Callable[[str], None]) -> None:
    """Hand the exports on; what cannot be put is said."""
    data = encoded(requests)
    if target.file is not None:
        _to_file(target.file, data, warn)
    if target.endpoint is not None and data:
        _to_network(target, run_id, data, warn)


def _to_file(path: str, data: bytes, warn: Callable[[str], None]) -> None:
    from synapse_cli.telemetry.lines import append

    try:
        append(path, data)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        warn(f"telemetry cannot be written to {path}: {_why(error)}")


def _to_network(target: Target, run_id: str, data: bytes, warn: Callable[[str], None]) -> None:
    from synapse_cli.telemetry.network import hand_over

    try:
        hand_over(target, run_id, data, state=places.folder("state", os.environ), env=os.environ, warn=warn)
    except (OSError, ValueError) as error:
        warn(f"telemetry cannot be handed to its sender: {_why(error)}")


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
