"""How does a client ask? One connection a call: the request goes out, pieces and an answer come back.

Closing the connection is how a call is cancelled, so that a client which is killed cancels too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

from synapse_cli.backends.host import codec, deaths
from synapse_cli.backends.host.kept import identity
from synapse_cli.backends.host.kind import CALLED, Kind, place_of, version
from synapse_cli.backends.host.place import Place
from synapse_cli.backends.host.start import Line, NoHost, connected
from synapse_cli.backends.host.wire import BadFrame, Gone, Patience
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, BadRequest, Interrupted, SynapseError, TimedOut
from synapse_cli.core.ports import Emit
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import HostSettings

_POLL_S = 0.1
"""How often a wait looks whether it should end; a person does not notice less."""
_GRACE_S = 0.5
"""How long after the deadline the host may still say so in its own words."""
_TRIES = 5
"""Hosts that may end between the greeting and the request: each time by an idle stop, or a crash of somebody else's."""


class Wanted(NamedTuple):
    """Whom a client wants to ask, and how."""

    model: Model
    kind: Kind
    settings: HostSettings
    keys: Callable[[], tuple[str, ...]] | None
    force: bool


def ask(
    wanted: Wanted, asked: dict[str, Any], control: Control, emit: Emit | None = None, *, may_start: bool = True
) -> dict[str, Any]:
    """What the host says to this. Raises NoHost where none can be had, and whatever the call raises there."""
    go_on = _go_on(control, 0.0)
    go_on()
    keys = wanted.keys() if wanted.keys else ()
    try:
        place = place_of(wanted.kind, os.environ)
    except OSError as error:
        raise NoHost(f"{CALLED[wanted.kind]} has no place to live: {error}") from error
    if not may_start and not os.path.exists(place.socket):
        raise NoHost(f"{CALLED[wanted.kind]} does not run")
    mark = _mark(wanted.model)
    died = deaths.recorded(place.folder, mark)
    if died is not None and died.times >= deaths.MOST and not wanted.force:
        raise deaths.refusal(wanted.model.name, died)
    frame = {**asked, "model": codec.model_json(wanted.model), "keys": keys, "mark": mark, **_settings(wanted)}
    for _ in range(_TRIES):
        line = connected(place, wanted.kind, os.environ, idle_s=wanted.settings.idle_s, go_on=go_on)
        with line.wire:
            whole = {**frame, "remaining_s": _remaining_s(control)}
            said = _converse(line, place, wanted, whole, control=control, emit=emit)
        if said is not None:
            if died is not None:
                deaths.forget(place.folder, mark)
            return said
    raise NoHost(f"{CALLED[wanted.kind]} ends before it begins")


def _settings(wanted: Wanted) -> dict[str, Any]:
    return {"idle_s": wanted.settings.idle_s, "max_memory": wanted.settings.max_memory}


def _remaining_s(control: Control) -> float | None:
    return None if control.deadline is None else control.deadline - control.clock()


def _mark(model: Model) -> str:
    """A model with its settings and the state of its files, as a short name."""
    told = json.dumps([identity(model), version()], sort_keys=True, default=str)
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _converse(
    line: Line, place: Place, wanted: Wanted, frame: dict[str, Any], *, control: Control, emit: Emit | None
) -> dict[str, Any] | None:
    """The host's answer; None where it ended, or is about to, before it had taken the request."""
    patience = _go_on(control, _GRACE_S)
    is_taken = is_shown = False
    try:
        line.wire.send_json(frame)
        while True:
            said: dict[str, Any] = line.wire.receive_json(patience)
            if "piece" in said:
                if emit is not None:
                    is_shown = True
                    emit(said["piece"])
            elif "taken" in said:
                is_taken = True
            elif "leaving" in said:
                return None
            elif "error" in said:
                raise _as_ours(codec.to_error(said["error"]), wanted.kind, control)
            else:
                done: dict[str, Any] = said["done"]
                return done
    except BadFrame as error:
        raise BadRequest(str(error), "--no-host runs the model in this process") from error
    except Gone as error:
        if not is_taken:
            return None
        raise _death(line, place, wanted, is_shown=is_shown) from error


def _go_on(control: Control, grace_s: float) -> Patience:
    def patience() -> float:
        if control.stopped:
            raise Interrupted("interrupted")
        if control.deadline is not None and control.clock() >= control.deadline + grace_s:
            raise TimedOut("no answer in time", "raise --timeout, or use a smaller model")
        return _POLL_S

    return patience


def _as_ours(error: SynapseError, kind: Kind, control: Control) -> SynapseError:
    """A call that its host was told to end was not interrupted by this one's user."""
    if isinstance(error, Interrupted) and not control.stopped:
        return BackendError(f"{CALLED[kind]} was stopped while it answered", "ask again: the next request starts it")
    return error


def _death(line: Line, place: Place, wanted: Wanted, *, is_shown: bool) -> BackendError | NoHost:
    """What became of a host that ended in the middle of this call.

    One of hosted models that somebody killed is no reason to be without an answer: nothing that is asked there ends
    processes, so that it can be asked in this one.
    """
    from synapse_cli.backends.host.ending import KILLED, read_end

    called, mark = CALLED[wanted.kind], _mark(wanted.model)
    end = read_end(place, line.pid)
    if end is None:
        message = f"{called} went away while it answered"
        if not hasattr(os, "fork"):  # nobody waits for a host there, so its clients count
            deaths.record(place.folder, mark, message)
    elif wanted.kind == "litellm" and end["how"].startswith(KILLED) and not is_shown:
        return NoHost(f"{called} {end['how']}")
    else:
        phases = [call["phase"] for call in end["doing"] if call["mark"] == mark]
        message = f"{called} {end['how']} while {phases[0] if phases else 'it answered'}"
    return BackendError(message, "the next request starts it anew; `synapse hosts log` may tell more")
