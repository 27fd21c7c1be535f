"""Tables of outcomes that the tests make themselves: who is good at what is known, and so is what can be saved."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

from synapse_cli.lab import outcomes
from synapse_cli.lab.outcomes import Result, Row, Table

COSTS = {"small": 0.001, "other": 0.002, "large": 0.03}
EASY, HARD = ("add", "count", "copy"), ("prove", "derive", "refute")


def table(
    rows: int, seed: int = 0, *, easy: float = 0.95, hard: float = 0.3, large: float = 0.92, speaks: bool = False
) -> Table:
    """Easy and hard prompts in equal parts; `small` and `other` are right with these chances, `large` with its own.

    `speaks` tells what they answered: of two that guess wrong, each guesses something else.
    """
    chance = random.Random(f"{seed} {rows} {easy} {hard} {large}")
    found = [_row(number, chance, easy, hard, large) for number in range(rows)]
    if not speaks:
        found = [
            replace(row, outcomes={name: replace(each, answer=None) for name, each in row.outcomes.items()})
            for row in found
        ]
    return outcomes.table(found, "made.jsonl")


def _row(number: int, chance: random.Random, easy: float, hard: float, large: float) -> Row:
    is_easy = chance.random() < 0.5
    verb = chance.choice(EASY if is_easy else HARD)
    truth = str(chance.randrange(10, 99))
    cheap = easy if is_easy else hard
    found = {}
    for model, good in (("small", cheap), ("other", cheap), ("large", large)):
        is_right = chance.random() < good
        said = truth if is_right else str(chance.randrange(100, 999))
        found[model] = Result(score=float(is_right), cost=COSTS[model], answer=said)
    prompt = f"{verb} {chance.randrange(1000)} and {chance.randrange(1000)}"
    return Row(f"row-{number}", "maths", prompt, found, number + 1)


def written(folder: Path, table: Table, name: str = "made.jsonl") -> Path:
    """The table as a file."""
    path = folder / name
    path.write_text("".join(json.dumps(told(row)) + "\n" for row in table.rows))
    return path


def told(row: Row) -> dict[str, object]:
    """A row as a file has it."""
    models = {
        model: {"score": each.score, "cost": each.cost, "answer": each.answer} for model, each in row.outcomes.items()
    }
    return {"id": row.id, "task": row.task, "prompt": row.prompt, "outcomes": models}


def turned(table: Table, seed: int = 1) -> Table:
    """The same rows in another order."""
    rows = list(table.rows)
    random.Random(seed).shuffle(rows)
    return outcomes.table(rows, table.name)
