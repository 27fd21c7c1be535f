"""`synapse lab confidence`: learn what a model's confidence is worth, for the accept rule `confidence`."""

from __future__ import annotations

import json as _json
from typing import Annotated

import typer

from synapse_cli.cli.output import write
from synapse_cli.core.prompt import Json


def confidence(
    *,
    table: Annotated[str, typer.Argument(help="A table of outcomes with confidences, gzip or plain.", metavar="TABLE")],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="Whose confidence it is [the cheapest that tells one].", metavar="NAME"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Learn how often answers of each confidence were good.

    Prints the accept rule with its points; with them `min` is the chance that an answer is right. How far confidence
    and truth lie apart is told before and after, on answers that the points were not learned from. Nothing is asked.

    The keys of --json: model, rows, right, auc, off_before, off_after (expected calibration errors), points
    [[confidence, chance]], rule.

    Examples:

      synapse lab confidence outcomes.jsonl.gz -m nano

      synapse lab confidence outcomes.jsonl.gz --json | jq .points
    """
    from synapse_cli.lab import outcomes
    from synapse_cli.lab.scorer.of_confidence import calibrate

    found = calibrate(outcomes.read(table), model)
    points = found.calibration.as_json()
    told: dict[str, Json] = {
        "model": found.model,
        "rows": found.rows,
        "right": found.right,
        "auc": found.auc,
        "off_before": found.off_before,
        "off_after": found.off_after,
        "points": points,
        "rule": f'{{ kind = "confidence", min = 0.9, calibration = {_json.dumps(points)} }}',
    }
    if json:
        write(_json.dumps(told, ensure_ascii=False) + "\n")
        return 0
    write(
        f"{found.model}: {found.rows:,} answers, {found.right:.0%} of them good\n"
        f"confidence is off by {found.off_before:.3f} as the model tells it, by {found.off_after:.3f} calibrated\n\n"
        f"accept = [{told['rule']}]\n"
    )
    return 0
