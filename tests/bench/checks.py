"""What does each check tell of an answer? AUC on tables with texts, with the length of the answer beside it.

    python -m tests.bench.checks [TABLE…]          # default: outcomes_math outcomes_simpleqa, from $SYNAPSE_DATA

Each cheap model's answers are judged by agreement with each of the three models next in price, by a learned scorer
(learned on one half of the rows, measured on the other, two halves), by refusal and, as the floor, by length. 0.5
tells nothing. Agreement is a yes or no, so that its AUC is (sensitivity + specificity) / 2.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from synapse_cli.checks.refusal import refusal_language
from synapse_cli.lab import outcomes
from synapse_cli.lab.outcomes import Row, Table
from synapse_cli.lab.scorer.fit import auc, fit
from synapse_cli.learned.normalised import same

TABLES = ("outcomes_math", "outcomes_simpleqa")
_PARTNERS = 3
_LEAST_TEXTS = 200


def main(names: Sequence[str]) -> int:
    """Print one line a model and check."""
    folder = os.environ.get("SYNAPSE_DATA")
    if not folder:
        sys.stderr.write("SYNAPSE_DATA is unset: it names the folder with the outcome tables\n")
        return 2
    for name in names:
        table = outcomes.read(str(Path(folder) / f"{name}.jsonl.gz"))
        sys.stdout.write(
            f"\n{name}: {len(table.rows)} rows\n{'model':32}{'right':>7}  {'check':34}{'AUC':>6}{'rows':>7}\n"
        )
        for model in table.models:
            for check, found, rows in _measured(table, model):
                right = sum(row.outcomes[model].score >= 0.5 for row in table.rows) / len(table.rows)
                sys.stdout.write(f"{model:32}{right:7.2f}  {check:34}{found:6.3f}{rows:7}\n")
                sys.stdout.flush()
    return 0


def _measured(table: Table, model: str) -> list[tuple[str, float, int]]:
    """(check, AUC, rows it could be asked of) for every check that has something to look at."""
    found = []
    texts = [row for row in table.rows if row.outcomes[model].text]
    if len(texts) >= _LEAST_TEXTS:
        found.append(_told("length (shorter is better)", texts, model, lambda row: -len(_text(row, model))))
        found.append(_told("refusal", texts, model, lambda row: float(refusal_language(_text(row, model)) is None)))
        found.append(("scorer, rows not seen", _scored(texts, model), len(texts)))
    for partner in _next(table, model):
        answers = [row for row in table.rows if row.outcomes[model].answer is not None]
        if len(answers) >= _LEAST_TEXTS:
            found.append(_told(f"agree with {partner}", answers, model, _agreement(model, partner)))
    return found


def _told(check: str, rows: Sequence[Row], model: str, says: Callable[[Row], float]) -> tuple[str, float, int]:
    said, scores = [says(row) for row in rows], [row.outcomes[model].score for row in rows]
    return check, auc(said, scores) or 0.5, len(rows)


def _agreement(model: str, partner: str) -> Callable[[Row], float]:
    return lambda row: float(same(row.outcomes[model].answer or "", row.outcomes[partner].answer or ""))


def _scored(rows: Sequence[Row], model: str) -> float:
    """Learned on one half and asked of the other, both ways round."""
    halves = [[row for at, row in enumerate(rows) if at % 2 == half] for half in (0, 1)]
    found = []
    for seen, other in (halves, halves[::-1]):
        scores = [row.outcomes[model].score for row in seen]
        scorer = fit([row.prompt for row in seen], [_text(row, model) for row in seen], scores).scorer
        said = [scorer.score(row.prompt, _text(row, model)) for row in other]
        found.append(auc(said, [row.outcomes[model].score for row in other]) or 0.5)
    return sum(found) / len(found)


def _text(row: Row, model: str) -> str:
    return row.outcomes[model].text or ""


def _next(table: Table, model: str) -> tuple[str, ...]:
    at = table.models.index(model)
    return table.models[at + 1 : at + 1 + _PARTNERS]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or TABLES))
