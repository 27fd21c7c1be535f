"""What does a host do? It takes clients, serves each in a thread of its own, and ends when nobody needs it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from threading import Lock, Thread

from synapse_cli.backends.host.address import reach
from synapse_cli.backends.host.calls import Calls
from synapse_cli.backends.host.ending import STUCK
from synapse_cli.backends.host.greeting import Stranger, welcome
from synapse_cli.backends.host.journal import told
from synapse_cli.backends.host.kind import Kind, version
from synapse_cli.backends.host.log import say
from synapse_cli.backends.host.place import Place
from synapse_cli.backends.host.wire import BadFrame, Gone, Wire
from synapse_cli.core.prompt import Json

GREETING_S = 10.0
"""How long a client may take to prove itself and to say what it wants."""
STUCK_S = 30.0
"""How long a call may go on after it was told to end. Engines ask at least once a token."""
_TICK_S = 1.0
_MOST_SILENT = 256
"""Clients that have not proved themselves yet; one more is turned away at once."""


class Server:
    """One host, listening. `serve` returns its exit code."""

    def __init__(
        self,
        place: Place,
        kind: Kind,
        key: bytes,
        listener: socket.socket,
        calls: Calls,
        *,
        stuck_s: float = STUCK_S,
    ) -> None:
        self.place, self.calls, self._stuck_s = place, calls, stuck_s
        self._key, self._listener = key, listener
        self._own = _signature(place.socket)
        self._parent = _parent()
        self._lock = Lock()
        self._greeting = 0
        self._leaving = False
        self.about: dict[str, Json] = {"kind": kind, "pid": os.getpid(), "version": version(), "since": time.time()}

    def serve(self, release: Callable[[], None]) -> int:
        """Take clients until told to leave, idle, or not to be reached any more; then finish what is under way.

        `release` lets the next host start while this one still finishes.
        """
        self._listener.settimeout(_TICK_S)
        while not self._is_over():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError as error:  # too many open files: wait for some to be closed
                say(f"cannot take a client: {error.strerror}")
                time.sleep(0.1)
                continue
            self._take(connection)
        self._withdraw()
        release()
        return self._finish()

    def leave(self, *, now: bool = False) -> None:
        """Take no more requests; with `now` end those under way. Safe in a signal handler."""
        self._leaving = True
        if now:
            self.calls.stop_all()
        self._wake()

    # --- below: how ---

    def _is_over(self) -> bool:
        if self._leaving:
            return True
        if _signature(self.place.socket) != self._own or _parent() != self._parent:
            say("nobody can reach this host any more")
            return True
        if self.calls.stuck(self._stuck_s):
            say("a call does not end although it was told to")
            return True
        return self.calls.is_idle()

    def _withdraw(self) -> None:
        """Let nobody else come: unlink the socket if it is still ours, and close it."""
        self._leaving = True
        if _signature(self.place.socket) == self._own:
            for path in (self.place.socket, self.place.card):
                try:
                    os.unlink(path)
                except OSError:
                    continue
        self._listener.close()

    def _finish(self) -> int:
        """Wait for what is under way, but neither for what does not hear nor for who has not said what it wants.

        Whoever is cut off before its request was taken asks the next host.
        """
        while self.calls.active():
            if self.calls.stuck(self._stuck_s) == self.calls.active():
                return STUCK
            time.sleep(0.02)
        return 0

    def _take(self, connection: socket.socket) -> None:
        with self._lock:
            if self._greeting >= _MOST_SILENT:
                connection.close()
                return
            self._greeting += 1
        Thread(target=self._meet, args=(Wire(connection),), daemon=True).start()

    def _meet(self, wire: Wire) -> None:
        """One client from its greeting to its answer. Whatever it sends ends this connection at most."""
        try:
            with wire:
                request = self._greeted(wire)
                if request is not None:
                    self._serve(wire, request)
        except (BadFrame, Stranger, TimeoutError) as error:
            say(f"a client was sent away: {error}")
        except Gone:
            return  # it left; a call of its own has been told to end

    def _greeted(self, wire: Wire) -> dict[str, Json] | None:
        """What a client wants, once it has proved itself; None where it has to ask the next host."""
        until = time.monotonic() + GREETING_S

        def patience() -> float:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("it said nothing in time")
            return left

        try:
            welcome(wire, self._key, self.about, patience)
            request = wire.receive_json(patience)
            with self._lock:
                if not self._leaving:
                    self.calls.expect()
                    return request
            wire.send_json({"leaving": True})
            return None
        finally:
            with self._lock:
                self._greeting -= 1

    def _serve(self, wire: Wire, request: dict[str, Json]) -> None:
        try:
            match request.get("op"):
                case "leave" | "end" as op:
                    self.leave(now=op == "end")
                    wire.send_json({"done": {}})
                case "status":
                    wire.send_json({"done": self._status()})
                case _:
                    self.calls.answer(wire, request)
        finally:
            self.calls.served_one()

    def _status(self) -> dict[str, Json]:
        return {
            **self.about,
            "active": list(map(told, self.calls.journal.calls())),
            "served": self.calls.served,
            "past": list(self.calls.past),
            "idle_left_s": self.calls.left_s(),
            "loaded": self.calls.loaded(),
        }

    def _wake(self) -> None:
        """Let the accept loop look at once whether it is over."""
        try:
            reach(self.place, _TICK_S).close()
        except OSError:
            return  # it looks every second by itself


def _signature(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _parent() -> int:
    return os.getppid() if hasattr(os, "fork") else 0  # elsewhere a host has no process that waits for it
