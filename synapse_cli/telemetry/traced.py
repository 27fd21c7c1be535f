"""A backend whose calls are noted, with their times."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UNSENT, KeyMissing, NotAllowed, SynapseError, Unsuited
from synapse_cli.core.ports import Backend, Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.profile.model import Model
from synapse_cli.telemetry.timeline import Call, Timeline, Window

NOT_MADE = (*UNSENT, KeyMissing, NotAllowed, Unsuited)


class Traced:
    """Wraps the backend that sends; what was found out before anything was sent is no call."""

    def __init__(self, backend: Backend, model: Model, timeline: Timeline) -> None:
        self._backend = backend
        self._model = model
        self._timeline = timeline

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """The wrapped backend's answer."""
        began, attempt = self._timeline.now(), self._timeline.attempt

        def note(answer: Completion | SynapseError) -> None:
            call = Call(
                model=self._model,
                window=Window(began, self._timeline.now()),
                request=request,
                streams=emit is not None,
                attempt=attempt,
                answer=answer,
            )
            self._timeline.calls.append(call)

        try:
            completion = self._backend.complete(request, control, emit)
        except SynapseError as error:
            if not isinstance(error, NOT_MADE):
                note(error)
            raise
        note(completion)
        return completion

    def facts(self) -> Facts:
        """The wrapped backend's."""
        return self._backend.facts()

    def count(self, messages: Sequence[Message]) -> Count:
        """The wrapped backend's."""
        return self._backend.count(messages)
