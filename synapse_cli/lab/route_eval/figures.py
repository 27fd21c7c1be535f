"""What do the answers add up to? Accuracy, out-of-scope recall, confusions and calibration."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from synapse_cli.lab.route_eval.measure import Judged, Measured
from synapse_cli.lab.route_eval.rows import OUT

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OfRoute:
    """How one route did."""

    route: str
    rows: int
    """That belong there."""
    taken: int
    """That were sent there."""
    right: int

    @property
    def precision(self) -> float | None:
        """Of what was sent there, the share that belongs there."""
        return self.right / self.taken if self.taken else None

    @property
    def recall(self) -> float | None:
        """Of what belongs there, the share that was sent there."""
        return self.right / self.rows if self.rows else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one route's prompts went to another, and one of them."""

    wanted: str
    got: str
    rows: int
    example: str


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions of about one confidence, and how many of them were right."""

    confidence: float
    accuracy: float
    rows: int


@dataclass(frozen=True, slots=True)
class Deciding:
    """How often one kind of router decided, how well, and for how much CPU."""

    by: str
    rows: int
    right: int
    cpu_ms: float
    """The median; without the encoder's own work."""


@dataclass(frozen=True, slots=True)
class Simple:
    """A simpler router beside it."""

    name: str
    accuracy: float | None
    recall: float | None
    """Of what is out of scope, where the stated share of the rest is rejected; None where it cannot tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of it."""

    rows: int
    in_scope: int
    out_of_scope: int
    accuracy: float | None
    """Of prompts that belong to a route: the likeliest route is theirs, whether or not it was taken."""
    interval: tuple[float, float] | None
    """Of accuracy, 95 %, by Wilson."""
    decided: float | None
    """Of the same prompts: they were sent where they belong; one that was rejected is wrong."""
    rejected: float | None
    """Of the same prompts: taken for out of scope."""
    recall: float | None
    """Of prompts that belong to no route: taken for out of scope."""
    recall_at: float | None
    """The same, had exactly the stated share of these very prompts in scope been rejected."""
    reject: float
    routes: tuple[OfRoute, ...]
    confusions: tuple[Confusion, ...]
    names: tuple[str, ...]
    """Of the matrix's rows and columns."""
    matrix: tuple[tuple[int, ...], ...]
    """[wanted][got]."""
    ece: float | None
    bins: tuple[Bin, ...]
    deciding: tuple[Deciding, ...]
    beside: tuple[Simple, ...]
    cpu_ms: float | None


def figures(measured: Measured) -> Figures:
    """Add it up."""
    from synapse_cli.lab.bench.stats import wilson

    rows, default = measured.rows, measured.default
    inside = [row for row in rows if row.wanted != OUT]
    outside = [row for row in rows if row.wanted == OUT]
    accuracy = _share([_likeliest_is_right(row, default) for row in inside])
    interval = None if accuracy is None else wilson(accuracy, len(inside))
    names, matrix = _matrix(rows, default)
    believed = [row for row in inside if row.probability is not None]
    bins = _bins([(row.probability or 0.0, _likeliest_is_right(row, default)) for row in believed])
    return Figures(
        rows=len(rows),
        in_scope=len(inside),
        out_of_scope=len(outside),
        accuracy=accuracy,
        interval=None if interval is None else (interval.low, interval.high),
        decided=_share([_got(row, default) == _wanted(row, default) for row in inside]),
        rejected=_share([row.rejected and _wanted(row, default) != default for row in inside]),
        recall=_share([row.rejected for row in outside]),
        recall_at=_recall_at([row.likeness for row in inside], [row.likeness for row in outside], measured.reject),
        reject=measured.reject,
        routes=tuple(_of_route(name, rows, default) for name in measured.routes),
        confusions=_confusions(rows, default),
        names=names,
        matrix=matrix,
        ece=_ece(bins),
        bins=bins,
        deciding=_deciding(rows, default),
        beside=_beside(measured),
        cpu_ms=_median([1000 * row.cpu_s for row in rows]),
    )


def _wanted(row: Judged, default: str) -> str:
    return default if row.wanted == OUT else row.wanted


