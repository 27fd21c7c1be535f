"""What of a run's record stays true when its answer is printed from the memo."""

from __future__ import annotations

from synapse_cli.core.completion import Usage
from synapse_cli.core.run import Run
from synapse_cli.ledger import blobs
from synapse_cli.ledger.rows import money_text


def memo_facts(run: Run) -> dict[str, str]:
    """Return the facts that `ledger.row` writes for a hit; what is unknown is left out."""
    best = run.outcome.best
    spared = None if run.saved is None or run.cost is None else run.saved + run.cost
    facts = {
        "run": run.run_id,
        "route": run.decision.route,
        "tier": None if best is None else best.tier,
        "model": None if best is None else best.model,
        "confidence": None if best is None or best.completion.confidence is None else repr(best.completion.confidence),
        "saved": money_text(spared),
        "prompt": blobs.sha256_of(run.prompt),
        "answer": None if run.answer is None else blobs.sha256_of(run.answer),
        "profile": run.profile_hash,
        "tenant": run.tenant,
        "tokens": None if best is None else _tokens(best.completion.usage),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _tokens(usage: Usage) -> str | None:
    """What the answer took when it was made: what another model would have been paid for it."""
    if usage.input is None or usage.output is None:
        return None
    return f"{usage.input} {usage.output} {usage.cached} {usage.reasoning}"
