"""Show on a terminal's stderr how far long work is, and leave no trace of it."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from synapse_cli.report.problem import say

_PATIENCE_S = 0.5
"""Nothing is shown before: short work is done by then."""
_EVERY_S = 0.1


class Counting:
    """`embedding · 1,280 of 10,000`, redrawn as the count grows; nothing where stderr is no terminal."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._shows = sys.stderr.isatty()
        self._drawn_at = time.monotonic() + _PATIENCE_S - _EVERY_S
        self._drawn = False

    def __enter__(self) -> Counting:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the line."""
        if self._drawn:
            _write("\r\x1b[2K")

    def reached(self, count: int) -> None:
        """Tell how much is done."""
        if self._shows and time.monotonic() - self._drawn_at >= _EVERY_S:
            self._drawn_at = time.monotonic()
            self._drawn = True
            _write(f"\r\x1b[2K{self._what} · {count:,} of {self._total:,}")

    def say(self, line: str) -> None:
        """Say one line that stays, before the count."""
        if self._shows:
            say(f"synapse: {line}")


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # the terminal hung up; the work does not depend on it
