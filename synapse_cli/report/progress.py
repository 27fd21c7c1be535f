"""Show on a terminal's stderr that something is going on, and leave no trace of it."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType

from synapse_cli.core.events import Asking, Attempted, Event, Learning, Waiting, Wrote

PATIENCE_S = 0.4
"""Nothing is shown before: most answers of a small local model are there by then."""
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Progress:
    """A status line that a thread of its own redraws; it disappears at the first byte of the answer."""

    def __init__(self) -> None:
        self._text = ""
        self._since = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._drawn = False
        self._thread = threading.Thread(target=self._draw, daemon=True)

    def __enter__(self) -> Progress:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the line and stop."""
        self._over.set()
        self._thread.join()
        self._wipe()

    def hear(self, event: Event) -> None:
        """Follow a run."""
        with self._lock:
            match event:
                case Asking(tier, is_local):
                    self._text = f"{tier} · {'local' if is_local else 'hosted'}"
                    self._since = time.monotonic()
                case Learning(what, done, total):
                    self._text = f"{what} · {done:,} of {total:,}" if done < total else ""
                case Waiting(tier, _, reason):
                    self._text = f"{tier} · waiting: {reason[:60]}"
                case Attempted() | Wrote():
                    self._text = ""
                case _:
                    pass
            if isinstance(event, Wrote):
                self._wipe()

    def _draw(self) -> None:
        frame = 0
        while not self._over.wait(0.1):
            with self._lock:  # held while drawing, so that nothing is drawn after the line was wiped
                waited = time.monotonic() - self._since
                if self._text and waited > PATIENCE_S:
                    frame += 1
                    line = f"{_FRAMES[frame % len(_FRAMES)]} {self._text} · {waited:.0f} s"
                    _write(f"\r\x1b[2K{line[: _columns() - 1]}")
                    self._drawn = True

    def _wipe(self) -> None:
        if self._drawn:
            _write("\r\x1b[2K")
            self._drawn = False


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass  # the terminal hung up; the answer does not depend on it


def _columns() -> int:
    """The width of the terminal: a line that wraps cannot be wiped."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
