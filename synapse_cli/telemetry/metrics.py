"""What does a run add to the metrics?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion
from synapse_cli.core.outcome import Answered
from synapse_cli.core.run import Run
from synapse_cli.telemetry import names
from synapse_cli.telemetry.otlp import Metric
from synapse_cli.telemetry.spans import call_attributes, dollars
from synapse_cli.telemetry.timeline import Call, Timeline

if TYPE_CHECKING:
    from synapse_cli.telemetry.otlp import Attributes, Value


def metrics(run: Run, timeline: Timeline) -> list[Metric]:
    """Measure a finished run: its calls, its checks, its money and itself."""
    found = [*_of_run(run), *_of_money(run)]
    for call in timeline.calls:
        found += _of_call(call)
    for attempt in run.outcome.attempts:
        if isinstance(attempt, Answered):
            found += _of_checks(attempt)
    return found


def _of_run(run: Run) -> Iterator[Metric]:
    route, error, best = run.decision.route, run.outcome.error, run.outcome.best
    kind = None if error is None else error.kind
    about: dict[str, Value] = {names.ROUTE: route, names.TENANT: run.tenant, names.ERROR_TYPE: kind}
    cached = best is not None and best.completion.cached
    yield _count(names.METRIC_RUNS, "{run}", {**about, names.ACCEPTED: run.outcome.accepted, names.CACHED: cached})
    workflow = {names.WORKFLOW: None if route == "-" else route, names.ERROR_TYPE: kind}
    yield _seconds(names.WORKFLOW_DURATION, run.latency_s, workflow, names.WORKFLOW_BUCKETS)
    for step in run.outcome.escalations:
        told = {names.ROUTE: route, names.ESCALATION_FROM: step.source, names.ESCALATION_TO: step.target}
        yield _count(names.METRIC_ESCALATIONS, "{escalation}", told)


def _of_money(run: Run) -> Iterator[Metric]:
    """Dollars of the run; where one call's price is unknown there is no sum to tell."""
    about: dict[str, Value] = {names.ROUTE: run.decision.route, names.TENANT: run.tenant}
    spent, saved = dollars(run.cost), dollars(run.saved)
    if spent is not None:
        yield Metric(name=names.METRIC_COST, unit="USD", value=spent, attributes=about)
    if saved is not None:
        yield Metric(name=names.METRIC_SAVED, unit="USD", value=saved, attributes=about, rises=False)


def _of_call(call: Call) -> Iterator[Metric]:
    about, answer = call_attributes(call), call.answer
    used = {"input": answer.usage.input, "output": answer.usage.output} if isinstance(answer, Completion) else {}
    yield from of_operation(about, call.window.end - call.window.start, used)
    if isinstance(answer, Completion) and call.streams and answer.first_latency_s is not None:
        yield _seconds(names.TIME_TO_FIRST_CHUNK, answer.first_latency_s, about, names.SECOND_BUCKETS)


def of_operation(about: dict[str, Value], latency_s: float, tokens_of: Mapping[str, int | None]) -> Iterator[Metric]:
    """What one call of any kind adds: its time, and the tokens that somebody counted."""
    yield _seconds(names.OPERATION_DURATION, latency_s, about, names.SECOND_BUCKETS)
    for kind, tokens in tokens_of.items():
        if tokens is not None:
            told = {**about, names.TOKEN_TYPE: kind}
            bounds = names.TOKEN_BUCKETS
            yield Metric(name=names.TOKEN_USAGE, unit="{token}", value=float(tokens), attributes=told, bounds=bounds)


def _of_checks(attempt: Answered) -> Iterator[Metric]:
    for verdict in attempt.verdicts:
        label = "pass" if verdict.passed else "fail"
        told = {names.CHECK: verdict.rule, names.TIER: attempt.tier, names.EVALUATION_LABEL: label}
        yield _count(names.METRIC_CHECKS, "{check}", told)


def _count(name: str, unit: str, attributes: Attributes) -> Metric:
    return Metric(name=name, unit=unit, value=1, attributes=attributes)


def _seconds(name: str, seconds: float, attributes: Attributes, bounds: tuple[float, ...]) -> Metric:
    return Metric(name=name, unit="s", value=max(0.0, seconds), attributes=attributes, bounds=bounds)
