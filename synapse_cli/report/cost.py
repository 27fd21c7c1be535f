"""What was spent, and what was saved? Sums of the ledger as a table, as JSON and as CSV."""

from __future__ import annotations

import csv as _csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from synapse_cli.core.prompt import Json
from synapse_cli.ledger.totals import Row
from synapse_cli.report.numbers import dollars, money

SCHEMA_VERSION = 1
SAVED = "saved = the answer's tokens at the dearest tier of its way, less what the run cost; the cache's answers count"
_ADDED = tuple(
    f.name for f in fields(Row) if f.name not in {"of", "cost", "saved"} and not f.name.endswith("latencies")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What every accepted answer would have cost at one model."""

    model: str
    price: str
    """In words: `$3 / $15 per million tokens`."""
    by_key: dict[tuple[str, ...], Decimal]
    total: Decimal
    answers: int
    unknown: int
    """Answers of which the tokens are not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What `synapse cost` tells. `rows` are split by `by`; `total` is all of them."""

    by: tuple[str, ...]
    rows: Sequence[Row]
    total: Row
    span: str
    """The time that was looked at, in words."""
    since: str | None
    until: str | None
    against: Against | None = None


def total_of(rows: Iterable[Row]) -> Row:
    """The sum of rows."""
    numbers: dict[str, int | float] = dict.fromkeys(_ADDED, 0)
    spent = saved = Decimal(0)
    for row in rows:
        for name in _ADDED:
            numbers[name] += getattr(row, name)
        spent += Decimal(row.cost)
        saved += Decimal(row.saved)
    return Row(**numbers, cost=money(spent) or "0", saved=money(saved) or "0")  # type: ignore[arg-type]  # by name


def header(cost: Cost) -> tuple[str, ...]:
    """The columns of the table."""
    return (*cost.by, "runs", "calls", "cached", "tokens in", "out", "cost", "saved")


def cells(cost: Cost, *, for_people: bool) -> list[tuple[str, ...]]:
    """The lines of the table; for people numbers are grouped, and the last line is the sum."""
    lines = [_cells(cost, row, [row.of[name] or "-" for name in cost.by], for_people) for row in cost.rows]
    if len(cost.rows) > 1 and for_people:
        lines.append(_cells(cost, cost.total, ["total", *[""] * (len(cost.by) - 1)], for_people))
    return lines


def notes(cost: Cost) -> list[str]:
    """What the numbers rest on: one line each."""
    total, against = cost.total, cost.against
    told = [SAVED]
    if against is not None:
        told = [_saved_against(against)]
        if against.unknown:
            told.append(f"{_many(against.unknown, 'answer')} of unknown length left out")
    if total.cost_unknown:
        why = "synapse prices unknown" if total.cost_unknown > total.tokens_unknown else "nobody counted their tokens"
        told.append(f"+? = {_many(total.cost_unknown, 'call')} of unknown cost left out: {why}")
    if total.estimated:
        share = 100 * total.estimated / max(1, total.calls)
        told.append(f"~ = tokens of {_many(total.estimated, 'call')} ({share:.0f} %) are estimated")
    if against is None and total.saved_unknown:
        told.append(f"what {_many(total.saved_unknown, 'run')} saved is unknown")
    return told


def as_json(cost: Cost) -> dict[str, Json]:
    """The whole object of `--json`."""
    by: list[Json] = [*cost.by]
    return {
        "schema_version": SCHEMA_VERSION,
        "since": cost.since,
        "until": cost.until,
        "by": by,
        "rows": [row_json(cost, row) for row in cost.rows],
        "total": row_json(cost, cost.total),
        "against": None if cost.against is None else cost.against.model,
        "notes": [*notes(cost)],
    }


def row_json(cost: Cost, row: Row) -> dict[str, Json]:
    """One row. Dollars are those of calls whose cost is known; how many others there are stands beside."""
    told: dict[str, Json] = {name: row.of[name] or None for name in cost.by if name in row.of}
    return {
        **told,
        "runs": row.runs,
        "calls": row.calls,
        "accepted": row.accepted,
        "cached": row.cached,
        "failed": row.failed,
        "escalated": row.escalated,
        "tokens": {
            "input": row.input,
            "output": row.output,
            "cached": row.cached_input,
            "reasoning": row.reasoning,
            "unknown_calls": row.tokens_unknown,
            "estimated_calls": row.estimated,
        },
        "cost_usd": row.cost,
        "cost_unknown_calls": row.cost_unknown,
        "saved_usd": money(_saved(cost, row)),
        "saved_unknown_runs": 0 if cost.against else row.saved_unknown,
    }


def csv(cost: Cost) -> str:
    """A header and a line a row; no sum, so that a script can make its own."""
    out = io.StringIO()
    writer = _csv.writer(out, lineterminator="\n")
    flat = [_flat(row_json(cost, row)) for row in cost.rows]
    writer.writerow(_flat({**dict.fromkeys(cost.by), **row_json(cost, Row())}).keys())
    writer.writerows(each.values() for each in flat)
    return out.getvalue()


def _flat(row: dict[str, Json]) -> dict[str, Json]:
    tokens = row["tokens"]
    assert isinstance(tokens, dict)
    flat: dict[str, Json] = {}
    for name, value in row.items():
        if name != "tokens":
            flat[name] = value
            continue
        flat |= {f"{each}_tokens": tokens[each] for each in ("input", "output", "cached", "reasoning")}
        flat |= {f"tokens_{each}": tokens[each] for each in ("unknown_calls", "estimated_calls")}
    return flat


def _cells(cost: Cost, row: Row, key: list[str], for_people: bool) -> tuple[str, ...]:
    if not for_people:
        share = f"{row.cached / row.runs:.3f}" if row.runs else "-"
        counts = (row.runs, row.calls, share, row.input, row.output)
        return (*key, *map(str, counts), row.cost, money(_saved(cost, row)) or "0")
    share = f"{100 * row.cached / row.runs:.0f} %" if row.runs else "-"
    mark = "~" if row.estimated else ""
    unknown = f" +?{row.cost_unknown}" if row.cost_unknown else ""
    return (
        *key,
        f"{row.runs:,}",
        f"{row.calls:,}",
        share,
        f"{mark}{row.input:,}",
        f"{mark}{row.output:,}",
        dollars(Decimal(row.cost)) + unknown,
        dollars(_saved(cost, row)),
    )


def _saved(cost: Cost, row: Row) -> Decimal:
    if cost.against is None:
        return Decimal(row.saved)
    if not row.of and cost.by:
        return cost.against.total - Decimal(row.cost)
    key = tuple(row.of.get(name, "") for name in cost.by)
    return cost.against.by_key.get(key, Decimal(0)) - Decimal(row.cost)


def _saved_against(against: Against) -> str:
    each = f"{_many(against.answers, 'accepted answer')}, each once from {against.model} ({against.price})"
    return f"saved = {each} with the same tokens, less what was spent; the cache's answers count"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
