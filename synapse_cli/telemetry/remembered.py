"""Tell of a run that the memo answered: its root span, and what it adds to the metrics."""

from __future__ import annotations

import json
import os

from synapse_cli.telemetry import names
from synapse_cli.telemetry.otlp import Metric, Span
from synapse_cli.telemetry.put import put, requests_of
from synapse_cli.telemetry.settings import target

TYPE_CHECKING = False  # the whole hit costs less than typing and dataclasses; see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping

    from synapse_cli.profile.settings import TelemetrySettings
    from synapse_cli.telemetry.otlp import Value
    from synapse_cli.telemetry.settings import Way

KEY = "telemetry"
"""The fact that says where; `__main__` looks for it."""


class Kept:
    """What a memo kept of the profile's table: not its headers, which may be keys, nor whether it tells texts."""

    __slots__ = ("content", "endpoint", "file", "headers", "protocol")

    def __init__(self, file: str | None, endpoint: str | None, protocol: Way) -> None:
        self.file = file
        self.endpoint = endpoint
        self.protocol = protocol
        self.headers: dict[str, str] = {}
        self.content = False


def facts_of(settings: TelemetrySettings) -> dict[str, str]:
    """The fact that a memo keeps for its hits."""
    return {KEY: json.dumps([settings.file, settings.endpoint, settings.protocol])}


def tell_memo_hit(facts: Mapping[str, str], run_id: str, started: float, latency_s: float, exit_code: int) -> list[str]:
    """Tell of a hit; return warnings, and never raise."""
    warnings: list[str] = []
    try:
        where = target(Kept(*json.loads(facts[KEY])), os.environ)
        if where is not None:
            spans, metrics = _spans(facts, run_id, started, latency_s, exit_code), _metrics(facts, latency_s, exit_code)
            made = requests_of(spans, metrics, where, run_id=run_id, started=started, ended=started + latency_s)
            put(made, where, run_id, warnings.append)
    except Exception as error:  # noqa: BLE001  # the answer is printed already; what goes wrong here is one line
        from synapse_cli.core.redact import one_line

        warnings.append(one_line(f"this run could not be told: {type(error).__name__}: {error}"))
    return warnings


def _spans(facts: Mapping[str, str], run_id: str, started: float, latency_s: float, exit_code: int) -> list[Span]:
    route = facts.get("route", "-")
    attributes: dict[str, Value] = {
        names.OPERATION: names.INVOKE_WORKFLOW,
        names.WORKFLOW: None if route == "-" else route,
        names.RUN: run_id,
        names.ROUTE: route,
        names.TENANT: facts.get("tenant"),
        names.PROFILE: facts.get("profile"),
        names.EXIT_CODE: exit_code,
        names.ACCEPTED: True,
        names.TIER: facts.get("tier"),
        names.MODEL: facts.get("model"),
        names.CACHED: True,
        names.MEMO_OF: facts.get("run"),
        names.CONFIDENCE: _number(facts.get("confidence")),
        names.COST: 0.0,
        names.SAVED: _number(facts.get("saved")),
        names.USAGE_INPUT: 0,
        names.USAGE_OUTPUT: 0,
    }
    name = f"{names.INVOKE_WORKFLOW} {route}" if route != "-" else names.INVOKE_WORKFLOW
    return [Span(name=name, path="run", above=None, start=started, end=started + latency_s, attributes=attributes)]


def _metrics(facts: Mapping[str, str], latency_s: float, exit_code: int) -> list[Metric]:
    route, tenant = facts.get("route", "-"), facts.get("tenant")
    about: dict[str, Value] = {names.ROUTE: route, names.TENANT: tenant}
    outcome: dict[str, Value] = {names.ACCEPTED: True, names.CACHED: True}
    outcome[names.ERROR_TYPE] = None if exit_code == 0 else "undelivered"
    workflow: dict[str, Value] = {names.WORKFLOW: None if route == "-" else route}
    bounds, saved = names.WORKFLOW_BUCKETS, _number(facts.get("saved"))
    found = [
        Metric(name=names.METRIC_RUNS, unit="{run}", value=1, attributes=about | outcome),
        Metric(name=names.WORKFLOW_DURATION, unit="s", value=latency_s, attributes=workflow, bounds=bounds),
        Metric(name=names.METRIC_COST, unit="USD", value=0.0, attributes=about),
    ]
    if saved is not None:
        found.append(Metric(name=names.METRIC_SAVED, unit="USD", value=saved, attributes=about, rises=False))
    return found


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
