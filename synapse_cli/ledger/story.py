"""What of a finished run stays true when its answer is printed again."""

from __future__ import annotations

from decimal import Decimal

from synapse_cli.core.run import Run
from synapse_cli.ledger import blobs


def memo_facts(story: Run) -> dict[str, str]:
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
        "prompt": blobs.sha256_of(story.prompt),
        "answer": None if story.answer is None else blobs.sha256_of(story.answer),
        "profile": story.profile_hash,
    }
    return {name: value for name, value in facts.items() if value is not None}


def money_text(amount: Decimal | None) -> str | None:
    """Dollars as the ledger keeps them: every digit, no exponent; None is unknown."""
    return None if amount is None else f"{amount:f}"
