"""What goes on now, as one screen: runs under way and ended, their pace, spend, circuits and hosts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from synapse_cli.core.prompt import Json
from synapse_cli.report.cells import Colour, Line, Painter, bar, left, painted, right, sparkline, tidy
from synapse_cli.report.numbers import dollars, seconds, short, tokens

Row = Mapping[str, Json]

MARKS: dict[str, tuple[str, Colour]] = {
    "accepted": ("✓", "green"),
    "rejected": ("✗", "yellow"),
    "failed": ("!", "red"),
    "interrupted": ("!", "yellow"),
    "in doubt": ("?", "red"),
    "running": ("…", "cyan"),
}
_TIME, _MARK, _TOOK, _TOKENS, _COST = 8, 1, 7, 11, 9
_GAUGE = 16
"""Columns of the bar of a budget."""
_NEARLY = 0.8
_THIS = {"day": "today", "month": "this month"}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a period has cost so far, and what it may."""

    scope: str
    """Whose; empty for the profile's."""
    period: str
    spent: str
    limit: str | None
    share: float | None
    """Of the limit."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that keeps runs waiting or tiers from being asked."""

    kind: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a frame shows."""

    now: float
    window_s: float
    runs: Sequence[Row]
    """Those that began within the window, oldest first, and those under way."""
    asking: Mapping[str, str]
    """Run → whom it asks right now."""
    spent: Sequence[Spent] = ()
    concerns: Sequence[Concern] = ()
    hosts: Sequence[str] = ()
    trouble: str | None = None
    """Why this may not be all."""


def frame(view: View, *, width: int, height: int, paint: Painter, help_line: str = "") -> list[str]:
    """At most `height` lines of at most `width` columns."""
    running = [run for run in view.runs if run["status"] == "running"]
    ended = sorted((run for run in view.runs if run["status"] != "running"), key=_ended_at)
    lines: list[Line] = [*_head(view, ended, len(running), width, help_line), []]
    if running:
        shown = running[-max(1, (height - len(lines)) // 2) :]
        lines += [[(f"running ({len(running)})", "bold")], *(_running(run, view, width) for run in shown), []]
    room = height - len(lines) - 1
    if ended and room > 0:
        lines += [[(_header(width), "bold")], *(_ended(run, width) for run in reversed(ended[-room:]))]
    elif not running:
        lines.append(
            [(f"no run in the last {_span(view.window_s)}; one begins with: ", "dim"), ("synapse run …", None)]
        )
    return [painted(line, width, paint) for line in lines[:height]]


def _head(view: View, ended: Sequence[Row], under_way: int, width: int, help_line: str) -> list[Line]:
    clock = datetime.fromtimestamp(view.now).astimezone().strftime("%H:%M:%S")
    title = f"synapse watch · {clock} · last {_span(view.window_s)}"
    lines: list[Line] = [[(title, "bold"), (right(help_line, max(0, width - len(title))), "dim")]]
    lines.append(_pace(view, ended, under_way, width))
    if ended:
        lines.append([(_shares(ended), None)])
    if took := _took(ended):
        lines.append([(took, None)])
    lines += _gauges(view.spent)
    lines += [[(f"{left(concern.kind, 8)} {tidy(concern.said)}", "red")] for concern in view.concerns]
    if view.hosts:
        lines.append([("hosts    " + " · ".join(map(tidy, view.hosts)), None)])
    if view.trouble:
        lines += [[(line, "red")] for line in textwrap.wrap(tidy(view.trouble), width)[:3]]
    return lines


def _pace(view: View, ended: Sequence[Row], under_way: int, width: int) -> Line:
    """How many runs, and when: a column a step of the window, the latest at the right."""
    columns = min(30, max(10, width - 50))
    counts = [0] * columns
    for run in view.runs:
        age = view.now - _began(run)
        counts[max(0, min(columns - 1, int((1 - age / view.window_s) * columns)))] += 1
    rate = len(view.runs) / (view.window_s / 60)
    told = f"runs     {short(len(ended))} ended · {under_way} running · {rate:.1f} a minute  "
    return [(told, None), (sparkline(counts), "cyan")]


def _shares(ended: Sequence[Row]) -> str:
    parts = [f"{_share(ended, 'status', status)} {status}" for status in MARKS if _count(ended, status)]
    cached = sum(bool(run["cached"]) for run in ended)
    memo = sum(bool(run["memo"]) for run in ended)
    parts.append(f"{cached / len(ended):.0%} from the cache" + (f" (memo {memo / len(ended):.0%})" if memo else ""))
    return "ended    " + " · ".join(parts)


def _took(ended: Sequence[Row]) -> str:
    """How long runs took that were answered by a model; the cache would only flatter it."""
    asked = [float(took) for run in ended if isinstance(took := run["latency_s"], int | float) and not run["cached"]]
    first = [float(took) for run in ended if isinstance(took := run.get("first_latency_s"), int | float)]
    if not asked:
        return ""
    told = " · ".join(f"p{percent} {seconds(percentile(asked, percent))}" for percent in (50, 90, 99))
    return f"took     {told}" + (f" · first token p50 {seconds(percentile(first, 50))}" if first else "")


def _gauges(spent: Sequence[Spent]) -> list[Line]:
    """What was spent where there is no limit, in one line; and a bar for each limit."""
    free = [f"{each.spent} {_THIS[each.period]}" for each in spent if each.limit is None]
    lines: list[Line] = [[("spent    " + " · ".join(free), None)]] if free else []
    for each in spent:
        if each.limit is not None and each.share is not None:
            colour: Colour = "red" if each.share >= 1 else "yellow" if each.share >= _NEARLY else "green"
            drawn = bar(min(1.0, each.share), _GAUGE)
            told = [f" {each.share:.0%}", f"{each.spent} of {each.limit} {_THIS[each.period]}"]
            told += [tidy(each.scope)] if each.scope else []
            rest = "░" * (_GAUGE - len(drawn))
            lines.append([("budget   ", None), (drawn, colour), (rest, "dim"), (" · ".join(told), None)])
    return lines


def _header(width: int) -> str:
    route, model, run_id = _rooms(width)
    texts = [left("ended", _TIME), left("", _MARK), left("route", route), left("model", model), right("took", _TOOK)]
    return " ".join([*texts, right("tokens", _TOKENS), right("cost", _COST), left("run", run_id)])


def _ended(run: Row, width: int) -> Line:
    route, model, run_id = _rooms(width)
    mark, colour = MARKS[str(run["status"])]
    code = run["exit_code"]
    who = str(run["model"]) if run["model"] else f"{run['status']}" + (f" ({code})" if code is not None else "")
    told = run["tokens"] if isinstance(run["tokens"], dict) else {}
    used = "memo" if run["memo"] else "cached" if run["cached"] else tokens(told)
    took = run["latency_s"]
    cells = [left(tidy(str(run["route"] or "-")), route), left(tidy(who), model)]
    cells += [right(seconds(float(took)) if isinstance(took, int | float) else "-", _TOOK), right(used, _TOKENS)]
    cells += [right(_dollars(run["cost_usd"]), _COST), str(run["run_id"])[:run_id]]
    return [(_clock(_ended_at(run)), "dim"), (f" {mark} ", colour), (" ".join(cells), None)]


def _running(run: Row, view: View, width: int) -> Line:
    mark, colour = MARKS["running"]
    asked = view.asking.get(str(run["run_id"]))
    told = f"asking {tidy(asked)}" if asked else "under way"
    for_s = right(f"{max(0.0, view.now - _began(run)):.0f} s", _TOOK)
    run_id = str(run["run_id"])
    room = max(10, width - _TIME - _MARK - _TOOK - len(run_id) - 5)
    return [(_clock(_began(run)), "dim"), (f" {mark} ", colour), (f"{left(told, room)} {for_s} {run_id}", None)]


def _rooms(width: int) -> tuple[int, int, int]:
    """Columns of route, model and id: what the numbers leave."""
    left_over = width - (_TIME + _MARK + _TOOK + _TOKENS + _COST + 7)
    run_id = 20 if left_over >= 50 else 10
    route = max(6, min(24, (left_over - run_id) * 2 // 5))
    return route, max(6, left_over - run_id - route), run_id


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _share(ended: Sequence[Row], name: str, value: str) -> str:
    return f"{sum(run[name] == value for run in ended) / len(ended):.0%}"


def _count(ended: Sequence[Row], status: str) -> int:
    return sum(run["status"] == status for run in ended)


def _began(run: Row) -> float:
    return datetime.fromisoformat(str(run["started"])).timestamp()


def _ended_at(run: Row) -> float:
    took = run["latency_s"]
    return _began(run) + (float(took) if isinstance(took, int | float) else 0.0)


def _clock(instant: float) -> str:
    return datetime.fromtimestamp(instant).astimezone().strftime("%H:%M:%S")


def _dollars(amount: Json) -> str:
    return dollars(Decimal(amount) if isinstance(amount, str) else None)


def _span(window_s: float) -> str:
    for length, unit in ((86_400.0, "d"), (3600.0, "h")):
        if window_s >= 2 * length:
            return f"{window_s / length:.0f} {unit}"
    return f"{window_s / 60:.0f} min" if window_s >= 60 else f"{window_s:.0f} s"
