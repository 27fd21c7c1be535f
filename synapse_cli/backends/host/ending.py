"""How did a host end, and who is told? Written by the thin process that waits for it, read by its clients."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any, TypedDict

from synapse_cli.backends.host import deaths
from synapse_cli.backends.host.journal import Doing, last_words
from synapse_cli.backends.host.kind import CALLED, Kind
from synapse_cli.backends.host.place import Place

_PATIENCE_S = 3.0
"""How long a client waits to be told why its host died: its parent needs milliseconds on an idle machine."""
STUCK = 70
"""The exit code of a host that ended itself because a call did not hear its stop."""
KILLED = "was killed"
"""From outside: nobody is to blame who was asked something."""
_OUT_OF_MEMORY = "ran out of memory and was killed"


class End(TypedDict):
    """What is known of the end of one host."""

    pid: int
    how: str
    """`died (signal 11)`, `was killed (signal 9)`, `was stopped`, …"""
    doing: list[Doing]


def write_end(place: Place, kind: Kind, pid: int, status: int, *, is_out_of_memory: bool) -> None:
    """Tell how a host ended; one that a model ended is counted against it; and clear away what lies about."""
    doing = last_words(place.doing(pid))
    how = _how(status, is_out_of_memory=is_out_of_memory)
    _note(place, End(pid=pid, how=how, doing=doing))
    blamed = _blamed(doing, status, is_out_of_memory=is_out_of_memory)
    if blamed is not None:
        deaths.record(place.folder, blamed["mark"], f"{CALLED[kind]} {how} while {blamed['phase']}")
    clear(place, pid)


def read_end(place: Place, pid: int) -> End | None:
    """How a host ended whose connection broke; None where nobody tells."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        try:
            with open(place.end, encoding="utf-8") as file:
                end: End = json.load(file)
            if end["pid"] == pid:
                return end
        except (OSError, ValueError, KeyError):
            pass  # not written yet
        time.sleep(0.01)
    return None


def clear(place: Place, pid: int) -> None:
    """Delete what a host leaves behind, but nothing of the one that took its place."""
    paths = [place.doing(pid)]
    card = card_of(place)
    if card is not None and card["pid"] == pid:
        paths += [place.socket, place.card]
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue


def oom_kills() -> int:
    """How many processes this machine has killed for want of memory; 0 where nobody counts."""
    try:
        with open("/proc/vmstat", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    except (OSError, ValueError):
        return 0


def _how(status: int, *, is_out_of_memory: bool) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return "was stopped"
    if code == STUCK:
        return "did not hear that it should stop"
    if code == -signal.SIGKILL:
        return _OUT_OF_MEMORY if is_out_of_memory else f"{KILLED} (signal 9)"
    return f"died (signal {-code})" if code < 0 else f"ended with code {code}"


def _blamed(doing: list[Doing], status: int, *, is_out_of_memory: bool) -> Doing | None:
    """The call that a crash is counted against: of several, the one that was the last to begin something.

    A host that somebody else killed is nobody's fault.
    """
    code = os.waitstatus_to_exitcode(status)
    is_killed = code in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT) and not is_out_of_memory
    if code == 0 or is_killed or not doing:
        return None
    return max(doing, key=lambda call: call["since"])


def _note(place: Place, end: End) -> None:
    scratch = f"{place.end}.{end['pid']}"
    try:
        with open(scratch, "w", encoding="utf-8") as file:
            json.dump(end, file)
        os.replace(scratch, place.end)
    except OSError:
        return  # a folder that is gone has no clients either


def card_of(place: Place) -> dict[str, Any] | None:
    """What a host wrote down of itself when it began; None where there is none."""
    try:
        with open(place.card, encoding="utf-8") as file:
            card: dict[str, Any] = json.load(file)
        return card if isinstance(card["pid"], int) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
