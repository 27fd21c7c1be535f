"""Say at a terminal that something takes a while: one line on stderr, drawn over itself. Nothing in a pipe."""

from __future__ import annotations

import sys
import time

_EVERY_S = 0.1
_drawn_at = 0.0


def say(line: str) -> None:
    """Draw the line, ten times a second at most; an empty one wipes it."""
    global _drawn_at
    now = time.monotonic()
    if not sys.stderr.isatty() or (line and now - _drawn_at < _EVERY_S):
        return
    _drawn_at = now
    try:
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()
    except OSError:
        pass  # the terminal hung up; the work goes on
