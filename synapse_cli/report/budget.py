"""How a budget stands, as a row for people and as an object for scripts."""

from __future__ import annotations

from datetime import datetime

from synapse_cli.core.prompt import Json
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import amount_text, plain
from synapse_cli.ledger.account_standing import Standing

HEADER = ("scope", "period", "limit", "spent", "reserved", "in doubt", "left", "used")


def as_json(standing: Standing, now: float) -> dict[str, Json]:
    """One object of `budget show --json`: money as decimal strings, what is no limit as null."""
    said = {
        name: None if amount is None else plain(standing.unit, amount)
        for name, amount in (
            ("limit", standing.limit),
            ("spent", standing.spent),
            ("reserved", standing.reserved),
            ("in_doubt", standing.in_doubt),
            ("left", standing.left),
        )
    }
    ends = datetime.fromtimestamp(periods.end(standing.period, now)).astimezone()
    return {
        "scope": standing.scope.kind,
        "name": standing.scope.name,
        "period": standing.period,
        "since": standing.since,
        "ends_at": ends.isoformat(timespec="seconds"),
        "unit": standing.unit,
        **said,
        "per_cent": None if standing.per_cent is None else round(standing.per_cent, 1),
        "is_raised": standing.is_raised,
        "unknown_calls": standing.unknown,
    }


def row(standing: Standing) -> tuple[str, ...]:
    """One row of the table, in the order of `HEADER`."""
    unit = standing.unit
    limit = "-" if standing.limit is None else amount_text(unit, standing.limit)
    return (
        str(standing.scope),
        standing.since,
        f"{limit} (raised)" if standing.is_raised else limit,
        amount_text(unit, standing.spent) + _unknown(standing),
        amount_text(unit, standing.reserved) if standing.reserved else "-",
        amount_text(unit, standing.in_doubt) if standing.in_doubt else "-",
        "-" if standing.left is None else amount_text(unit, standing.left),
        "-" if standing.per_cent is None else f"{standing.per_cent:.0f} %",
    )


def _unknown(standing: Standing) -> str:
    """How many calls are not in the sum; each is counted as a call, and its seconds are known."""
    if not standing.unknown or standing.unit not in {"dollars", "tokens"}:
        return ""
    return f" + {standing.unknown} unknown"
