"""Runs to record, as a climb would leave them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.errors import Interrupted, RateLimited, SynapseError, Unaccepted
from synapse_cli.core.ids import new_run_id
from synapse_cli.core.outcome import Answered, Decision, Failed, Outcome, Skipped
from synapse_cli.core.run import Run
from synapse_cli.core.verdict import Verdict
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.calls import Call
from synapse_cli.ledger.rows import Begun

START = 1_800_000_000.0


def completion(text: str = "bug", **changes: object) -> Completion:
    """An answer of a cheap local model."""
    whole = Completion(
        text=text,
        finish="stop",
        usage=Usage(100, 3),
        cost=Decimal(0),
        confidence=0.93,
        latency_s=0.4,
        first_latency_s=0.3,
        cache_key="c" * 64,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def run(number: int = 0, *, prompt: str = "classify this", answer: str = "bug", **changes: object) -> Run:
    """One accepted run; `number` makes its id and its instant."""
    best = Answered("small", "small", completion(answer), (Verdict("confidence", passed=True, score=0.93),))
    whole = Run(
        run_id=new_run_id(START + number, number.to_bytes(7, "big")),
        started=START + number,
        latency_s=0.5,
        prompt=prompt,
        system=None,
        decision=Decision("tickets", "keyword 'ticket'", "rule", None, (("mail", "no keyword"),)),
        outcome=Outcome(attempts=(best,), best=best),
        profile_hash="p" * 64,
        saved=Decimal("0.0031"),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def call(number: int = 0, place: int = 0, **changes: object) -> Call:
    """A call of the run of this number that is about to be sent."""
    begun = Call(
        run=run(number).run_id,
        place=place,
        kind="tier",
        model="small",
        provider="scripted",
        deployment=None,
        started=START + number,
    )
    return replace(begun, **changes)  # type: ignore[arg-type]


def begin(book: Book, run_id: str, started: float) -> None:
    """Leave a run that has sent its first call and has not heard of it."""
    book.begin(Begun(run_id=run_id, started=started, prompt="still open"))
    book.call_begins(call(run=run_id, started=started))


def climbed(number: int = 0) -> Run:
    """A run that was rejected below, failed and was skipped in between, and rejected above."""
    low = Answered("small", "small", completion("spam"), (Verdict("confidence", passed=False, reason="0.2 < 0.8"),))
    limited = Failed("mini", "mini", RateLimited("429 of 'mini'", "wait"), 0.2, Usage(100, None), None)
    skipped = Skipped("other", "other", SynapseError("no key", "set OTHER_KEY"))
    high = Answered(
        "big",
        "big",
        completion("maybe", cost=Decimal("0.0123"), usage=Usage(200, 5, 10, 2, estimated=True), cached=True),
        (Verdict("regex", passed=False, reason="'maybe' does not match"),),
    )
    error = Unaccepted("no tier passed its checks", "ask another way")
    outcome = Outcome(attempts=(low, limited, skipped, high), best=high, error=error)
    return run(number, outcome=outcome, saved=None, system="be brief")


def interrupted(number: int = 0) -> Run:
    """A run that Ctrl-C ended."""
    error = Interrupted("interrupted", "")
    return run(number, outcome=Outcome(attempts=(Failed("small", "small", error),), best=None, error=error), saved=None)
