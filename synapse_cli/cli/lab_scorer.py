"""`synapse lab scorer`: learn which answers of a model are good, for the accept rule `scorer`."""

from __future__ import annotations

import json as _json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.output import write
from synapse_cli.cli.sink import refuse_unwritable
from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.lab.scorer.of_table import Learned


def scorer(
    *,
    table: Annotated[str, typer.Argument(help="A table of outcomes with texts, gzip or plain.", metavar="TABLE")],
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="Whose answers are learned from [the cheapest with texts].", metavar="NAME"),
    ] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Write the scorer here.", metavar="FILE")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Learn which answers of a model are good, from their texts.

    What comes out is a small file for the accept rule `scorer`, which then judges each answer for nothing. All figures
    are of answers that the scorer had not seen: the AUC (0.5 tells nothing), with that of the answer's length beside
    it, and what each `min` would let through. Needs the extra `tune`; nothing is asked or sent.

    The keys of --json: file, sha256, model, rows, right, auc, length_auc, levels [{min, passes, right,
    right_at_least}], rule.

    Examples:

      synapse lab scorer outcomes.jsonl.gz -m mini -o mini.scorer

      synapse lab scorer outcomes.jsonl.gz --json | jq .auc
    """
    from synapse_cli.lab import outcomes
    from synapse_cli.lab.scorer.of_table import learn
    from synapse_cli.report.counting import Counting

    refuse_unwritable(output)
    rows = outcomes.read(table)
    with Counting("learning, in percent", 100) as counting:
        learned = learn(rows, model, lambda done, steps: counting.reached(100 * done // steps))
    sha256 = _write(output, learned)
    told = _told(learned, output, sha256)
    write(_json.dumps(told, ensure_ascii=False) + "\n" if json else _page(learned, told))
    return 0


def _write(path: str | None, learned: Learned) -> str | None:
    if path is None:
        return None
    from synapse_cli.learned.scorer import save

    try:
        return save(path, learned.scorer)
    except OSError as error:
        raise InputError(f"{path!r} cannot be written: {error.strerror}", "name another file with -o") from error


def _told(learned: Learned, path: str | None, sha256: str | None) -> dict[str, Json]:
    levels: list[Json] = []
    for level in learned.levels:
        told = asdict(level)
        levels.append({"min": told.pop("least"), **told})
    half = learned.levels[len(learned.levels) // 2].least
    named = os.path.basename(path) if path else "FILE"
    return {
        "file": path,
        "sha256": sha256,
        "model": learned.model,
        "rows": learned.rows,
        "right": learned.right,
        "auc": learned.scorer.auc,
        "length_auc": learned.length_auc,
        "levels": levels,
        "rule": f'{{ kind = "scorer", file = "{named}", min = {half:g} }}',
    }


def _page(learned: Learned, told: dict[str, Json]) -> str:
    """The figures and the rule, for people."""

    def auc(value: Json) -> str:
        return "unknown" if value is None else f"{value:.2f}"

    lines = [
        f"{learned.model}: {learned.rows:,} answers, {learned.right:.0%} of them good",
        f"AUC on answers that it had not seen: {auc(told['auc'])}; of the answer's length: {auc(told['length_auc'])}",
        "",
        f"{'min':>6}  {'passes':>7}  {'good of these':>14}  {'at least (95 %)':>16}",
        *(
            f"{level.least:6.3f}  {level.passes:7.0%}  {level.right:14.1%}  {level.right_at_least:16.1%}"
            for level in learned.levels
        ),
        "",
        f"accept = [{told['rule']}]",
    ]
    if told["file"] is None:
        lines.append("nothing was written: -o FILE keeps the scorer")
    return "\n".join(lines) + "\n"
