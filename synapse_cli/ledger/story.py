"""What the ledger asks of a finished run, and what of it stays true when its answer is printed again."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from synapse_cli.core.completion import Usage
from synapse_cli.core.outcome import Decision, Outcome
from synapse_cli.ledger import blobs


class Asked(Protocol):
    """What was asked for."""

    @property
    def prompt(self) -> str:
        """Words, files and stdin, as composed."""
        ...


class Story(Protocol):
    """One finished run, as `flows.run.Run` tells it."""

    @property
    def run_id(self) -> str: ...  # noqa: D102
    @property
    def started(self) -> float: ...  # noqa: D102
    @property
    def latency_s(self) -> float: ...  # noqa: D102
    @property
    def first_latency_s(self) -> float | None: ...  # noqa: D102
    @property
    def ask(self) -> Asked: ...  # noqa: D102
    @property
    def decision(self) -> Decision: ...  # noqa: D102
    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def profile_hash(self) -> str: ...  # noqa: D102
    @property
    def saved(self) -> Decimal | None: ...  # noqa: D102
    @property
    def exit_code(self) -> int: ...  # noqa: D102
    @property
    def answer(self) -> str | None: ...  # noqa: D102
    @property
    def usage(self) -> Usage: ...  # noqa: D102


def memo_facts(story: Story) -> dict[str, str]:
    """What the record of a run says that is true again when its answer is printed from the memo."""
    best = story.outcome.best
    spared = None if story.saved is None or story.outcome.cost is None else story.saved + story.outcome.cost
    facts = {
        "run": story.run_id,
        "route": story.decision.route,
        "tier": None if best is None else best.tier,
        "model": None if best is None else best.model,
        "confidence": None if best is None or best.completion.confidence is None else repr(best.completion.confidence),
        "saved": money_text(spared),
        "prompt": blobs.sha256_of(story.ask.prompt),
        "answer": None if story.answer is None else blobs.sha256_of(story.answer),
        "profile": story.profile_hash,
    }
    return {name: value for name, value in facts.items() if value is not None}


def money_text(amount: Decimal | None) -> str | None:
    """Dollars as the ledger keeps them: every digit, no exponent; None is unknown."""
    return None if amount is None else f"{amount:f}"
