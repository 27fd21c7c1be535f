"""How does a host answer? What a client wants is looked up in a table; each call can be told to end at any time."""

from __future__ import annotations

import itertools
import time
import traceback
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any

from synapse_cli.backends.host import codec
from synapse_cli.backends.host.journal import Journal, Noted
from synapse_cli.backends.host.kept import Kept
from synapse_cli.backends.host.log import say
from synapse_cli.backends.host.wire import BadFrame, Gone, Wire
from synapse_cli.core.errors import BackendError, BadRequest, Interrupted, SynapseError
from synapse_cli.core.prompt import Json
from synapse_cli.profile.model import Model

_REMEMBERED = 50
"""Calls that `hosts list` can still tell of."""


class Calls:
    """The calls of one host, under way and past."""

    def __init__(self, journal: Journal, idle_s: float) -> None:
        self.journal = journal
        self.idle_s = idle_s
        self.past: deque[dict[str, Json]] = deque(maxlen=_REMEMBERED)
        self.served = 0
        self._kept = Kept()
        self._numbers = itertools.count(1)
        self._lock = Lock()
        self._expected = 0
        self._controls: dict[int, Noted] = {}
        self._stopped_at: dict[int, float] = {}
        self._until = time.monotonic() + max(idle_s, 10.0)  # whoever started it gets the time to come
        self._alive_until = 0.0
        self._ops: dict[str, Callable[[_Call], Json]] = {
            "complete": self._complete,
            "count": self._count,
            "encode": self._encode,
        }

    # --- whether it is needed ---

    def expect(self) -> None:
        """Somebody is about to ask."""
        with self._lock:
            self._expected += 1

    def served_one(self) -> None:
        """Whoever was expected has been served."""
        with self._lock:
            self._expected -= 1

    def active(self) -> int:
        """Calls under way."""
        return self._expected

    def is_idle(self) -> bool:
        """Whether nobody has asked for so long that nobody will."""
        return self._expected == 0 and time.monotonic() >= max(self._until, self._alive_until)

    def left_s(self) -> float:
        """Seconds until it is idle, if nobody asks."""
        return max(0.0, max(self._until, self._alive_until) - time.monotonic())

    def stuck(self, after_s: float) -> int:
        """Calls that go on long after they were told to end."""
        now = time.monotonic()
        with self._lock:
            for number, control in self._controls.items():
                if control.stopped or control.expired:
                    self._stopped_at.setdefault(number, now)
            return sum(now - at > after_s for at in self._stopped_at.values())

    def loaded(self) -> Json:
        """What is in memory: name, bytes, since, idle for."""
        return self._kept.loaded()

    def stop_all(self) -> None:
        """Tell every call to end."""
        for control in list(self._controls.values()):
            control.stop()

    # --- the answer ---

    def answer(self, wire: Wire, asked: dict[str, Json]) -> None:
        """Answer one client. Raises Gone where it left."""
        call = None
        try:
            call = self._begin(wire, asked)
            Thread(target=call.watch, daemon=True).start()
            said: dict[str, Json] = {"done": self._ops[call.op](call)}
        except SynapseError as error:
            said = {"error": codec.error_json(error)}
        except (Gone, BadFrame):
            raise
        except Exception as bug:  # noqa: BLE001  # a bug in a backend is one failed call, and its trace is in the log
            say("".join([*traceback.format_tb(bug.__traceback__), type(bug).__name__]))  # its words may quote a prompt
            said = {"error": codec.error_json(_failed(bug))}
        finally:
            self._end(call)
        self._remember(call, said)
        wire.send_json(said)
        wire.end()

    def _begin(self, wire: Wire, asked: dict[str, Any]) -> _Call:
        """Read what is wanted and say that it is taken, from where on a crash is no reason to ask another host.

        Raises BadFrame for what makes no sense.
        """
        try:
            if asked["op"] not in self._ops:
                raise BadFrame(f"there is no operation {str(asked['op'])[:40]!r}")
            model, mark, remaining_s = codec.to_model(asked["model"]), asked.get("mark"), asked.get("remaining_s")
            deadline = None if remaining_s is None else time.monotonic() + float(remaining_s)
            idle_s, most = float(asked.get("idle_s") or self.idle_s), asked.get("max_memory")
            most_bytes = None if most is None else int(most)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadFrame(f"a request makes no sense: {type(error).__name__}") from error
        self.idle_s = idle_s
        if model.backend != "litellm":
            self._kept.limit_memory(most_bytes)
            self._kept.overhear(say)
        wire.send_json({"taken": True})
        number = next(self._numbers)
        call = _Call(wire, asked, number, model, Noted(self.journal, number, model.name, str(mark or ""), deadline))
        with self._lock:
            self._controls[number] = call.control
        return call

    def _end(self, call: _Call | None) -> None:
        now = time.monotonic()
        self._until = now + self.idle_s
        if call is None:
            return
        self._alive_until = max(self._alive_until, now + (call.model.keep_alive_s or 0.0))
        with self._lock:
            self._controls.pop(call.number, None)
            self._stopped_at.pop(call.number, None)
        self.journal.forget(call.number)

    def _remember(self, call: _Call | None, said: dict[str, Any]) -> None:
        self.served += 1
        if call is not None:
            outcome = "answered" if "done" in said else said["error"]["class"]
            self.past.append(
                {"model": call.model.name, "op": call.op, "outcome": outcome, "pieces": call.pieces}
                | {"late": call.control.late, "seconds": round(time.monotonic() - call.began, 3)}
            )

    # --- the table ---

    def _complete(self, call: _Call) -> Json:
        backend = self._kept.backend(call.model, call.keys)
        request = call.read(lambda asked: codec.to_request(asked["request"]))
        emit = call.emit if call.asked.get("streams") else None
        return codec.completion_json(backend.complete(request, call.control, emit))

    def _count(self, call: _Call) -> Json:
        backend = self._kept.backend(call.model, call.keys)
        messages = call.read(lambda asked: codec.to_messages(asked["messages"]))
        call.control.doing("counting tokens")
        return codec.count_json(backend.count(messages))

    def _encode(self, call: _Call) -> Json:
        encoder = self._kept.encoder(call.model, call.keys)
        texts = call.read(lambda asked: [str(text) for text in asked["texts"]])
        return codec.vectors_json(encoder.encode(texts, call.control))


