"""A bench as a table: for people at a terminal and in a pipe, as Markdown, and as CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.interval import Interval
from synapse_cli.report.bench import Comparison, Figures, Told, candidate_json
from synapse_cli.report.numbers import dollars

UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of cells; the first column is text, the others are figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(told: Told) -> Table:
    """One row a candidate; a column of which nothing is known is left out."""
    columns = [(name, [cell(figures) for figures in told.figures]) for name, cell in _COLUMNS]
    if versus := _versus(told):
        columns.insert(next(at for at, (name, _) in enumerate(columns) if name == "p90"), versus)
    kept = [(name, cells) for name, cells in columns if any(cell != UNKNOWN for cell in cells)]
    return Table(tuple(name for name, _ in kept), tuple(zip(*(cells for _, cells in kept), strict=True)))


def lines(told: Told, width: int | None = None) -> list[str]:
    """The table in plain text; where it is wider than a terminal, candidates stand side by side in columns."""
    drawn = table(told)
    whole = _grid((drawn.header, *drawn.rows))
    if width is not None and max(map(len, whole)) > width:
        whole = _turned(drawn, width)
    return [*whole, "", *remarks(told)]


def markdown(told: Told) -> str:
    """The table for a report; remarks as a list below it."""
    drawn = table(told)
    head = ["| " + " | ".join(drawn.header) + " |", "|---|" + "---:|" * (len(drawn.header) - 1)]
    body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in drawn.rows]
    return "\n".join([*head, *body, "", *(f"- {remark}" for remark in remarks(told)), ""])


def csv(told: Told) -> str:
    """One line a candidate, every figure in plain numbers: seconds, tokens, dollars."""
    import csv as writer
    import io

    rows = [_flat(figures) for figures in told.figures]
    out = io.StringIO()
    sheet = writer.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    sheet.writeheader()
    sheet.writerows(rows)
    return out.getvalue()


def remarks(told: Told) -> list[str]:
    """What the table cannot say: comparisons with before, limits, and how it was measured."""
    before = [_before(comparison) for comparison in told.comparisons if comparison.is_before]
    limits = [
        f"{limit.state}: {limit.label}: {limit.what} {limit.found}, wanted {limit.wanted}" for limit in told.limits
    ]
    return [*before, *limits, how(told), *told.notes]


def how(told: Told) -> str:
    """How it was measured, in one line."""
    ended = {"money": "stopped at --max-cost", "time": "stopped at --max-time", "interrupted": "interrupted"}
    parts = [
        f"{told.prompts} prompt{'s' if told.prompts != 1 else ''} x {told.repeats}",
        f"{told.concurrency} at once" if told.concurrency > 1 else "one at a time",
        f"{_digits(told.calls_per_s)} calls/s" if told.concurrency > 1 and told.calls_per_s is not None else "",
        f"{told.elapsed_s:.1f} s",
        f"{dollars(told.cost)} in all"
        + ("" if told.judge_cost is None else f", {dollars(told.judge_cost)} for judging"),
        ended.get(told.end, ""),
    ]
    return " · ".join(part for part in parts if part)


def span(interval: Interval | None) -> str:
    """Seconds with their interval: `412 ms (398-431)`."""
    if interval is None:
        return UNKNOWN
    unit, scale = (" s", 1.0) if interval.estimate >= 1 else (" ms", 1000.0)
    return _figure(interval, scale, unit)


def times(interval: Interval | None) -> str:
    """A ratio: `1.21 x (1.12-1.30)`."""
    return UNKNOWN if interval is None else _figure(interval, 1.0, " x")


def _figure(interval: Interval, scale: float, unit: str) -> str:
    """An estimate and its bounds in one unit; a bound that is open is left open."""
    if interval.low == interval.high or (interval.low in {-math.inf, 0.0} and interval.high == math.inf):
        return f"{_digits(interval.estimate * scale)}{unit}"
    low = "" if interval.low == -math.inf else _digits(interval.low * scale)
    high = "" if interval.high == math.inf else _digits(interval.high * scale)
    return f"{_digits(interval.estimate * scale)}{unit} ({low}-{high})"


def _digits(value: float) -> str:
    """Three digits that count."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(places, 6)}f}"


def _share(interval: Interval | None) -> str:
    if interval is None:
        return UNKNOWN
    return f"{interval.estimate:.0%} ({interval.low:.0%}-{interval.high:.0%})"


def _plain(value: float | None) -> str:
    return UNKNOWN if value is None else span(Interval(value, value, value))


def _point(interval: Interval | None) -> str:
    return UNKNOWN if interval is None else _plain(interval.estimate)


def _rate(interval: Interval | None) -> str:
    return UNKNOWN if interval is None else _digits(interval.estimate)


def _tokens(figures: Figures) -> str:
    if figures.input is None or figures.output is None or not figures.calls:
        return UNKNOWN
    about = "~" if figures.estimated else ""
    return f"{about}{figures.input / figures.calls:.0f} → {figures.output / figures.calls:.0f}"


