"""Tell others of a finished run, in spans and metrics. It never fails a run, and never waits for a network."""

from __future__ import annotations

from collections.abc import Callable

from synapse_cli.core.run import Run
from synapse_cli.telemetry.metrics import metrics
from synapse_cli.telemetry.put import put, requests_of
from synapse_cli.telemetry.settings import Target
from synapse_cli.telemetry.spans import spans
from synapse_cli.telemetry.timeline import Timeline


def tell(run: Run, timeline: Timeline, target: Target, warn: Callable[[str], None]) -> None:
    """Write down what happened and hand it on. Whatever goes wrong is one warning."""
    try:
        told, added = spans(run, timeline, content=target.content), metrics(run, timeline)
        ended = run.started + run.latency_s
        made = requests_of(told, added, target, run_id=run.run_id, started=run.started, ended=ended)
        put(made, target, run.run_id, warn)
    except Exception as error:  # noqa: BLE001  # a bug in telling must not take the answer with it
        from synapse_cli.core.redact import one_line

        warn(one_line(f"this run could not be told: {type(error).__name__}: {error}"))