def _got(row: Judged, default: str) -> str:
    return default if row.rejected else row.decision.route


def _likeliest_is_right(row: Judged, default: str) -> bool:
    return row.guess == row.wanted or (row.rejected and _wanted(row, default) == default)


def _of_route(name: str, rows: Sequence[Judged], default: str) -> OfRoute:
    own = [row for row in rows if row.wanted == name]
    taken = [row for row in rows if _got(row, default) == name]
    return OfRoute(route=name, rows=len(own), taken=len(taken), right=sum(row.wanted == name for row in taken))


def _confusions(rows: Sequence[Judged], default: str) -> tuple[Confusion, ...]:
    """The commonest first."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for row in rows:
        pair = _wanted(row, default), _got(row, default)
        if pair[0] != pair[1]:
            counts[pair] += 1
            first.setdefault(pair, row.text)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(*pair, count, first[pair]) for pair, count in ranked)


def _matrix(rows: Sequence[Judged], default: str) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    counts = Counter((_wanted(row, default), _got(row, default)) for row in rows)
    seen = {name for pair in counts for name in pair} - {default}
    names = (*sorted(seen), default)
    return names, tuple(tuple(counts[wanted, got] for got in names) for wanted in names)


def _bins(pairs: Sequence[tuple[float, bool]]) -> tuple[Bin, ...]:
    """About ten bins that hold as many decisions each, from unsure to sure; those that are equally sure share one."""
    ranked = sorted(pairs, key=lambda pair: pair[0])
    cuts = {0, len(ranked)}
    for at in (round(part * len(ranked) / BINS) for part in range(1, BINS)):
        cuts.add(bisect_right(ranked, ranked[at - 1][0], key=lambda pair: pair[0]) if at else 0)
    parts = [ranked[start:end] for start, end in pairwise(sorted(cuts)) if end > start]
    return tuple(
        Bin(sum(p for p, _ in part) / len(part), sum(right for _, right in part) / len(part), len(part))
        for part in parts
    )


def _ece(bins: Sequence[Bin]) -> float | None:
    """The expected calibration error: how far confidence is from accuracy, bin by bin.

    Naeini, Cooper, Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, 2015.
    """
    total = sum(each.rows for each in bins)
    return sum(each.rows * abs(each.confidence - each.accuracy) for each in bins) / total if total else None


def _deciding(rows: Sequence[Judged], default: str) -> tuple[Deciding, ...]:
    found: dict[str, list[Judged]] = {}
    for row in rows:
        found.setdefault(row.decision.source, []).append(row)
    return tuple(
        Deciding(
            by,
            len(own),
            sum(_got(row, default) == _wanted(row, default) for row in own),
            _median([1000 * row.cpu_s for row in own]) or 0.0,
        )
        for by, own in sorted(found.items(), key=lambda item: -len(item[1]))
    )


def _beside(measured: Measured) -> tuple[Simple, ...]:
    found = []
    for each in measured.beside:
        wanted = [row.wanted for row in measured.rows]
        right = [got == want for got, want in zip(each.routes, wanted, strict=True) if want != OUT]
        inside = [like for like, want in zip(each.likeness, wanted, strict=False) if want != OUT]
        outside = [like for like, want in zip(each.likeness, wanted, strict=False) if want == OUT]
        found.append(Simple(each.name, _share(right), _recall_at(inside, outside, measured.reject)))
    return tuple(found)


def _recall_at(inside: Sequence[float | None], outside: Sequence[float | None], reject: float) -> float | None:
    """The share of what is outside that lies below all but the least share `reject` of what is inside."""
    known = sorted(like for like in inside if like is not None)
    strange = [like for like in outside if like is not None]
    if not known or not strange or len(known) < len(inside) or len(strange) < len(outside):
        return None
    limit = known[min(len(known) - 1, math.floor(reject * len(known)))]
    return sum(like < limit for like in strange) / len(strange)


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None


def _median(values: Sequence[float]) -> float | None:
    ranked = sorted(values)
    return ranked[len(ranked) // 2] if ranked else None
