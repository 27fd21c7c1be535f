"""Let Ctrl-C end the work in flight cleanly; a second one ends at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from synapse_cli.core.control import Control


@contextmanager
def interruptible(control: Control) -> Iterator[None]:
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
