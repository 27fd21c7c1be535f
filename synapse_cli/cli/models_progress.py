"""Show how far a download is: one line on a terminal's stderr, drawn over itself and wiped at the end."""

from __future__ import annotations

import os
import sys
import time

from synapse_cli.report.problem import say

_EVERY_S = 0.1


class Ticker:
    """Follows one pull; says nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._name = ""
        self._began = (0.0, 0)
        self._width = 0

    def step(self, name: str, there: int, size: int | None) -> None:
        """Some more bytes have arrived."""
        now = time.monotonic()
        if name != self._name:
            self._name, self._began = name, (now, there)
        if not self._shows or (now - self._drawn_at < _EVERY_S and there != size):
            return
        self._drawn_at = now
        self._draw(_line(name, there, size, now - self._began[0], there - self._began[1]))

    def say(self, line: str) -> None:
        """Tell a person something, above the line."""
        self.wipe()
        say(f"synapse: {line}")

    def wipe(self) -> None:
        """Leave no trace."""
        if self._width:
            self._draw("")

    def _draw(self, text: str) -> None:
        text = text[: _columns() - 1]
        try:
            sys.stderr.write("\r" + text.ljust(self._width) + ("\r" if not text else ""))
            sys.stderr.flush()
        except OSError:
            pass  # the terminal hung up; the download goes on
        self._width = len(text)


def _line(name: str, there: int, size: int | None, seconds: float, gained: int) -> str:
    rate = gained / seconds if seconds > 0 else 0.0
    parts = [os.path.basename(name), f"{_megabytes(there)}{f' of {_megabytes(size)}' if size else ''} MB"]
    if size:
        parts.append(f"{100 * there // size} %")
    if rate:
        parts.append(f"{rate / 1e6:.1f} MB/s")
        if size and size > there:
            parts.append(f"{(size - there) / rate:.0f} s left")
    return " · ".join(parts)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
