"""Draw what happened within a run: a line a span, with a bar where it lies in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from synapse_cli.report.cells import Colour, Painter, cells, cut, left, right, tidy
from synapse_cli.report.numbers import dollars, seconds, tokens
from synapse_cli.report.trace import Row, Span

_LINES_OF_TEXT = 12
"""Of each prompt and answer, unless all of it was asked for."""
_MARKS: dict[str, tuple[str, Colour]] = {
    "accepted": ("✓", "green"),
    "passed": ("✓", "green"),
    "rejected": ("✗", "yellow"),
    "did not pass": ("✗", "yellow"),
    "failed": ("!", "red"),
    "skipped": ("-", "dim"),
    "not taken": ("-", "dim"),
    "not evaluated": ("-", "yellow"),
    "interrupted": ("!", "yellow"),
    "in doubt": ("?", "red"),
    "running": ("…", "cyan"),
}
_ROOMS = (7, 7, 11, 9)
"""Columns of when it began, how long it took, tokens and cost."""


class Picture:
    """The lines of a trace, for a terminal of so many columns; no width is a pipe, where nothing is cut."""

    def __init__(self, run: Row, span: Span, *, width: int | None, paint: Painter, is_full: bool) -> None:
        self._run = run
        self._span = span
        self._cuts = width is not None
        self._width = min(140, max(60, width or 100))
        self._bar = max(10, min(30, (self._width - 60) // 2))
        self._label = self._width - self._bar - sum(_ROOMS) - 5
        self._paint = paint
        self._full = is_full
        self._end_s = max(_ends(span), default=0.0)

    def lines(self) -> Iterator[str]:
        """The picture, top down."""
        yield from self._head()
        texts = [child for child in self._span.children if child.kind == "text"]
        others = [child for child in self._span.children if child.kind != "text"]
        if others:
            yield ""
            yield self._paint(self._columns("", "", ("at", "took", "tokens", "cost")), "bold")
        for number, child in enumerate(others):
            yield from self._branch(child, "", is_last=number == len(others) - 1)
        for text in texts:
            yield ""
            yield self._paint(f"{text.name}:", "bold")
            yield from self._text(text.text or "", "")

    def _head(self) -> Iterator[str]:
        run, span = self._run, self._span
        mark, colour = _MARKS.get(span.outcome or "", ("·", "bold"))
        first = [self._paint(f"{mark} {span.outcome}", colour, "bold"), span.name, f"exit {run['exit_code']}"]
        yield self._joined(first if run["exit_code"] is not None else first[:2])
        started = datetime.fromisoformat(str(run["started"])).astimezone()
        facts = [started.strftime("%Y-%m-%d %H:%M:%S"), f"route {run['route']}" if run["route"] else ""]
        facts += [str(run["model"] or ""), "from the memo" if run["memo"] else "cached" if run["cached"] else ""]
        facts += [f"tenant {run['tenant']}" if run.get("tenant") else ""]
        yield self._joined([tidy(fact) for fact in facts if fact])
        spent = [seconds(span.took_s)] if span.took_s is not None else []
        spent += [f"{tokens(span.tokens or {})} tokens", dollars(_money(span.cost_usd))]
        spent += [f"saved {dollars(_money(saved))}"] if isinstance(saved := run["saved_usd"], str) else []
        yield self._joined(spent)
        if span.reason:
            yield from self._wrapped(f"error: {span.reason}", "", "red")
        if isinstance(told := run.get("feedback"), dict):
            note = f": {told['note']}" if told["note"] else ""
            yield from self._wrapped(
                f"you said: {told['verdict']}{tidy(note)}", "", "green" if told["verdict"] == "good" else "yellow"
            )
        decision = run.get("decision")
        if isinstance(decision, dict) and isinstance(under := decision.get("policy"), dict):
            told = f"policy {str(under['sha256'])[:12]}: {under['way']}; {under['promise']}"
            yield from self._wrapped(told, "", "dim")
        if isinstance(run["memo_of"], str):
            yield from self._wrapped(f"the answer of {run['memo_of']}: synapse trace {run['memo_of']}", "", "dim")

    def _branch(self, span: Span, indent: str, *, is_last: bool, is_alone: bool = False) -> Iterator[str]:
        """A span with its children below; a call that is all of its attempt has that one's times."""
        before, below = indent + ("└─ " if is_last else "├─ "), indent + ("   " if is_last else "│  ")
        mark, colour = _MARKS.get(span.outcome or "", ("·", None))
        label = f"{before}{mark} {_label(span)}"
        if is_alone or (span.start_s is None and span.took_s is None and not span.cost_usd):
            reason = f": {tidy(span.reason)}" if span.reason else ""
            yield from self._wrapped(f"{label}{reason}", below + "  ", colour if span.kind != "check" else None)
        else:
            cost = dollars(_money(span.cost_usd)) if span.kind in {"attempt", "call"} else ""
            used = tokens(span.tokens) if span.tokens else ""
            numbers = (_time(span.start_s), _time(span.took_s), used, cost)
            yield self._columns(label, self._drawn(span), numbers, colour)
            if span.reason:
                inner = below + ("│  " if span.children else "   ")
                yield from self._wrapped(inner + tidy(span.reason), inner, "dim")
        calls = [child for child in span.children if child.kind == "call"]
        last = max((n for n, child in enumerate(span.children) if child.kind != "text"), default=-1)
        for number, child in enumerate(span.children):
            if child.kind == "text":
                yield from self._text(child.text or "", below + "  ")
            else:
                is_alone = span.kind == "attempt" and calls == [child] and child.took_s is not None
                yield from self._branch(child, below, is_last=number == last, is_alone=is_alone)

    def _columns(self, label: str, drawn: str, numbers: Sequence[str], colour: Colour | None = None) -> str:
        name = left(label, self._label)
        numbers = " ".join(right(number, room) for number, room in zip(numbers, _ROOMS, strict=True))
        colours = (colour,) if colour else ()
        return f"{name} {self._paint(left(drawn, self._bar), *colours)} {numbers}".rstrip()

    def _drawn(self, span: Span) -> str:
        """Where a span lies in the time of the run."""
        if span.start_s is None or self._end_s <= 0:
            return ""
        start = min(self._bar - 1, int(span.start_s / self._end_s * self._bar))
        if span.took_s is None:
            return " " * start + "░" * (self._bar - start)
        end = round((span.start_s + span.took_s) / self._end_s * self._bar)
        return " " * start + ("─" if span.kind == "pause" else "█") * max(1, end - start)

    def _text(self, text: str, indent: str) -> Iterator[str]:
        lines = text.splitlines() or [""]
        shown = lines if self._full else lines[:_LINES_OF_TEXT]
        for line in shown:
            clean = "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in line)
            yield indent + (line if self._full and not self._cuts else clean if self._full else cut(clean, self._room))
        if len(shown) < len(lines):
            yield self._paint(f"{indent}… {len(lines) - len(shown)} more lines (--full shows them)", "dim")

    @property
    def _room(self) -> int:
        return self._width - 6

    def _joined(self, parts: Sequence[str]) -> str:
        return " · ".join(part for part in parts if part)

    def _wrapped(self, text: str, indent: str, colour: Colour | None) -> Iterator[str]:
        """A text over as many lines as it takes at a terminal; one line in a pipe."""
        colours = (colour,) if colour else ()
        first, *words = text.lstrip(" ").split(" ")
        line = text[: len(text) - len(text.lstrip(" "))] + first
        for word in words:
            if self._cuts and cells(line) + 1 + cells(word) > self._width:
                yield self._paint(line, *colours)
                line = indent + word
            else:
                line = f"{line} {word}"
        yield self._paint(line, *colours)


def _label(span: Span) -> str:
    name = tidy(span.name)
    match span.kind:
        case "decision":
            return f"route {name} ({span.outcome})"
        case "route":
            return f"not {name}"
        case "call":
            for_what = "" if span.purpose == "tier" else f" to {span.purpose}"
            ended = "" if span.outcome == "answered" else f" · {span.outcome}"
            first = "" if span.first_s is None else f" · first piece after {seconds(span.first_s)}"
            who = f"{name} ({tidy(span.where)})" if span.where else name
            return f"call {who}{for_what}{ended}{first}"
        case "check":
            return name + (
                "" if span.score is None else f" {span.score:.2f}" if span.score <= 1 else f" {span.score:g}"
            )
        case "pause":
            return "waited to try again" if span.purpose == "retry" else "waited to be asked"
        case "run" | "attempt" | "text":
            return f"{name} · {span.outcome}" + (" · cached" if span.cached else "")


def _ends(span: Span) -> list[float]:
    own = [] if span.end_s is None else [span.end_s]
    return [*own, *(end for child in span.children for end in _ends(child))]


def _time(value: float | None) -> str:
    return "" if value is None else "0 s" if value < 0.0005 else seconds(value)


def _money(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) else None
