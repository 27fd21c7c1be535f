"""Find what `synapse cost` was asked for: sums of the ledger, and what one model would have cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.cli import span
from synapse_cli.core.errors import UsageError
from synapse_cli.ledger.totals import Row, totals
from synapse_cli.report.cost import Against, Cost, total_of
from synapse_cli.report.cost_chart import TIMES
from synapse_cli.report.numbers import money

if TYPE_CHECKING:
    from synapse_cli.core.completion import Price

_HOUR_S = 3600
_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the flags say."""

    by: tuple[str, ...]
    since: str | None = None
    until: str | None = None
    model: str | None = None
    route: str | None = None
    provider: str | None = None
    tenant: str | None = None
    against: str | None = None
    profile: str | None = None


def asked(wanted: Asked) -> Cost:
    """Read the sums. Raises UsageError for a time or a model that means nothing, InputError for a broken ledger."""
    since, until, words = _times(wanted)
    rows = sums(wanted, wanted.by)
    return Cost(
        by=wanted.by,
        rows=rows,
        total=total_of(rows),
        span=words,
        since=_iso(since),
        until=_iso(until),
        against=None if wanted.against is None else _against(wanted, wanted.against, since, until),
    )


def sums(wanted: Asked, by: Sequence[str]) -> list[Row]:
    """The ledger's sums of what was asked for, split by `by`."""
    since, until, _ = _times(wanted)
    split = [*by, *(["provider"] if wanted.provider is not None and "provider" not in by else [])]
    rows = totals(
        ledger(),
        since=since,
        until=until,
        by=split,
        tenant=wanted.tenant,
        model=wanted.model,
        route=wanted.route,
        histograms=False,
    )
    if wanted.provider is not None:
        rows = _folded([row for row in rows if row.of["provider"] == wanted.provider], by)
    kept = [row for row in rows if row.runs or row.calls]
    return kept if {*by} & {*TIMES} else sorted(kept, key=lambda row: -Decimal(row.cost))


def ledger() -> str:
    """The ledger's file."""
    from synapse_cli.ledger.schema import FILE
    from synapse_cli.profile.paths import state_dir

    return str(state_dir() / FILE)


def _times(wanted: Asked) -> tuple[float | None, float | None, str]:
    """From and until when, in whole hours as the sums are kept, and in words."""
    now = datetime.now(UTC).astimezone()
    end = None if wanted.until is None else _whole_hour(span.until(wanted.until, now))
    if wanted.since == "all":
        start, words = None, "since the beginning"
    elif wanted.since is not None:
        start = math.floor(span.since(wanted.since, now) / _HOUR_S) * float(_HOUR_S)
        words = f"since {datetime.fromtimestamp(start, UTC).astimezone():%Y-%m-%d %H:%M}"
    else:
        start, words = _default(wanted.by, now if end is None else datetime.fromtimestamp(end - 1, UTC).astimezone())
    if start is not None and end is not None and start >= end:
        raise UsageError(f"--since {wanted.since} is not before --until {wanted.until}", "exchange the two")
    until = "" if wanted.until is None else f" until {wanted.until}"
    return start, end, words + until


def _default(by: Sequence[str], last: datetime) -> tuple[float, str]:
    """Whole days or months, the last one among them; of hours a day's."""
    if "hour" in by:
        return math.floor(last.timestamp() / _HOUR_S - 23) * float(_HOUR_S), "the last 24 hours"
    today = last.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    if "month" in by:
        start = today.replace(year=today.year - 1, day=1)
        return (start + timedelta(days=32)).replace(day=1).astimezone().timestamp(), "the last 12 months"
    return (today - timedelta(days=_DAYS - 1)).astimezone().timestamp(), f"the last {_DAYS} days"


def _whole_hour(instant: float) -> float:
    return math.ceil(instant / _HOUR_S) * float(_HOUR_S)


def _iso(instant: float | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant, UTC).astimezone().isoformat(timespec="seconds")


def _folded(rows: Sequence[Row], by: Sequence[str]) -> list[Row]:
    """Rows without the dimensions that nobody asked for."""
    held: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        held.setdefault(tuple(row.of[name] for name in by), []).append(row)
    return [replace(total_of(same), of=dict(zip(by, key, strict=True))) for key, same in sorted(held.items())]


def _against(wanted: Asked, name: str, since: float | None, until: float | None) -> Against:
    """What every accepted answer would have cost at one model."""
    from synapse_cli.cli.prices_named import named
    from synapse_cli.ledger.answers import answers

    told = named(name, wanted.profile)
    if told.price is None:
        raise UsageError(
            f"the price of {told.model} is unknown", f"synapse prices override {told.model} --input … --output …"
        )
    if wanted.provider is not None or "outcome" in wanted.by:
        raise UsageError("--against knows neither --provider nor --by outcome", "leave that out")
    found = answers(
        ledger(),
        since=since,
        until=until,
        by=wanted.by,
        tenant=wanted.tenant,
        model=wanted.model,
        route=wanted.route,
        lengths=[step.above for step in told.price.steps],
    )
    by_key: dict[tuple[str, ...], Decimal] = {}
    for each in found:
        flat = replace(told.price.at(each.above + 1), steps=())
        by_key[each.of] = by_key.get(each.of, Decimal(0)) + (flat.cost(each.usage) or 0)
    return Against(
        model=told.name,
        price=_price_words(told.price),
        by_key=by_key,
        total=sum(by_key.values(), Decimal(0)),
        answers=sum(each.answers for each in found),
        unknown=sum(each.unknown for each in found),
    )


def _price_words(price: Price) -> str:
    return f"${money(price.input)} / ${money(price.output)} per million tokens"
