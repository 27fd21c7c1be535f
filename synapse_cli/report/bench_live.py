"""Show on stderr how a bench goes: a table that is redrawn at a terminal, a line a call in a pipe with `-v`."""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.report.numbers import dollars, seconds
from synapse_cli.report.problem import say

if TYPE_CHECKING:
    from rich.table import Table

_REDRAWN_PER_S = 4
"""Each time costs a few milliseconds of CPU, which the models on this machine lack meanwhile."""


@dataclass(slots=True)
class _Seen:
    """What is known of one candidate so far."""

    times: list[float] = field(default_factory=list)
    errors: int = 0
    made: int = 0
    cost: Decimal = Decimal(0)


class Progress:
    """Hears of each call; safe from several threads."""

    def __init__(self, labels: Sequence[str], calls_each: int, *, verbose: bool) -> None:
        self._seen = {label: _Seen() for label in labels}
        self._each = calls_each
        self._verbose = verbose
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._live = 0

    def hear(
        self, label: str, total_s: float, *, error: str | None, cost: Decimal | None, counts: bool, before: bool = False
    ) -> None:
        """One call is done; warm-ups are told and not counted."""
        with self._lock:
            seen = self._seen[label]
            seen.made += counts
            seen.errors += counts and error is not None
            seen.cost += cost or 0
            if counts and error is None:
                seen.times.append(total_s)
            self._live += counts and not before
        if self._verbose and not before:
            number = f"{self._made}/{self._all}" if counts else "warm-up"
            say(f"synapse: {number} {label}: {error or seconds(total_s)} {dollars(cost)}")

    def table(self) -> Table:
        """The table as it stands now."""
        from rich.table import Table

        drawn = Table(box=None, pad_edge=False, header_style="bold", caption=self._caption(), caption_justify="left")
        for name in ("candidate", "calls", "p50", "errors", "cost"):
            drawn.add_column(name, justify="left" if name == "candidate" else "right")
        with self._lock:
            for label, seen in self._seen.items():
                median = seconds(statistics.median(seen.times)) if seen.times else ""
                errors = str(seen.errors) if seen.errors else ""
                drawn.add_row(label, f"{seen.made}/{self._each}", median, errors, dollars(seen.cost))
        return drawn

    @property
    def _made(self) -> int:
        return sum(seen.made for seen in self._seen.values())

    @property
    def _all(self) -> int:
        return self._each * len(self._seen)

    def _caption(self) -> str:
        passed = time.monotonic() - self._since
        if not self._live:
            return f"{passed:.0f} s"
        left = passed / self._live * (self._all - self._made)
        return f"{passed:.0f} s, about {left:.0f} s to go"


@contextmanager
def shown(progress: Progress, *, at_terminal: bool, has_colour: bool = True) -> Iterator[None]:
    """Redraw the table while the bench runs, and leave no trace of it."""
    if not at_terminal:
        yield
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=None if has_colour else True)
    with Live(get_renderable=progress.table, console=console, refresh_per_second=_REDRAWN_PER_S, transient=True):
        yield
    sys.stderr.flush()
