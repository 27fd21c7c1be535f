"""The one line about a run that a person sees on stderr: `nano · local · 0.4 s · $0 · saved $0.0031`."""

from __future__ import annotations

from synapse_cli.core.events import Asking, Attempted, Event, Learning, Routed, Waiting, Warned, Wrote
from synapse_cli.core.outcome import Answered, Skipped
from synapse_cli.core.run import Run
from synapse_cli.core.way import PolicyMark
from synapse_cli.report.numbers import dollars, seconds


def summary(run: Run) -> str:
    """Who answered, where, how long it took, what it cost and what was saved."""
    best = run.outcome.best
    if best is None:
        return f"no answer · {seconds(run.latency_s)} · {dollars(run.cost)}"
    parts = [best.tier, _where(run), seconds(run.latency_s), dollars(run.cost)]
    if not run.outcome.accepted:
        parts.insert(1, "not accepted")
    if run.saved:
        parts.append(f"saved {dollars(run.saved)}")
    mark = run.decision.policy
    if mark is not None and (mark.explored or not mark.certified):
        parts.append("explored" if mark.explored else "policy not certified")
    return " · ".join(parts)


def memo_summary(run: Run) -> str:
    """The line of the same command line next time: answered from the memo, at no cost."""
    best = run.outcome.best
    assert best is not None
    saved = None if run.saved is None or run.cost is None else run.saved + run.cost
    return " · ".join([best.tier, "cached", "$0", *([f"saved {dollars(saved)}"] if saved else [])])


def narrate(event: Event, before: str | None = None) -> str | None:
    """What `-v` says of an event, and did not say `before`; None where it says nothing."""
    match event:
        case Routed(decision):
            told = decision.why if decision.route == "-" else f"route {decision.route}: {decision.why}"
            return told if decision.policy is None else f"{told} ({promise(decision.policy)})"
        case Asking(tier, is_local):
            return f"asking {tier} ({'local' if is_local else 'hosted'})"
        case Attempted(attempt):
            if not isinstance(attempt, Answered):
                skipped = "skipped: " if isinstance(attempt, Skipped) else ""
                return f"{attempt.tier}: {skipped}{attempt.error.message}"
            confidence = attempt.completion.confidence
            told = "" if confidence is None else f" (confidence {confidence:.2f})"
            told += "" if attempt.completion.like is None else f", {attempt.completion.like.text}"
            return f"{attempt.tier}: {'accepted' if attempt.accepted else 'rejected: ' + attempt.reason}{told}"
        case Waiting(tier, delay, reason):
            told = f"{tier}: {reason}"
            return f"{tier}: waiting {seconds(delay)}" if told == before else f"{told}; waiting {seconds(delay)}"
        case Learning(what, done, total):
            return f"{what}: {total:,}" if done == 0 else None
        case Warned(message):
            return f"warning: {message}"
        case Wrote():
            return None


def promise(mark: PolicyMark) -> str:
    """What the policy promises of this run: nothing where another way than its own was taken."""
    if mark.certified or "not certified" in mark.promise:
        return mark.promise
    return f"not certified for this way, though for its own: {mark.promise}"


def _where(run: Run) -> str:
    best = run.outcome.best
    assert best is not None
    if best.completion.cached:
        return "cached" if best.completion.like is None else "cached, for a prompt like it"
    return "local" if best.tier in run.local_tiers else "hosted"
