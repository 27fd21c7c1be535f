"""Let Ctrl-C end the work in flight cleanly; a second one ends at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class Stoppable(Protocol):
    """A call's Control, or a whole bench."""

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        ...

    def stop(self) -> None:
        """Tell it to end."""
        ...


@contextmanager
def interruptible(control: Stoppable) -> Iterator[None]:
    """Stop `control` at the first Ctrl-C, so that what was done is recorded; raise at the second."""

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        if control.stopped:
            raise KeyboardInterrupt
        control.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
