"""Which hosts run, what do they do, and how are they started and ended by hand?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synapse_cli.backends.host.kind import KINDS, Kind, place_of, version
from synapse_cli.backends.host.place import Place, folder, is_held, places_in
from synapse_cli.backends.host.start import Line, NoHost, connected, line_to
from synapse_cli.backends.host.wire import BadFrame, Gone
from synapse_cli.core.prompt import Json

_PATIENCE_S = 2.0
"""How long a host may take to say how it is."""
_FINISH_S = 60.0
"""How long `stop` waits for calls under way before it says so and goes."""

State = Literal["ready", "answering", "old", "deaf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One host that runs."""

    place: Place
    kind: str
    pid: int
    state: State
    """`old` is of another version and replaced at the next request; `deaf` does not answer."""
    status: Mapping[str, Any]

    def as_json(self) -> dict[str, Json]:
        """The row as lists print it."""
        told = self.status
        active, loaded = told.get("active", []), told.get("loaded", [])
        return {
            "name": self.place.name,
            "kind": self.kind,
            "pid": self.pid,
            "state": self.state,
            "since": told.get("since"),
            "served": told.get("served"),
            "active": active,
            "loaded": loaded,
            "memory_bytes": _resident(self.pid),
            "idle_left_s": told.get("idle_left_s"),
            "version": told.get("version"),
            "past": told.get("past", []),
            "log": self.place.log,
        }


def running(env: Mapping[str, str]) -> list[Found]:
    """Every host of this user and installation that runs. Raises OSError where there is no place for any."""
    found = (_found(place) for place in places_in(folder(env)))
    return [host for host in found if host is not None]


def start(kind: Kind, env: Mapping[str, str], *, idle_s: float) -> int:
    """Start the host of a kind, if it does not run; its process. Raises NoHost, OSError."""
    line = connected(place_of(kind, env), kind, env, idle_s=idle_s, go_on=lambda: None)
    with line.wire as wire:
        wire.send_json({"op": "status"})
        wire.receive_json()
        return line.pid


def stop(host: Found, *, now: bool) -> bool:
    """End a host; with `now` without waiting for its calls. Whether it has ended."""
    line = None if host.state == "deaf" else _line(host.place)
    if line is None:
        _kill(host)
    else:
        with line.wire as wire:
            try:
                wire.send_json({"op": "end" if now else "leave"})
                wire.receive_json(patience=lambda: _PATIENCE_S)
            except (Gone, BadFrame):
                pass  # it is ending
    until = time.monotonic() + _FINISH_S
    while _is_running(host.pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not _is_running(host.pid)


def logs(env: Mapping[str, str]) -> list[str]:
    """The logs of every host that runs or has run, the latest written last. Raises OSError."""
    here = folder(env)
    paths = [os.path.join(here, name) for name in os.listdir(here) if name.endswith(".log")]
    return sorted(paths, key=os.path.getmtime)


def _found(place: Place) -> Found | None:
    kind = next((kind for kind in KINDS if place.name.startswith(f"{kind}-")), None)
    if kind is None:
        return None
    try:
        line = _line(place)
        if line is None:
            return _deaf(place, kind) if is_held(place.life) and os.path.exists(place.card) else None
        with line.wire as wire:
            wire.send_json({"op": "status"})
            status: Any = wire.receive_json(_patience(_PATIENCE_S))["done"]
    except (NoHost, TimeoutError):
        return _deaf(place, kind)
    except (Gone, BadFrame, KeyError):
        return None  # it has just ended
    state: State = "answering" if status.get("active") else "ready"
    return Found(
        place=place,
        kind=kind,
        pid=line.pid,
        state=state if status.get("version") == version() else "old",
        status=status,
    )


def _line(place: Place) -> Line | None:
    return line_to(place, timeout_s=_PATIENCE_S)


def _deaf(place: Place, kind: Kind) -> Found | None:
    from synapse_cli.backends.host.ending import card_of

    card = card_of(place)
    if card is None:
        return None
    return Found(place=place, kind=kind, pid=card["pid"], state="deaf", status=card)


def _patience(seconds: float) -> Any:
    until = time.monotonic() + seconds

    def patience() -> float:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    return patience


def _kill(host: Found) -> None:
    """End a host that does not listen; its card is cleared away with it, so that its number is still its own."""
    try:
        os.kill(host.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    except OSError:
        return  # it has ended by itself


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _resident(pid: int) -> int | None:
    """Bytes of memory that a process has, where the system tells."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return next(_in_bytes(file))
    except (OSError, ValueError, StopIteration):
        return None


def _in_bytes(lines: Any) -> Iterator[int]:
    return (int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
