"""What happened in a run, as one tree of spans?

invoke_workflow ROUTE
├── synapse.decision           and the calls that deciding took
└── synapse.attempt TIER       one each: answered, failed or skipped
    ├── chat MODEL             each call that was really made; none for what the cache knew
    └── synapse.check RULE
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from synapse_cli.core.completion import Completion
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.outcome import Answered, Attempt, Skipped
from synapse_cli.core.providers import provider_of
from synapse_cli.core.run import Run
from synapse_cli.profile.model import Model
from synapse_cli.telemetry import content as texts
from synapse_cli.telemetry import names
from synapse_cli.telemetry.otlp import CLIENT, Mark, Span
from synapse_cli.telemetry.timeline import Call, Timeline, Window

if TYPE_CHECKING:
    from synapse_cli.telemetry.otlp import Attributes, Value

ROOT = "run"
_DECISION = "decision"


def spans(run: Run, timeline: Timeline, *, content: bool) -> list[Span]:
    """Make the spans of a finished run, the root first. What was said is part of them only with `content`."""
    end = run.started + run.latency_s
    return [
        _root(run, timeline, end, content=content),
        _decision(run, timeline, end, content=content),
        *_calls(timeline, None, _DECISION, content=content),
        *_attempts(run, timeline, end, content=content),
    ]


def outcome_of(attempt: Attempt) -> str:
    """What became of an attempt, in one word."""
    match attempt:
        case Answered():
            return "accepted" if attempt.accepted else "rejected"
        case Skipped():
            return "skipped"
        case _:
            return "failed"


def call_attributes(call: Call) -> dict[str, Value]:
    """What spans and metrics both say of a call."""
    return asked(call.model, names.CHAT, call.answer if isinstance(call.answer, SynapseError) else None)


def asked(model: Model, operation: str, error: SynapseError | None) -> dict[str, Value]:
    """Who was asked for what, and how that failed."""
    address, port = _server(model.base_url)
    return {
        names.OPERATION: operation,
        names.PROVIDER: provider(model),
        names.REQUEST_MODEL: _requested(model),
        names.SERVER_ADDRESS: address,
        names.SERVER_PORT: port,
        names.ERROR_TYPE: None if error is None else error.kind,
    }


def provider(model: Model) -> str:
    """Who is asked, by the conventions' name; told without loading what asks."""
    if model.backend != "litellm" and not (model.backend == "encoder" and model.source is None):
        return model.backend
    name = provider_of(model.model)
    return names.PROVIDERS.get(name, name)


def _requested(model: Model) -> str:
    """The model by the provider's own name, a local one by the profile's."""
    return (model.model or model.name).partition("/")[2] or model.model or model.name


def dollars(amount: Decimal | None) -> float | None:
    """Money as a number; what is not known is left out."""
    return None if amount is None else float(amount)


def _root(run: Run, timeline: Timeline, end: float, *, content: bool) -> Span:
    route, outcome = run.decision.route, run.outcome
    best = outcome.best
    attributes: dict[str, Value] = {
        names.OPERATION: names.INVOKE_WORKFLOW,
        names.WORKFLOW: None if route == "-" else route,
        names.RUN: run.run_id,
        names.ROUTE: route,
        names.TENANT: run.tenant,
        names.PROFILE: run.profile_hash,
        names.EXIT_CODE: int(run.exit_code),
        names.ACCEPTED: outcome.accepted,
        names.TIER: None if best is None else best.tier,
        names.MODEL: None if best is None else best.model,
        names.CACHED: None if best is None else best.completion.cached,
        names.CONFIDENCE: None if best is None else best.completion.confidence,
        names.COST: dollars(run.cost),
        names.SAVED: dollars(run.saved),
        names.USAGE_INPUT: run.usage.input,
        names.USAGE_OUTPUT: run.usage.output,
        names.TOKENS_ESTIMATED: run.usage.estimated or None,
        names.ERROR_TYPE: None if outcome.error is None else outcome.error.kind,
    }
    if content:
        whole = best is not None and best.completion.finish == "stop"
        attributes |= texts.of_run(run.prompt, run.answer, is_whole=whole)
    return Span(
        name=f"{names.INVOKE_WORKFLOW} {route}" if route != "-" else names.INVOKE_WORKFLOW,
        path=ROOT,
        above=None,
        start=run.started,
        end=end,
        attributes=attributes,
        marks=tuple(_marks(run, timeline, end)),
        error=_said(outcome.error, content=content),
    )


def _marks(run: Run, timeline: Timeline, end: float) -> Iterator[Mark]:
    """The pauses and the steps up of a run, in order of time."""
    for wait in timeline.waits:
        yield Mark(names.EVENT_WAITING, wait.at, {names.TIER: wait.tier, names.WAIT: wait.seconds})
    for place, (here, there) in enumerate(pairwise(run.outcome.attempts)):
        if here.tier != there.tier:
            at = _window(timeline, place, end).end
            yield Mark(names.EVENT_ESCALATION, at, {names.ESCALATION_FROM: here.tier, names.ESCALATION_TO: there.tier})


def _decision(run: Run, timeline: Timeline, end: float, *, content: bool) -> Span:
    decision = run.decision
    return Span(
        name=names.SPAN_DECISION,
        path=_DECISION,
        above=ROOT,
        start=run.started,
        end=end if timeline.decided is None else timeline.decided,
        attributes={
            names.ROUTE: decision.route,
            names.DECISION_SOURCE: decision.source,
            names.DECISION_WHY: texts.clean(decision.why) if content else None,
            names.CONFIDENCE: decision.confidence,
        },
    )