class _Call:
    """One call under way."""

    def __init__(self, wire: Wire, asked: dict[str, Any], number: int, model: Model, control: Noted) -> None:
        self.wire, self.asked, self.number, self.model, self.control = wire, asked, number, model, control
        self.op = str(asked["op"])
        self.keys = tuple(str(key) for key in asked.get("keys") or ())
        self.began = time.monotonic()
        self.pieces = 0

    def read(self, reader: Callable[[dict[str, Any]], Any]) -> Any:
        """Read a part of what is wanted."""
        try:
            return reader(self.asked)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest(f"the host was asked for what makes no sense: {type(error).__name__}") from error

    def watch(self) -> None:
        """End the call when its client sends anything more, or goes away."""
        try:
            self.wire.receive(0)
        except (Gone, BadFrame):
            pass  # either way it is over
        self.control.stop()

    def emit(self, piece: str) -> None:
        """Send a piece of the answer. Raises Interrupted where nobody wants it any more."""
        if self.control.stopped:
            self.control.late += 1
            raise Interrupted("interrupted")
        try:
            self.wire.send_json({"piece": piece})
        except Gone:
            self.control.stop()
            raise Interrupted("interrupted") from None
        self.pieces += 1


def _failed(bug: Exception) -> BackendError:
    return BackendError(f"its backend failed: {type(bug).__name__}", "`synapse hosts log` shows more")
