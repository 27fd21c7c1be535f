"""Wait for what senders do, at most for as long as a busy machine may take, and end them: they stay for a while."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from synapse_cli.core.exclusive import is_held
from tests.e2e.machine import PATIENCE_S


def until(happened: Callable[[], bool], what: str) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def end_senders(state: Path, how: signal.Signals = signal.SIGTERM) -> None:
    """End the senders of a machine, and wait until they have."""
    for lock in (state / "telemetry").glob("*/lock"):
        if is_held(str(lock)):
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(lock.read_text()), how)
            until(lambda lock=lock: not is_held(str(lock)), "the end of a sender")  # type: ignore[misc]


def until_sending(state: Path) -> Path:
    """Wait until a sender is at work; its lock."""
    until(lambda: any(is_held(str(lock)) and lock.read_text() for lock in state.glob("telemetry/*/lock")), "a sender")
    return next(state.glob("telemetry/*/lock"))


def until_sent(state: Path) -> None:
    """Wait until nothing is left to send, and end the sender."""
    until(lambda: not list(state.glob("telemetry/*/*.jsonl")), "the sending of all")
    end_senders(state)


def until_failed(state: Path) -> Path:
    """Wait until a sender has given up; the file that says so."""
    until(lambda: bool(list(state.glob("telemetry/*/failed.json"))), "the failure")
    (lock,) = state.glob("telemetry/*/lock")
    until(lambda: not is_held(str(lock)), "the end of the sender")
    return next(state.glob("telemetry/*/failed.json"))