def _attempts(run: Run, timeline: Timeline, end: float, *, content: bool) -> Iterator[Span]:
    for place, attempt in enumerate(run.outcome.attempts):
        path, window = f"attempt/{place}", _window(timeline, place, end)
        error = None if isinstance(attempt, Answered) else attempt.error
        yield Span(
            name=f"{names.SPAN_ATTEMPT} {attempt.tier}",
            path=path,
            above=ROOT,
            start=window.start,
            end=window.end,
            attributes=_of_attempt(attempt, content=content),
            error=_said(error, content=content),
        )
        yield from _calls(timeline, place, path, content=content)
        if isinstance(attempt, Answered):
            yield from _checks(attempt, path, window, timeline.judged.get(place, []), content=content)


def _of_attempt(attempt: Attempt, *, content: bool) -> Attributes:
    told: dict[str, Value] = {
        names.TIER: attempt.tier,
        names.MODEL: attempt.model,
        names.OUTCOME: outcome_of(attempt),
    }
    if not isinstance(attempt, Answered):
        return {**told, names.ERROR_TYPE: attempt.error.kind}
    completion = attempt.completion
    told |= {
        names.CACHED: completion.cached,
        names.CONFIDENCE: completion.confidence,
        names.COST: 0.0 if completion.cached else dollars(completion.cost),
    }
    return {**told, names.REASON: texts.clean(attempt.reason) or None} if content else told


def _calls(timeline: Timeline, attempt: int | None, above: str, *, content: bool) -> Iterator[Span]:
    calls = [call for call in timeline.calls if call.attempt == attempt]
    for place, call in enumerate(calls):
        answer = call.answer
        told = call_attributes(call) | _of_request(call)
        if isinstance(answer, Completion):
            told |= _of_answer(answer, streams=call.streams)
        if content:
            told |= texts.of_request(call.request)
            told |= texts.of_answer(answer) if isinstance(answer, Completion) else {}
        yield Span(
            name=f"{names.CHAT} {told[names.REQUEST_MODEL]}",
            path=f"{above}/call/{place}",
            above=above,
            start=call.window.start,
            end=call.window.end,
            kind=CLIENT,
            attributes=told,
            error=_said(answer, content=content) if isinstance(answer, SynapseError) else None,
        )


def _of_request(call: Call) -> dict[str, Value]:
    request = call.request
    told: dict[str, Value] = {names.REQUEST_STREAM: call.streams or None, names.MODEL: call.model.name}
    told[names.OUTPUT_TYPE] = "json" if request.schema is not None else None
    for param, (name, kind) in names.REQUEST_PARAMS.items():
        value = request.params.get(param)
        if isinstance(value, int | float) and not isinstance(value, bool):
            told[name] = kind(value)
    stop = request.params.get("stop")
    if isinstance(stop, str | list):
        told[names.REQUEST_STOP] = [str(each) for each in ([stop] if isinstance(stop, str) else stop)]
    return told


def _of_answer(completion: Completion, *, streams: bool) -> dict[str, Value]:
    usage = completion.usage
    return {
        names.RESPONSE_FINISH_REASONS: [names.FINISH_REASONS[completion.finish]],
        names.RESPONSE_TIME_TO_FIRST_CHUNK: completion.first_latency_s if streams else None,
        names.USAGE_INPUT: usage.input,
        names.USAGE_OUTPUT: usage.output,
        names.USAGE_CACHE_READ: usage.cached or None,
        names.USAGE_CACHE_CREATION: usage.written or None,
        names.USAGE_REASONING: usage.reasoning or None,
        names.TOKENS_ESTIMATED: usage.estimated or None,
        names.COST: dollars(completion.cost),
        names.CONFIDENCE: completion.confidence,
    }


def _checks(attempt: Answered, above: str, window: Window, windows: list[Window], *, content: bool) -> Iterator[Span]:
    """One span a verdict; one that was kept beside its answer took no time."""
    for place, verdict in enumerate(attempt.verdicts):
        when = windows[place] if place < len(windows) else Window(window.end, window.end)
        told: dict[str, Value] = {
            names.CHECK: verdict.rule,
            names.CHECK_EVALUATED: verdict.evaluated,
            names.EVALUATION_NAME: verdict.rule,
            names.EVALUATION_LABEL: "pass" if verdict.passed else "fail",
            names.EVALUATION_SCORE: verdict.score,
            names.REASON: texts.clean(verdict.reason) or None if content else None,
        }
        path = f"{above}/check/{place}"
        name = f"{names.SPAN_CHECK} {verdict.rule}"
        yield Span(name=name, path=path, above=above, start=when.start, end=when.end, attributes=told)


def _window(timeline: Timeline, place: int, end: float) -> Window:
    return timeline.attempts[place] if place < len(timeline.attempts) else Window(end, end)


def _said(error: SynapseError | None, *, content: bool) -> str | None:
    """What may be told of an error: its text may quote what was asked, so that only its kind goes without asking."""
    if error is None:
        return None
    return texts.clean(error.message) if content else ""


def _server(base_url: str | None) -> tuple[str | None, int | None]:
    """Host and port of a model that has an address of its own; nobody else's is known here."""
    if not base_url:
        return None, None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(base_url)
        return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None, None