def _cached(figures: Figures) -> str:
    return f"{figures.cached / figures.input:.0%}" if figures.cached and figures.input else UNKNOWN


def _per_thousand(figures: Figures) -> str:
    """Dollars of a thousand calls: the size at which prices can be compared."""
    if figures.cost is None:
        return "$?" if figures.calls else UNKNOWN
    return dollars(figures.cost * 1000 / Decimal(figures.calls)) if figures.calls else UNKNOWN


def _errors(figures: Figures) -> str:
    if not figures.errors:
        return UNKNOWN
    return ", ".join(f"{count} {kind}" for kind, count in sorted(figures.error_kinds.items()))


def _counted(count: int) -> str:
    return str(count) if count else UNKNOWN


def _bytes(size: int | None) -> str:
    return UNKNOWN if size is None else f"{size / 1_000_000:,.0f} MB"


_COLUMNS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("candidate", lambda figures: figures.label),
    ("calls", lambda figures: str(figures.calls)),
    ("errors", _errors),
    ("not accepted", lambda figures: _counted(figures.unaccepted)),
    ("escalated", lambda figures: _counted(figures.escalated)),
    ("quality", lambda figures: _share(figures.quality)),
    ("first token", lambda figures: span(figures.first_s)),
    ("p50", lambda figures: span(figures.total_s)),
    ("p90", lambda figures: _point(figures.p90_s)),
    ("p99", lambda figures: _point(figures.p99_s)),
    ("cold", lambda figures: _plain(figures.cold_s)),
    ("read tok/s", lambda figures: _rate(figures.read_per_s)),
    ("write tok/s", lambda figures: _rate(figures.written_per_s)),
    ("tokens", _tokens),
    ("cached input", _cached),
    ("$ per 1,000", _per_thousand),
    ("models", lambda figures: _bytes(figures.models)),
    ("peak memory", lambda figures: _bytes(figures.memory)),
)


def _versus(told: Told) -> tuple[str, list[str]] | None:
    """The column of paired ratios against the first candidate."""
    ratios = {comparison.label: comparison for comparison in told.comparisons if not comparison.is_before}
    if not ratios:
        return None
    first = "1 x" if told.figures[0].total_s is not None else UNKNOWN
    cells = [times(ratios[each.label].total) if each.label in ratios else first for each in told.figures]
    return "against the first", cells


def _before(comparison: Comparison) -> str:
    parts = [f"{times(comparison.total)} as long" if comparison.total else "", _dearer(comparison), _better(comparison)]
    said = ", ".join(part for part in parts if part) or "nothing to compare"
    return f"{comparison.label} against before ({comparison.pairs} pairs): {said}"


def _dearer(comparison: Comparison) -> str:
    found = comparison.cost
    if found is None:
        return ""
    return "as dear" if found.low == found.high == 1 else f"{times(found)} as dear"


def _better(comparison: Comparison) -> str:
    found = comparison.quality
    if found is None:
        return ""
    if found.low == found.high == 0:
        return "as good"
    return f"quality {found.estimate:+.0%}" + (
        f" ({found.low:+.0%} to {found.high:+.0%})" if math.isfinite(found.low + found.high) else ""
    )


def _grid(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_aligned(row, widths) for row in rows]


def _turned(drawn: Table, width: int) -> list[str]:
    """A row a figure, as many candidates beside each other as there is room for."""
    columns = [drawn.header, *drawn.rows]
    widths = [max(map(len, column)) for column in columns]
    found: list[str] = []
    at = 1
    while at < len(columns):
        until = at + 1
        while until < len(columns) and sum(widths[at : until + 1]) + 2 * (until - at + 1) + widths[0] <= width:
            until += 1
        found += ["", *_grid(list(zip(columns[0], *columns[at:until], strict=True)))]
        at = until
    return found[1:]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
    return "  ".join(cells).rstrip()


def _flat(figures: Figures) -> dict[str, object]:
    """The JSON of a candidate with one level: `p50_s`, `p50_s_low`, `p50_s_high`."""
    flat: dict[str, object] = {}
    for name, value in candidate_json(figures).items():
        if name in {"error_kinds", "answered_by"} and isinstance(value, dict):
            flat[name] = " ".join(f"{key}:{count}" for key, count in value.items())
        elif name == "tokens" and isinstance(value, dict):
            flat |= {f"tokens_{key}": each for key, each in value.items()}
        elif name in _INTERVALS:
            bounds = value if isinstance(value, dict) else {}
            flat |= {name: bounds.get("estimate"), f"{name}_low": bounds.get("low"), f"{name}_high": bounds.get("high")}
        else:
            flat[name] = value
    return flat


_INTERVALS = frozenset(
    {"quality", "first_s", "p50_s", "p90_s", "p99_s", "prompt_tokens_per_s", "tokens_per_s", "cost_usd_per_call"}
)
