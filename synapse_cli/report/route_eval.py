"""How is the evaluation of a router told? As a page, as JSON, and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.core.prompt import Json
from synapse_cli.report import calibration, confusion
from synapse_cli.report.svg import FAINT, opening, text

_MOST_ROUTES = 12
_MOST_CONFUSIONS = 10
_EXAMPLE = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The figures, as they are told."""

    source: str
    """What was evaluated: a profile's name, or a file of examples."""
    test: str
    rows: int
    in_scope: int
    out_of_scope: int
    accuracy: float | None
    interval: tuple[float, float] | None
    decided: float | None
    rejected: float | None
    recall: float | None
    recall_at: float | None
    reject: float
    routes: tuple[tuple[str, int, int, float | None, float | None], ...]
    """(route, rows, taken, precision, recall)."""
    confusions: tuple[tuple[str, str, int, str], ...]
    """(wanted, got, rows, example)."""
    names: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    ece: float | None
    bins: tuple[tuple[float, float, int], ...]
    """(confidence, accuracy, rows)."""
    deciding: tuple[tuple[str, int, int, float], ...]
    """(router, rows, right, milliseconds of CPU)."""
    beside: tuple[tuple[str, float | None, float | None], ...]
    """(router, accuracy, out-of-scope recall at the stated rejection)."""
    cpu_ms: float | None
    encoder: str | None
    facts: dict[str, Json]
    warnings: tuple[str, ...]


def as_json(told: Told) -> dict[str, Json]:
    """The object of `--json`."""
    return {
        "schema_version": 1,
        "source": told.source,
        "test": told.test,
        "rows": told.rows,
        "in_scope": told.in_scope,
        "out_of_scope": told.out_of_scope,
        "accuracy": _round(told.accuracy),
        "accuracy_95": None if told.interval is None else [_round(each) for each in told.interval],
        "accuracy_decided": _round(told.decided),
        "reject": told.reject,
        "rejected_in_scope": _round(told.rejected),
        "oos_recall": _round(told.recall),
        "oos_recall_at_reject": _round(told.recall_at),
        "ece": _round(told.ece),
        "encoder": told.encoder,
        "cpu_ms": _round(told.cpu_ms),
        "deciding": [
            {"router": by, "rows": rows, "right": right, "cpu_ms": _round(ms)} for by, rows, right, ms in told.deciding
        ],
        "beside": [
            {"router": name, "accuracy": _round(accuracy), "oos_recall_at_reject": _round(recall)}
            for name, accuracy, recall in told.beside
        ],
        "routes": [
            {"route": route, "rows": rows, "taken": taken, "precision": _round(precision), "recall": _round(recall)}
            for route, rows, taken, precision, recall in told.routes
        ],
        "confusions": [
            {"wanted": wanted, "got": got, "rows": rows, "example": example}
            for wanted, got, rows, example in told.confusions
        ],
        "matrix": {"names": list(told.names), "rows": [list(row) for row in told.matrix]},
        "calibration": [
            {"confidence": _round(confidence), "accuracy": _round(accuracy), "rows": rows}
            for confidence, accuracy, rows in told.bins
        ],
        "learned": told.facts,
        "warnings": list(told.warnings),
    }


def page(told: Told) -> list[str]:
    """What a person reads."""
    lines = [*_headline(told), "", *_columns(("router", "accuracy", "out-of-scope recall"), _routers(told))]
    if told.deciding:
        deciding = [
            (by, f"{rows / told.rows:.0%}", _percent(right / rows), f"{ms:.2f} ms")
            for by, rows, right, ms in told.deciding
        ]
        lines += ["", *_columns(("decided by", "share", "right", "CPU"), deciding)]
    shown = told.routes if len(told.routes) <= _MOST_ROUTES else sorted(told.routes, key=_worst_first)[:_MOST_ROUTES]
    routes = [(name, f"{rows:,}", _percent(p), _percent(r)) for name, rows, _, p, r in shown]
    title = "route" if len(shown) == len(told.routes) else f"worst of {len(told.routes)} routes"
    lines += ["", *_columns((title, "rows", "precision", "recall"), routes)]
    if told.confusions:
        confused = [(wanted, got, str(rows), _quoted(text)) for wanted, got, rows, text in told.confusions]
        lines += ["", *_columns(("belongs to", "went to", "rows", "for example"), confused[:_MOST_CONFUSIONS])]
    matrix = confusion.table(told.names, told.matrix)
    lines += ["", *matrix] if matrix else []
    return [*lines, "", *calibration.bars(told.bins)] if told.bins else lines


def _headline(told: Told) -> list[str]:
    low, high = told.interval or (0.0, 0.0)
    lines = [f"{told.rows:,} prompts, {told.in_scope:,} of them for a route"]
    if told.accuracy is not None:
        lines.append(f"accuracy             {told.accuracy:.1%}  (95 %: {low:.1%} to {high:.1%})")
        lines.append(f"rejected by mistake  {_percent(told.rejected)}  (stated: at most {told.reject:.0%})")
    if told.recall is not None:
        exact = (
            "" if told.recall_at is None else f"  ({told.recall_at:.1%} where exactly {told.reject:.0%} are rejected)"
        )
        lines.append(f"out-of-scope recall  {told.recall:.1%}{exact}")
    if told.ece is not None:
        lines.append(f"calibration error    {told.ece:.1%}")
    return lines


def _routers(told: Told) -> list[tuple[str, ...]]:
    ours = ("this router", _percent(told.accuracy), _percent(told.recall_at))
    return [ours, *((name, _percent(accuracy), _percent(recall)) for name, accuracy, recall in told.beside)]


def _columns(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def svg(told: Told) -> str:
    """Confusions at the left, calibration at the right."""
    side, top = 480.0, 92.0
    left = confusion.margin(told.names) + 32
    right = left + side + 120
    width, height = int(right + 400 + 40), int(top + side + max(72.0, confusion.margin(told.names) + 28))
    title = f"Routes: {_percent(told.accuracy)} right of {told.in_scope:,} prompts"
    found = [f"out-of-scope recall {told.recall:.1%}"] if told.recall is not None else []
    found += [f"calibration error {told.ece:.1%}"] if told.ece is not None else []
    parts = [
        *opening(width, height, title, "; ".join((title, *found))),
        text(24, 34, title, size=19, weight=600),
        text(24, 56, " · ".join((f"{told.source} on {told.test}", *found)), colour=FAINT),
        *confusion.drawing(told.names, told.matrix, left, top, side),
        text(left + side / 2, top - 8, "went to", size=12, colour=FAINT, anchor="middle"),
        text(16, top + side / 2, "belongs to", size=12, colour=FAINT, anchor="middle", turned=True),
        *calibration.drawing(told.bins, right, top, 400.0),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _worst_first(route: tuple[str, int, int, float | None, float | None]) -> tuple[float, str]:
    return (min(1.0 if each is None else each for each in route[3:]), route[0])


def _quoted(said: str) -> str:
    line = " ".join(said.split())
    return f'"{line}"' if len(line) <= _EXAMPLE else f'"{line[: _EXAMPLE - 1]}…"'


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
