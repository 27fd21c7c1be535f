"""How did it go: rates of the cache, of acceptance, of steps to dearer tiers, latencies, checks, errors, money?

Worked out from the ledger's sums, so that a million calls cost no more than a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal

from synapse_cli.core.prompt import Json
from synapse_cli.ledger.histogram import percentile
from synapse_cli.ledger.totals import Row, Tally
from synapse_cli.report.numbers import money

ENDINGS = ("accepted", "rejected", "failed", "interrupted")
PERCENTILES = (50, 90, 99)
TIMES = ("hour", "day", "month")
_DOLLARS = ("cost", "saved")
_ADDED = tuple(field.name for field in fields(Row) if field.name not in {"of", *_DOLLARS})


@dataclass(frozen=True, slots=True)
class Group:
    """What shares a model, a route, a tenant or a day; the whole has no name."""

    name: str
    sums: Row
    endings: Mapping[str, int]
    """Ending → runs."""

    @property
    def runs_accepted(self) -> float | None:
        """Share of the runs that ended with an accepted answer."""
        return _share(self.endings.get("accepted", 0), self.sums.runs)

    @property
    def hits(self) -> float | None:
        """Share of what was asked that the cache or the memo knew."""
        return _share(self.sums.cached, self.sums.cached + self.sums.calls)

    @property
    def passed(self) -> float | None:
        """Share of the answers that passed their checks."""
        return _share(self.sums.accepted, self.sums.accepted + self.sums.rejected)

    @property
    def failures(self) -> float | None:
        """Share of the calls that failed."""
        return _share(self.sums.failed, self.sums.calls)

    def as_json(self) -> dict[str, Json]:
        """Every figure, as scripts read it."""
        sums = self.sums
        return {
            "name": self.name or None,
            "runs": sums.runs,
            "runs_by_ending": {ending: self.endings.get(ending, 0) for ending in ENDINGS},
            "runs_accepted_ratio": self.runs_accepted,
            "calls": sums.calls,
            "calls_failed": sums.failed,
            "calls_failed_ratio": self.failures,
            "cached": sums.cached,
            "cache_hit_ratio": self.hits,
            "answers_accepted": sums.accepted,
            "answers_rejected": sums.rejected,
            "answers_accepted_ratio": self.passed,
            "tiers_skipped": sums.skipped,
            "steps": sums.escalated,
            "tokens": {
                "input": sums.input,
                "output": sums.output,
                "cached": sums.cached_input,
                "reasoning": sums.reasoning,
                "unknown_calls": sums.tokens_unknown,
                "estimated_calls": sums.estimated,
            },
            "cost_usd": money(Decimal(sums.cost)),
            "cost_unknown_calls": sums.cost_unknown,
            "saved_usd": money(Decimal(sums.saved)),
            "call_latency_s": _latencies(sums.latencies),
            "first_latency_s": _latencies(sums.first_latencies),
            "run_latency_s": _latencies(sums.run_latencies),
        }


@dataclass(frozen=True, slots=True)
class Step:
    """How often a run went on from one tier to another."""

    source: str
    target: str
    kind: str
    """As `ledger.totals.Tally` has them: "escalation", "fallback", "passed over"."""
    count: int
    share: float | None
    """Of the times that the first tier was come to."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule said of a model's answers."""

    rule: str
    model: str
    judged: int
    passed: int
    mean_score: float | None
    unevaluated: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """What people, or a dearer tier, thought of a model's answers on a route."""

    model: str
    route: str
    against: str
    """The dearer tier that was compared with; empty where people said it."""
    judged: int
    good: int
    """Of a comparison: not worse."""
    good_ratio: float | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often a kind of error came, or kept a tier from being asked."""

    kind: str
    model: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """All of it."""

    by: str
    total: Group
    groups: tuple[Group, ...]
    times: tuple[Group, ...]
    """Day by day, or hour by hour, those without a run included."""
    steps: tuple[Step, ...]
    checks: tuple[Judged, ...]
    errors: tuple[Trouble, ...]
    skipped: tuple[Trouble, ...]
    in_doubt: int
    """Runs that began, and of which nobody knows how they ended; none of the sums counts them, but their calls."""
    feedback: tuple[Opinion, ...]
    """Of people."""
    shadows: tuple[Opinion, ...]
    """Of accepted answers that were compared with a dearer tier's."""
    memos: Mapping[str, int]
    """Model → how often the memo gave its answer to a whole command line; part of what is `cached`."""

    @property
    def memo_hits(self) -> float | None:
        """Share of what was asked that the memo knew."""
        sums = self.total.sums
        return _share(sum(self.memos.values()), sums.cached + sums.calls)

    def as_json(self) -> dict[str, Json]:
        """The object for `--json`, without the span of time, which the caller knows."""
        return {
            "by": self.by,
            "total": {**self.total.as_json(), "memo_hits": sum(self.memos.values()), "memo_hit_ratio": self.memo_hits},
            "runs_in_doubt": self.in_doubt,
            "memo_hits_by_model": dict(self.memos),
            "groups": [group.as_json() for group in self.groups],
            "times": [
                {
                    "at": time.name,
                    "runs": time.sums.runs,
                    "calls": time.sums.calls,
                    "calls_failed": time.sums.failed,
                    "cached": time.sums.cached,
                    "cost_usd": time.sums.cost,
                }
                for time in self.times
            ],
            "steps": [_plain(step) for step in self.steps],
            "checks": [{**_plain(rule), "pass_ratio": _share(rule.passed, rule.judged)} for rule in self.checks],
            "feedback": [_less(opinion, "against") for opinion in self.feedback],
            "shadows": [_plain(opinion) for opinion in self.shadows],
            "errors": [_plain(error) for error in self.errors],
            "skipped": [_plain(error) for error in self.skipped],
        }


