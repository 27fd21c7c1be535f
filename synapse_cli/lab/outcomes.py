"""What did each model answer, how well, and for how much? Tables of outcomes, one JSON object a line, gzip or plain.

    {"id": "q1", "task": "maths", "prompt": "…",
     "outcomes": {"mini": {"score": 1.0, "cost": 0.0021, "answer": "42"}, "nano": {"score": 0, "cost": 0}}}

`score` lies in [0, 1] and `cost` is dollars of that one answer; `answer` (what was extracted), `text` (what the model
wrote), `confidence` and `latency_s` may be there. Every problem names file, line and key.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_HINT = 'a row is {"id", "task", "prompt", "outcomes": {MODEL: {"score", "cost"}}}'


@dataclass(frozen=True, slots=True)
class Result:
    """What came of asking one model one prompt."""

    score: float
    cost: float
    """Dollars; a number for means, never a bill."""
    answer: str | None = None
    text: str | None = None
    confidence: float | None = None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt, and what came of it."""

    id: str
    task: str
    prompt: str
    outcomes: Mapping[str, Result]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of which every one has an outcome of every model."""

    rows: tuple[Row, ...]
    models: tuple[str, ...]
    """From cheap to dear, by mean cost."""
    name: str
    """Of the file, for messages."""

    @property
    def sha256(self) -> str:
        """Of what the rows say, whatever their order."""
        told = sorted(json.dumps(_told(row), sort_keys=True, separators=(",", ":")) for row in self.rows)
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def scores(self) -> Floats:
        """Rows x models."""
        return self._of("score")

    def costs(self) -> Floats:
        """Rows x models, dollars."""
        return self._of("cost")

    def _of(self, what: str) -> Floats:
        import numpy as np

        found = [[getattr(row.outcomes[model], what) for model in self.models] for row in self.rows]
        return np.array(found, dtype=np.float64).reshape(len(self.rows), len(self.models))

    def only(self, numbers: Sequence[int]) -> Table:
        """The rows of these numbers; models stay in their order."""
        return Table(tuple(self.rows[number] for number in numbers), self.models, self.name)


def read(path: str) -> Table:
    """Read a table. Raises InputError for what is missing, and for every row that is not as it should be."""
    rows = tuple(_rows(path))
    if not rows:
        raise InputError(f"{path} holds no row", _HINT)
    return table(rows, path)


def table(rows: Sequence[Row], name: str) -> Table:
    """A table of these rows. Raises InputError where one lacks a model that another has, or repeats an id."""
    everyone = sorted({model for row in rows for model in row.outcomes})
    lines: dict[str, int] = {}
    for row in rows:
        where = f"{name}, line {row.line}"
        missing = [model for model in everyone if model not in row.outcomes]
        if missing:
            other = next(each for each in rows if missing[0] in each.outcomes)
            raise InputError(
                f"{where}: outcomes: found none of {missing[0]!r}, which line {other.line} has",
                "every row needs every model; leave out rows or models that were not measured",
            )
        if row.id in lines:
            raise InputError(f"{where}: id: found {row.id!r} again, after line {lines[row.id]}", "ids occur once")
        lines[row.id] = row.line
    mean = {model: math.fsum(row.outcomes[model].cost for row in rows) / len(rows) for model in everyone}
    return Table(tuple(rows), tuple(sorted(everyone, key=lambda model: (mean[model], model))), name)


def complete(rows: Sequence[Mapping[str, Json]], name: str) -> tuple[Table, int]:
    """A table of recorded rows, of which many lack a model, and how many of them are left out.

    Kept are the models that at least half as many rows know as know the best-known one, and the rows that know all of
    these. Raises InputError where no two models were compared.
    """
    parsed = [
        _row(json.dumps(row).encode("utf-8", "surrogatepass"), f"{name}, row {number}", number)
        for number, row in enumerate(rows, 1)
    ]
    known = Counter(model for row in parsed for model in row.outcomes)
    most = max(known.values(), default=0)
    models = [model for model, times in known.items() if 2 * times >= most]
    kept = [
        replace(row, outcomes={model: row.outcomes[model] for model in models})
        for row in parsed
        if all(model in row.outcomes for model in models)
    ]
    if len(models) < 2 or not kept:
        raise InputError(
            f"{name}: no prompt is known with a judged answer of two models",
            "synapse bench and synapse shadow run ask several models the same; or give --outcomes FILE",
        )
    return table(kept, name), len(parsed) - len(kept)


def _rows(path: str) -> Iterator[Row]:
    try:
        with open(path, "rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_gzip else open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}", number)
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]  # gzip imports zlib, whose errors it lets out
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {why}", "name a file of rows, gzip or plain") from error


def _row(line: bytes, where: str, number: int) -> Row:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: found no JSON ({error})", _HINT) from error
    if not isinstance(told, dict):
        raise InputError(f"{where}: found {_kind(told)}, expected an object", _HINT)
    outcomes = told.get("outcomes")
    if not isinstance(outcomes, dict) or not outcomes:
        found = "an empty object" if outcomes == {} else _kind(outcomes)
        raise InputError(f"{where}: outcomes: found {found}, expected an object of models", _HINT)
    task = told.get("task")
    if task is not None and not isinstance(task, str):
        raise InputError(f"{where}: task: found {_kind(task)}, expected a text", _HINT)
    return Row(
        id=_text(told, "id", where),
        task=task or "",
        prompt=_text(told, "prompt", where),
        outcomes={str(model): _result(each, f"{where}: outcomes.{model}") for model, each in outcomes.items()},
        line=number,
    )


def _text(told: dict[str, Json], key: str, where: str) -> str:
    value = told.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key == "id":
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{where}: {key}: found {_kind(value)}, expected a text", _HINT)
    return value


def _result(told: Json, where: str) -> Result:
    if not isinstance(told, dict):
        raise InputError(f"{where}: found {_kind(told)}, expected an object", _HINT)
    score = _number(told, "score", where, highest=1.0)
    cost = _number(told, "cost", where)
    if score is None or cost is None:
        missing = "score" if score is None else "cost"
        raise InputError(f"{where}.{missing}: found nothing, expected a number", _HINT)
    answer, text = told.get("answer"), told.get("text")
    return Result(
        score=score,
        cost=cost,
        answer=None if answer is None else answer if isinstance(answer, str) else json.dumps(answer, sort_keys=True),
        text=text if isinstance(text, str) else None,
        confidence=_number(told, "confidence", where, highest=1.0),
        latency_s=_number(told, "latency_s", where),
    )


def _number(told: dict[str, Json], key: str, where: str, highest: float = math.inf) -> float | None:
    """A number from 0 to `highest`, or None where there is none."""
    value = told.get(key)
    if value is None:
        return None
    if isinstance(value, bool):
        value = float(value) if key == "score" else None
    span = "0 to 1" if highest == 1.0 else "0 or more"
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= highest:
        raise InputError(f"{where}.{key}: found {json.dumps(told.get(key))}, expected a number, {span}", _HINT)
    return float(value)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _told(row: Row) -> Json:
    """What a row says, without its place; what is not there is left out."""
    outcomes: dict[str, Json] = {
        model: [each.score, each.cost, each.answer, each.text, each.confidence, each.latency_s]
        for model, each in row.outcomes.items()
    }
    return {"id": row.id, "task": row.task, "prompt": row.prompt, "outcomes": outcomes}
