"""Draw how it went as a page of tables, at most as wide as the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from synapse_cli.ledger.histogram import percentile
from synapse_cli.report.cells import Painter, cells, left, right, sparkline, tidy
from synapse_cli.report.numbers import dollars, seconds, short
from synapse_cli.report.stats import PERCENTILES, TIMES, Group, Opinion, Stats, Trouble

_MOST_ROWS = 12
"""Of each table; JSON and CSV have them all."""
_MOST_TIMES = 31
"""Hours, days or months; the latest."""
_NARROWEST = 8
"""Columns that a text keeps."""
_LONGEST_LINE = 60
"""Columns of the line of runs in time."""

Cells = tuple[str, ...]
Figure = tuple[str, Callable[[Group], str]]
"""The name of a column, and what stands in it."""


class Page:
    """The lines of the page, for so many columns."""

    def __init__(self, stats: Stats, span: str, *, width: int, paint: Painter) -> None:
        self._stats = stats
        self._span = span
        self._width = min(width, 120)
        self._paint = paint

    def lines(self) -> Iterator[str]:
        """The page, top down."""
        yield from self._head()
        groups = self._stats.groups
        if self._stats.by in TIMES and len(groups) > _MOST_TIMES:
            groups = groups[-_MOST_TIMES:]
            yield ""
            yield self._paint(f"the latest {_MOST_TIMES} of {len(self._stats.groups)} (--json has them all)", "dim")
        yield from self._section(f"by {self._stats.by}", _COUNTED, groups)
        timed = [group for group in groups if group.sums.latencies]
        yield from self._section("time of calls", _TIMED, timed)
        yield from self._table("steps from", ("from", "to", "after", "times", "share"), self._steps())
        yield from self._table("checks", ("rule", "model", "judged", "passed", "score", "not judged"), self._checks())
        said = [(tidy(o.model), tidy(o.route), *_judged(o)) for o in self._stats.feedback]
        yield from self._table("people said", ("model", "route", "judged", "good"), said)
        compared = [(tidy(o.model), tidy(o.route), tidy(o.against), *_judged(o)) for o in self._stats.shadows]
        yield from self._table("compared", ("model", "route", "against", "judged", "not worse"), compared)
        yield from self._table("errors", ("kind", "model", "times"), _troubles(self._stats.errors))
        yield from self._table("not asked", ("because", "model", "times"), _troubles(self._stats.skipped))

    def _head(self) -> Iterator[str]:
        total = self._stats.total
        yield self._paint(f"{self._span} · {_many(total.sums.runs, 'run')} · {_many(total.sums.calls, 'call')}", "bold")
        yield ""
        runs = total.sums.runs or 1
        ended = [f"{count / runs:.1%} {ending}" for ending, count in total.endings.items() if count]
        doubt = f"{_many(self._stats.in_doubt, 'run')} in doubt" if self._stats.in_doubt else ""
        yield from self._fact("runs", [*ended, doubt])
        memo = f"{_percent(self._stats.memo_hits)} by the memo" if self._stats.memos else ""
        yield from self._fact("cache", [f"{_percent(total.hits)} of what was asked was answered from it", memo])
        yield from self._fact(
            "steps", [f"{_percent(_ratio(total.sums.climbed, runs))} of the runs needed more than one tier"]
        )
        took = total.sums.run_latencies or total.sums.latencies
        yield from self._fact("time", [f"p{share} {_time(percentile(took, share / 100))}" for share in PERCENTILES])
        yield from self._fact("money", list(_money(total)))
        if len(self._stats.times) > 1:
            counts = [float(time.sums.runs) for time in self._stats.times]
            names = f"{self._stats.times[0].name} … {self._stats.times[-1].name}"
            line = self._paint(sparkline(_folded(counts, _LONGEST_LINE)), "cyan")
            yield f"{'pace':<7} {line}"
            yield f"{'':<7} {self._paint(names, 'dim')}"

    def _fact(self, name: str, parts: Sequence[str]) -> Iterator[str]:
        """Figures in a row, on as many lines as they take."""
        first, *others = [part for part in parts if part] or ["-"]
        line = f"{name:<7} {first}"
        for part in others:
            if cells(line) + 3 + cells(part) > self._width:
                yield line
                line = f"{'':<7} {part}"
            else:
                line = f"{line} · {part}"
        yield line

    def _section(
        self, title: str, of: Sequence[tuple[str, Callable[[Group], str]]], groups: Sequence[Group]
    ) -> Iterator[str]:
        is_time = self._stats.by in TIMES
        rows = [(tidy(group.name) or "-", *(figure(group) for _, figure in of)) for group in groups]
        yield from self._table(title, ("", *(name for name, _ in of)), rows, _MOST_TIMES if is_time else _MOST_ROWS)

    def _table(self, title: str, header: Cells, rows: Sequence[Cells], most: int = _MOST_ROWS) -> Iterator[str]:
        """A heading, then rows; where it gets narrow the longest texts give way, then the last columns."""
        if not rows:
            return
        shown = rows[:most]
        widths = [max(cells(row[column]) for row in (header, *shown)) for column in range(len(header))]
        texts = 1 if not header[0] else _texts(header)
        widths[0] = max(widths[0], cells(title))
        while sum(widths) + 2 * (len(widths) - 1) > self._width and max(widths[:texts]) > _NARROWEST:
            widths[widths.index(max(widths[:texts]))] -= 1
        if sum(widths) + 2 * (len(widths) - 1) > self._width and len(header) > texts + 1:
            yield from self._table(title, header[:-1], [row[:-1] for row in rows], most)
            return
        yield ""
        yield self._paint(self._row((title, *header[1:]), widths, texts), "bold")
        for row in shown:
            yield self._row(row, widths, texts)
        if len(rows) > len(shown):
            yield self._paint(f"… {len(rows) - len(shown)} more (--json has them all)", "dim")

    def _row(self, row: Cells, widths: Sequence[int], texts: int) -> str:
        drawn = [
            (left if column < texts else right)(cell, width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(drawn).rstrip()

    def _steps(self) -> list[Cells]:
        names = {"escalation": "a rejection", "fallback": "a failure", "passed over": "a skip"}
        return [
            (tidy(s.source), tidy(s.target), names.get(s.kind, s.kind), short(s.count), _percent(s.share))
            for s in self._stats.steps
        ]

    def _checks(self) -> list[Cells]:
        return [
            (
                tidy(c.rule),
                tidy(c.model),
                short(c.judged),
                _percent(_ratio(c.passed, c.judged)),
                "-" if c.mean_score is None else f"{c.mean_score:.3g}",
                short(c.unevaluated) if c.unevaluated else "",
            )
            for c in self._stats.checks
        ]


def _judged(opinion: Opinion) -> Cells:
    return short(opinion.judged), _percent(_ratio(opinion.good, opinion.judged))


def _troubles(troubles: Sequence[Trouble]) -> list[Cells]:
    return [(tidy(trouble.kind), tidy(trouble.model), short(trouble.count)) for trouble in troubles]


def _money(total: Group) -> Iterator[str]:
    sums = total.sums
    yield f"{dollars(Decimal(sums.cost))} spent" + (
        f" and {_many(sums.cost_unknown, 'call')} of unknown cost" if sums.cost_unknown else ""
    )
    yield f"{dollars(Decimal(sums.saved))} saved against the dearest tier of each way"


def _many(count: int, what: str) -> str:
    return f"{short(count)} {what}{'' if count == 1 else 's'}"


def _folded(counts: Sequence[float], room: int) -> list[float]:
    """Neighbours added up until they fit."""
    each = -(-len(counts) // room)
    return [sum(counts[at : at + each]) for at in range(0, len(counts), each)]


def _texts(header: Cells) -> int:
    """How many columns at the left are texts."""
    return next((place for place, name in enumerate(header) if name in {"judged", "times"}), 1)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _percent(share: float | None) -> str:
    if share is None:
        return "-"
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _time(value: float | None) -> str:
    return "-" if value is None else seconds(value)


def _cost(group: Group) -> str:
    if group.sums.cost_unknown and group.sums.cost == "0":
        return "$?"
    return dollars(Decimal(group.sums.cost)) + ("+?" if group.sums.cost_unknown else "")


def _at(name: str, percent: int) -> Callable[[Group], str]:
    return lambda group: _time(percentile(getattr(group.sums, name), percent / 100))


_COUNTED: tuple[Figure, ...] = (
    ("runs", lambda group: short(group.sums.runs)),
    ("calls", lambda group: short(group.sums.calls)),
    ("cached", lambda group: _percent(group.hits)),
    ("passed", lambda group: _percent(group.passed)),
    ("failed", lambda group: _percent(group.failures)),
    ("in", lambda group: short(group.sums.input)),
    ("out", lambda group: short(group.sums.output)),
    ("cost", _cost),
    ("saved", lambda group: dollars(Decimal(group.sums.saved))),
)
_TIMED: tuple[Figure, ...] = (
    *((f"p{percent}", _at("latencies", percent)) for percent in PERCENTILES),
    *((f"first p{percent}", _at("first_latencies", percent)) for percent in PERCENTILES[:2]),
)
