"""A bench whose answers were graded, as an outcome table: the form that `synapse tune` learns from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from synapse_cli.core.prompt import Json
from synapse_cli.lab.bench.call import Call
from synapse_cli.lab.bench.course import Plan
from synapse_cli.lab.bench.item import Item


def table(plan: Plan, calls: Sequence[Call]) -> str:
    """One JSON object a prompt, with the mean over the repeats of each candidate.

    A candidate that is a model stands under the model's own name. What was not graded, or what nobody knows the cost
    of, is missing: it is never a zero.
    """
    names = {each.label: each.name if each.kind == "model" else each.label for each in plan.candidates}
    lines = []
    for item in plan.items:
        outcomes: dict[str, Json] = {}
        for label, name in names.items():
            found = [call for call in calls if (call.item, call.candidate) == (item.key, label) and call.counts]
            graded = [call for call in found if call.score is not None and call.cost is not None]
            if graded:
                outcomes[name] = _outcome(graded)
        if outcomes:
            lines.append(json.dumps(_row(item, outcomes), ensure_ascii=False) + "\n")
    return "".join(lines)


def _row(item: Item, outcomes: dict[str, Json]) -> dict[str, Json]:
    return {"id": item.key, "task": "bench", "prompt": item.text, "outcomes": outcomes}


def _outcome(graded: Sequence[Call]) -> Json:
    from synapse_cli.learned.normalised import final

    many, last = len(graded), graded[-1]
    told: dict[str, Json] = {
        "score": sum(call.score or 0.0 for call in graded) / many,
        "cost": float(sum((call.cost or Decimal(0) for call in graded), Decimal(0)) / many),
        "latency_s": sum(call.total_s for call in graded) / many,
    }
    if last.answer is not None:
        told |= {"answer": final(last.answer) or last.answer, "text": last.answer}
    return told