def stats(
    by: str,
    grouped: Sequence[Row],
    *,
    models: Sequence[Row] = (),
    timed: Sequence[Row] = (),
    tallies: Sequence[Tally] = (),
    opinions: Sequence[Tally] = (),
    in_doubt: int = 0,
) -> Stats:
    """Put together what `ledger.totals` gave: by this and outcome, by model, by time; tallies, also told by route."""
    groups = _groups(by, grouped)
    return Stats(
        by=by,
        total=_merged("", grouped),
        groups=tuple(groups if by in TIMES else sorted(groups, key=_weight, reverse=True)),
        times=tuple(_filled(timed)),
        steps=tuple(_steps(tallies, {row.of["model"]: row for row in models})),
        checks=tuple(_checks(tallies)),
        errors=tuple(Trouble(t.name, t.model, t.n) for t in tallies if t.kind == "error"),
        skipped=tuple(Trouble(t.name, t.model, t.n) for t in tallies if t.kind == "skip"),
        in_doubt=in_doubt,
        feedback=tuple(_opinions(opinions, "feedback")),
        shadows=tuple(_opinions(opinions, "shadow")),
        memos={t.model: t.n for t in tallies if t.kind == "memo"},
    )


def columns(group: Group, by: str) -> dict[str, str | int | float | None]:
    """One group as a flat row, for CSV."""
    flat: dict[str, str | int | float | None] = {by: group.name}
    for name, value in group.as_json().items():
        if isinstance(value, dict):
            flat |= {f"{name}_{part}": _flat(figure) for part, figure in value.items()}
        elif name != "name":
            flat[name] = _flat(value)
    return flat


def _groups(by: str, rows: Sequence[Row]) -> list[Group]:
    held: dict[str, list[Row]] = {}
    for row in rows:
        held.setdefault(row.of[by], []).append(row)
    return [_merged(name, held[name]) for name in held]


def _filled(timed: Sequence[Row]) -> list[Group]:
    """A group for each day or hour from the first to the last."""
    if not timed:
        return []
    (pace,) = timed[0].of
    form, step = ("%Y-%m-%dT%H:00%z", timedelta(hours=1)) if pace == "hour" else ("%Y-%m-%d", timedelta(days=1))
    groups = {datetime.fromisoformat(group.name): group for group in _groups(pace, timed)}
    first, last = min(groups), max(groups)
    instants = [first + number * step for number in range(int((last - first) / step) + 1)]
    empty = Group("", Row(), {})
    return [
        groups.get(at) or replace(empty, name=(at.astimezone() if pace == "hour" else at).strftime(form))
        for at in instants
    ]


def _merged(name: str, rows: Iterable[Row]) -> Group:
    """Add rows up; their endings are told apart by the outcome that they share."""
    total, endings = Row(), dict.fromkeys(ENDINGS, 0)
    for row in rows:
        total = _plus(total, row)
        ending = row.of.get("outcome", "")
        endings[ending] = endings.get(ending, 0) + row.runs
    return Group(name, total, {ending: count for ending, count in endings.items() if count and ending})


def _plus(left: Row, right: Row) -> Row:
    told = {name: getattr(left, name) + getattr(right, name) for name in _ADDED}
    dollars = {name: f"{Decimal(getattr(left, name)) + Decimal(getattr(right, name)):f}" for name in _DOLLARS}
    return replace(left, **told, **dollars)  # type: ignore[arg-type]  # by name: each has the type of its field


def _steps(tallies: Sequence[Tally], models: Mapping[str, Row]) -> Iterable[Step]:
    for tally in tallies:
        if tally.kind in {"escalation", "fallback", "passed over", "step"}:
            row = models.get(tally.model, Row())
            came = row.accepted + row.rejected + row.failed + row.skipped
            yield Step(tally.model, tally.name, tally.kind, tally.n, _share(tally.n, came))


def _checks(tallies: Sequence[Tally]) -> Iterable[Judged]:
    silent = {(t.name, t.model): t.n for t in tallies if t.kind == "unevaluated check"}
    judged = {(t.name, t.model): t for t in tallies if t.kind == "check"}
    for rule, model in [*judged, *(key for key in silent if key not in judged)]:
        tally = judged.get((rule, model))
        mean = tally.score / tally.scored if tally is not None and tally.scored else None
        counts = (0, 0) if tally is None else (tally.n, tally.good)
        yield Judged(rule, model, *counts, mean, silent.get((rule, model), 0))


def _opinions(tallies: Sequence[Tally], kind: str) -> Iterable[Opinion]:
    for tally in tallies:
        if tally.kind == kind:
            yield Opinion(tally.model, tally.route, tally.name, tally.n, tally.good, _share(tally.good, tally.n))


def _weight(group: Group) -> tuple[int, int, str]:
    return group.sums.runs + group.sums.calls, group.sums.calls, group.name


def _latencies(histogram: int) -> Json:
    return {f"p{percent}": _rounded(percentile(histogram, percent / 100)) for percent in PERCENTILES}


def _rounded(seconds: float | None) -> float | None:
    """As many digits as a bucket's width allows."""
    return None if seconds is None else float(f"{seconds:.3g}")


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _plain(value: Step | Judged | Opinion | Trouble) -> dict[str, Json]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _less(opinion: Opinion, name: str) -> dict[str, Json]:
    return {key: value for key, value in _plain(opinion).items() if key != name}


def _flat(value: Json) -> str | int | float | None:
    return value if value is None or isinstance(value, str | int | float) else str(value)
