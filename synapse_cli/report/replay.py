"""How would a policy have done? A replay as JSON, and as lines for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synapse_cli.core.interval import Interval
from synapse_cli.core.prompt import Json
from synapse_cli.report.cells import bar

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """How someone did: means over all prompts."""

    name: str
    score: Interval
    cost: float
    saved: float | None
    loss: Interval


@dataclass(frozen=True, slots=True)
class Way:
    """The part of the prompts that took a way."""

    name: str
    share: float
    score: float | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """How well a score sorts prompts for the strong model; `line` is PGR over the share."""

    name: str
    apgr: Interval
    cpt50: float
    cpt80: float
    line: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that is to be said."""

    table: str
    policy_file: str
    sha256: str
    promise: str
    certified: bool
    encoder: str | None
    rows: int
    baseline: str
    policy: Figure
    ways: tuple[Way, ...]
    asked: tuple[tuple[str, float], ...]
    abstained: float
    singles: tuple[Figure, ...]
    best_single: Figure
    oracle: Figure
    random: Figure | None
    length: Figure | None
    between: tuple[str, str] | None
    """The weak and the strong way that the ranking is of."""
    sorts: tuple[Sorted, ...]
    """The policy's score first, then random, prompt length and oracle; empty where nothing is ranked."""
    why_unranked: str
    by_chance: tuple[Figure, ...] = ()
    by_length: tuple[Figure, ...] = ()
    warnings: tuple[str, ...] = ()


def as_json(told: Told) -> dict[str, Json]:
    """One object."""
    own = told.sorts[0] if told.sorts else None
    return {
        "schema_version": SCHEMA_VERSION,
        "table": told.table,
        "rows": told.rows,
        "policy": told.policy_file,
        "sha256": told.sha256,
        "promise": told.promise,
        "certified": told.certified,
        "encoder": told.encoder,
        "baseline": told.baseline,
        "accuracy": told.policy.score.estimate,
        "accuracy_interval": _bounds(told.policy.score),
        "cost_usd": told.policy.cost,
        "saved": told.policy.saved,
        "loss": told.policy.loss.estimate,
        "loss_interval": _bounds(told.policy.loss),
        "apgr": None if own is None else own.apgr.estimate,
        "apgr_interval": None if own is None else _bounds(own.apgr),
        "cpt50": None if own is None else own.cpt50,
        "cpt80": None if own is None else own.cpt80,
        "ranking": None
        if told.between is None
        else {
            "weak": told.between[0],
            "strong": told.between[1],
            **{
                each.name: {"apgr": each.apgr.estimate, "cpt50": each.cpt50, "cpt80": each.cpt80} for each in told.sorts
            },
        },
        "why_unranked": told.why_unranked or None,
        "ways": [
            {"way": each.name, "share": each.share, "accuracy": each.score, "cost_usd": each.cost} for each in told.ways
        ],
        "models": [{"model": model, "share": share} for model, share in told.asked],
        "abstained": told.abstained,
        "random": _maybe(told.random),
        "length": _maybe(told.length),
        "best_single": _figure(told.best_single),
        "oracle": _figure(told.oracle),
        "singles": [_figure(each) for each in told.singles],
        "warnings": list(told.warnings),
    }


def lines(told: Told, *, bars: bool = False) -> Iterator[str]:
    """What people read: what it saves and loses, who stands beside it, how it ranks, and who is asked."""
    yield headline(told)
    yield ""
    yield from _grid([_HEADER, *map(_cells, _standing(told))])
    yield ""
    yield from _ranking(told)
    yield ""
    yield from _ways(told, bars=bars)
    yield ""
    proved = " (certified)" if told.certified else ""  # the promise itself says where it is not
    yield f"{told.table}: {told.rows:,} prompts, nothing was asked; {told.policy_file}{proved}: {told.promise}"


def headline(told: Told) -> str:
    """One line: what it saves, and what it loses."""
    own = told.policy
    saved = "nothing can be saved" if own.saved is None else f"{own.saved:.1%} saved"
    low, high = -own.loss.high * 100, -own.loss.low * 100
    span = f" ({low:+z.1f} to {high:+z.1f})" if math.isfinite(low + high) else ""
    return f"{saved} and {_points(-own.loss.estimate)} points{span} against {told.baseline}"


_HEADER = ("", "score", "95 % interval", "$ per 1,000", "saved", "points")


def _standing(told: Told) -> list[Figure]:
    """The policy first, then the singles from good to bad, then who needs no data and who needs the answers."""
    singles = sorted(told.singles, key=lambda each: (-each.score.estimate, each.cost))
    mixed = [each for each in (told.random, told.length) if each is not None]
    return [told.policy, *mixed, *singles, told.oracle]


def _cells(figure: Figure) -> tuple[str, ...]:
    score = figure.score
    return (
        figure.name,
        f"{score.estimate:.3f}",
        f"{score.low:.3f} to {score.high:.3f}" if math.isfinite(score.low + score.high) else "-",
        f"{figure.cost * 1000:.4g}",
        "-" if figure.saved is None else f"{figure.saved:.0%}",
        _points(-figure.loss.estimate),
    )


def _points(change: float) -> str:
    return f"{change * 100:+z.1f}"


def _ranking(told: Told) -> Iterator[str]:
    if told.between is None:
        yield f"no APGR: {told.why_unranked}"
        return
    weak, strong = told.between
    yield f"sorting prompts between {weak} and {strong}:"
    header = ("", "APGR", "95 % interval", "CPT50", "CPT80")
    yield from _grid([header, *map(_sorted_cells, told.sorts)])


def _sorted_cells(each: Sorted) -> tuple[str, ...]:
    is_known = math.isfinite(each.apgr.low + each.apgr.high) and each.apgr.low < each.apgr.high
    return (
        _SORTS.get(each.name, each.name),
        f"{each.apgr.estimate:.3f}",
        f"{each.apgr.low:.3f} to {each.apgr.high:.3f}" if is_known else "-",
        f"{each.cpt50:.1%}",
        f"{each.cpt80:.1%}",
    )


_SORTS = {"policy": "the policy", "length": "prompt length"}


def _ways(told: Told, *, bars: bool) -> Iterator[str]:
    yield "ways that it takes:"
    taken = [each for each in told.ways if each.share > 0]
    width = max(len(each.name) for each in taken)
    for each in taken:
        drawn = f"  {bar(each.share, 24)}" if bars else ""
        score = "" if each.score is None else f"  score {each.score:.3f}"
        yield f"  {each.share:6.1%}  {each.name:<{width}}{drawn}{score}".rstrip()
    if told.abstained:
        yield f"  {told.abstained:6.1%}  of prompts are unlike those it knows"
    if any(" > " in each.name for each in told.ways):
        yield "models that are asked: " + ", ".join(f"{model} {share:.1%}" for model, share in told.asked)


def _grid(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  {'  '.join(cells)}".rstrip()


def _maybe(figure: Figure | None) -> Json:
    return None if figure is None else _figure(figure)


def _figure(figure: Figure) -> dict[str, Json]:
    return {
        "name": figure.name,
        "accuracy": figure.score.estimate,
        "accuracy_interval": _bounds(figure.score),
        "cost_usd": figure.cost,
        "saved": figure.saved,
        "loss": figure.loss.estimate,
    }


def _bounds(interval: Interval) -> list[Json]:
    return [each if math.isfinite(each) else None for each in (interval.low, interval.high)]
