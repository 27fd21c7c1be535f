"""What does a program of the user's own answer? A route may lead to a command in place of a model."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from synapse_cli.core import child
from synapse_cli.core.completion import FREE, NO_USAGE, Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, BadAnswer, TimedOut
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model

_MOST = 10_000_000
"""Bytes of output that are an answer; more is none."""
_SHOWN = 200


class Command:
    """A Backend that runs `argv`: the prompt is its stdin, its stdout is the answer, and 0 as exit code says so.

    There is no shell in between. It runs in the user's own folder and environment; a program that is named with a
    slash is found from the profile's folder. A system prompt is not for programs and is left out.
    """

    def __init__(self, model: Model) -> None:
        self._argv = argv_of(model)
        self._timeout_s = model.timeout_s

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Run the program. Raises BackendError where it cannot start or says no, TimedOut where it is too slow."""
        began = time.monotonic()
        ended = child.run(self._argv, _stdin(request), timeout_s=self._timeout_s, control=control, keep=_MOST + 1)
        name = os.path.basename(self._argv[0])
        if isinstance(ended, child.Unended):
            if ended.reason.startswith("killed"):
                raise TimedOut(f"{name} was {ended.reason}", "give it more time, or ask it for less")
            raise BackendError(f"{name} {ended.reason}", "look at run in the route: is the program installed?")
        if ended.exit_code != 0:
            raise BackendError(_refusal(name, ended), "run it by hand to see why")
        if len(ended.out) > _MOST:
            raise BadAnswer(f"{name} wrote more than {_MOST // 1_000_000} MB", "let it write less")
        text = ended.out.decode("utf-8", "replace").removesuffix("\n")
        if emit is not None and text:
            emit(text)
        took = time.monotonic() - began
        return Completion(text=text, finish="stop", usage=NO_USAGE, cost=FREE.cost(NO_USAGE), latency_s=took)

    def facts(self) -> Facts:
        """A program costs nothing that anybody bills."""
        return Facts(is_local=True, provider="command", price=FREE)

    def count(self, messages: Sequence[Message]) -> Count:
        """A program reads no tokens."""
        del messages
        return Count(0, estimated=False)


def argv_of(model: Model) -> tuple[str, ...]:
    """The command and its arguments; a path is taken from the folder of the profile that names it."""
    listed = model.options["argv"]
    assert isinstance(listed, list)
    argv = tuple(map(str, listed))
    if os.path.basename(argv[0]) == argv[0] or not model.file:
        return argv
    folder = os.path.dirname(os.path.abspath(model.file))
    return (os.path.join(folder, os.path.expanduser(argv[0])), *argv[1:])


def _stdin(request: Request) -> bytes:
    """The user's own words; a program is told nothing else."""
    said = [message.content for message in request.messages if message.role == "user"]
    return said[-1].encode("utf-8", "replace") if said else b""


def _refusal(name: str, ended: child.Ended) -> str:
    how = f"exited with {ended.exit_code}" if ended.exit_code >= 0 else f"was ended by signal {-ended.exit_code}"
    first = ended.err.decode("utf-8", "replace").strip().partition("\n")[0]
    said = "".join(letter if letter.isprintable() else "?" for letter in first)[:_SHOWN]
    return f"{name} {how}" + (f": {said}" if said else "")
