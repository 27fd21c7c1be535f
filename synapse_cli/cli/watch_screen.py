"""Keep a terminal's screen in step with what goes on, and leave it as it was."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from synapse_cli.cli.looking import has_colour
from synapse_cli.cli.watch_sight import Sight
from synapse_cli.report.cells import Painter
from synapse_cli.report.watch import frame

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The other screen without a cursor, and back."""
_LOOKS_PER_S = 4
_BUSY_S, _IDLE_S = 1.0, 5.0
"""How often it is drawn though nothing has changed: times run on, and old runs leave the window."""


def print_once(sight: Sight, *, no_color: bool) -> None:
    """Print one screen, as wide and high as the terminal; in a pipe 100 columns wide, and whole."""
    size = _size() if sys.stdout.isatty() else os.terminal_size((100, 10_000))
    now = time.time()
    sight.look(now)
    paint = Painter(has_colour=has_colour(no_color=no_color))
    for line in frame(sight.view(now), width=size.columns, height=max(1, size.lines - 1), paint=paint):
        sys.stdout.write(line + "\n")


class Screen:
    """Draws until q is pressed."""

    def __init__(self, sight: Sight, *, no_color: bool) -> None:
        self._sight = sight
        self._paint = Painter(has_colour=has_colour(no_color=no_color))
        self._keys = _Keys()
        self._drawn: list[str] = []
        self._size = _size()
        self._next = 0.0

    def show(self) -> int:
        """Draw what changes until q leaves. Ctrl-C raises KeyboardInterrupt; the screen is as it was in any case."""
        with self._signals():
            try:
                self._enter()
                while not self._keys.have_q(1 / _LOOKS_PER_S):
                    self._step()
            finally:
                self._leave()
        return 0

    def _step(self) -> None:
        now, size = time.time(), _size()
        if self._sight.look(now) or size != self._size or time.monotonic() >= self._next:
            self._size = size
            self._draw(now)

    def _draw(self, now: float) -> None:
        view = self._sight.view(now)
        size = self._size
        lines = frame(view, width=size.columns, height=size.lines, paint=self._paint, help_line="q leaves")
        if lines != self._drawn:
            # Each line is wiped before it is drawn: after a full one, xterm would wipe its last column.
            rest = "\r\n\x1b[J" if len(lines) < size.lines else ""
            _write("\x1b[H" + "\r\n".join("\x1b[K" + line for line in lines) + rest)
            self._drawn = lines
        is_busy = any(run["status"] == "running" for run in view.runs)
        self._next = time.monotonic() + (_BUSY_S if is_busy else _IDLE_S)

    def _enter(self) -> None:
        self._keys.begin()
        _write(_ENTER)
        self._drawn, self._next = [], 0.0
        self._step()

    def _leave(self) -> None:
        _write(_LEAVE)
        self._keys.end()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Leave the screen as it was before being stopped or ended from outside."""

        def on_signal(number: int, frame: object) -> None:
            del frame
            self._leave()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            signal.signal(number, on_signal)  # it goes on here once the shell brings it back
            self._enter()

        numbers = [] if sys.platform == "win32" else [signal.SIGTSTP, signal.SIGTERM, signal.SIGHUP]
        before = [signal.signal(number, on_signal) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


class _Keys:
    """Keys as they are pressed, where stdin is a terminal that can; else Ctrl-C alone leaves."""

    def __init__(self) -> None:
        self._was: list[object] | None = None

    def begin(self) -> None:
        """Take each key at once, and do not show it."""
        if sys.platform == "win32" or not sys.stdin.isatty():
            return
        import termios
        import tty

        self._was = termios.tcgetattr(0)
        tty.setcbreak(0)

    def end(self) -> None:
        """Make the terminal as it was."""
        if self._was is not None:
            import termios

            termios.tcsetattr(0, termios.TCSADRAIN, self._was)  # type: ignore[arg-type]  # what tcgetattr gave
            self._was = None

    def have_q(self, wait_s: float) -> bool:
        """Wait so long, or until a key; whether it was q, or nobody can press one any more."""
        if self._was is None:
            time.sleep(wait_s)
            return False
        ready, _, _ = select.select([0], [], [], wait_s)
        pressed = os.read(0, 64) if ready else b"-"
        return not pressed or b"q" in pressed.lower()


def _size() -> os.terminal_size:
    """The terminal's size now; `shutil` would go by COLUMNS, which does not follow a window."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        size = os.terminal_size((0, 0))
    return os.terminal_size((size.columns or 80, size.lines or 24))


def _write(text: str) -> None:
    """Write past Python's buffer, which a signal's handler may not touch while it is being flushed."""
    left = text.encode()
    while left:
        left = left[os.write(1, left) :]
