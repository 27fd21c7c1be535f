"""How does a client come to its host? By connecting; else it starts one, and of many who would only one does.

Whoever takes the start lock starts a host and waits until it listens; the others keep trying to connect. A host
holds the life lock of its place for as long as it takes requests, so that there are never two, whoever dies when.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from synapse_cli.backends.host.address import reach
from synapse_cli.backends.host.greeting import Stranger, greet
from synapse_cli.backends.host.kind import CALLED, Kind, environment, version
from synapse_cli.backends.host.place import Place
from synapse_cli.backends.host.wire import BadFrame, Gone, Wire
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from subprocess import Popen

_PAUSE_S = 0.02
_PATIENCE_S = 60.0
"""How long a host may take to start, and a start may take in all: Python alone, on a machine with fifty at once."""
_GREETING_S = 20.0
_STARTS = 2
_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")

NOT_NEEDED = 3
"""The exit code of a host that found another one at its place."""

GoOn = Callable[[], object]
"""Asked while waiting; what it raises ends the wait."""


class NoHost(Exception):
    """No host can be had here; the reason in one line."""


class Line:
    """A connection to a host that has proved itself."""

    def __init__(self, wire: Wire, about: dict[str, Json]) -> None:
        self.wire, self.about = wire, about

    @property
    def pid(self) -> int:
        """The host's process."""
        return int(str(self.about["pid"]))


def connected(place: Place, kind: Kind, env: Mapping[str, str], *, idle_s: float, go_on: GoOn) -> Line:
    """A line to the host of a place, started where there is none, replaced where it is of another version.

    Raises NoHost, and whatever `go_on` raises.
    """
    until, failed = time.monotonic() + _PATIENCE_S, 0
    while time.monotonic() < until:
        go_on()
        line = line_to(place, go_on)
        if line is None:
            try:
                line = _start_in_turn(place, kind, env, idle_s, go_on)
            except NoHost:  # it may have been killed as it began: what cannot start fails again
                failed += 1
                if failed == _STARTS:
                    raise
        elif line.about.get("version") != version():
            _retire(line)
            line = None
        if line is not None:
            return line
        time.sleep(_PAUSE_S)
    raise NoHost(f"{CALLED[kind]} does not start in {_PATIENCE_S:g} s")


def line_to(place: Place, go_on: GoOn = lambda: None, *, timeout_s: float = _GREETING_S) -> Line | None:
    """A line to a host that is there, of whatever version; None where there is none. Raises NoHost where it is deaf."""
    try:
        with open(place.key, "rb") as file:
            key = file.read()
        wire = Wire(reach(place, timeout_s))
    except (OSError, ValueError):
        return None  # none there, or it is about to be, or so many wait that it is worth coming again
    until = time.monotonic() + timeout_s

    def patience() -> float:
        go_on()
        if time.monotonic() > until:
            raise NoHost(f"the host at {place.socket} does not answer (`synapse hosts stop` ends it)")
        return 0.1

    try:
        return Line(wire, greet(wire, key, patience))
    except (Gone, Stranger, BadFrame, ValueError):
        wire.close()
        return None  # it has just ended, or another one has taken its place
    except BaseException:
        wire.close()
        raise


def _start_in_turn(place: Place, kind: Kind, env: Mapping[str, str], idle_s: float, go_on: GoOn) -> Line | None:
    """Start the host if it is our turn; None where another one is at it."""
    try:
        with _turn(place) as is_ours:
            if not is_ours:
                return None
            line = line_to(place, go_on)  # it may have come to life since we looked
            if line is None:
                _start(place, kind, env, idle_s, go_on)
                line = line_to(place, go_on)
            return line
    except OSError as error:
        raise NoHost(f"{CALLED[kind]} cannot start: {error.strerror or error}") from error


@contextmanager
def _turn(place: Place) -> Iterator[bool]:
    from synapse_cli.core.exclusive import take

    handle = os.open(place.start, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield take(handle)
    finally:
        os.close(handle)


def _start(place: Place, kind: Kind, env: Mapping[str, str], idle_s: float, go_on: GoOn) -> None:
    """Start a host and wait until it listens. Raises NoHost where it says that it cannot; OSError."""
    import subprocess

    hears, says = os.pipe()
    try:
        with open(place.log, "ab", opener=_private) as log:
            process = subprocess.Popen(
                [sys.executable, "-P", _MAIN, kind, place.folder, place.name, repr(idle_s), _inherited(says)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=place.folder,
                env=environment(kind, env),
                pass_fds=(says,) if hasattr(os, "fork") else (),
                start_new_session=hasattr(os, "fork"),
            )
    finally:
        os.close(says)
    try:
        if hasattr(os, "fork"):
            process.wait()  # it leaves the work to a child of its own at once, and is nobody's zombie
            listens = process.returncode == 0 and _listens(hears, kind, go_on)
        else:
            listens = _appears(process, place, kind, go_on)
        if not listens and process.returncode != NOT_NEEDED:
            raise NoHost(f"{CALLED[kind]} does not start; `synapse hosts log {kind}` may tell why")
    finally:
        os.close(hears)


def _inherited(handle: int) -> str:
    return str(handle) if hasattr(os, "fork") else "-1"


def _listens(hears: int, kind: Kind, go_on: GoOn) -> bool:
    """Wait for the one byte that says that it listens; the pipe's end without it is a failure or a lost race."""
    from select import select

    until = time.monotonic() + _PATIENCE_S
    while not select([hears], [], [], 0.1)[0]:
        go_on()
        if time.monotonic() > until:
            raise NoHost(f"{CALLED[kind]} does not start in {_PATIENCE_S:g} s")
    return bool(os.read(hears, 1))


def _appears(process: Popen[bytes], place: Place, kind: Kind, go_on: GoOn) -> bool:
    """The same where a process inherits no pipe: wait until its address is there, or it has ended."""
    until = time.monotonic() + _PATIENCE_S
    while process.poll() is None:
        go_on()
        if os.path.exists(place.socket):
            return True
        if time.monotonic() > until:
            raise NoHost(f"{CALLED[kind]} does not start in {_PATIENCE_S:g} s")
        time.sleep(_PAUSE_S)
    return False


def _retire(line: Line) -> None:
    """Ask a host of another version to finish what it has begun and to take no more."""
    try:
        with line.wire as wire:
            wire.send_json({"op": "leave"})
            wire.receive(patience=lambda: 1.0)
    except (Gone, BadFrame):
        return  # it goes anyway


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
