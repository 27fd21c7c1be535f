"""Who hears of a run besides the user? What notes its times, and hands them on when it is over.

Where nobody wants to hear, nothing is loaded and everything passes through.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.events import Event, Listen
from synapse_cli.core.ports import Aid, Backend, Check
from synapse_cli.core.prompt import Request
from synapse_cli.core.run import Run
from synapse_cli.core.verdict import Verdict
from synapse_cli.profile.model import Model
from synapse_cli.profile.settings import TelemetrySettings
from synapse_cli.telemetry.wanted import is_wanted

if TYPE_CHECKING:
    from synapse_cli.telemetry.settings import Target
    from synapse_cli.telemetry.timeline import Timeline


class Telling:
    """The times of one run, and where they are told."""

    def __init__(self, settings: TelemetrySettings, started: float, clock: Clock, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._target: Target | None = None
        self._timeline: Timeline | None = None
        if is_wanted(settings.file, settings.endpoint, os.environ):
            self._open(settings, started, clock)

    def _open(self, settings: TelemetrySettings, started: float, clock: Clock) -> None:
        from synapse_cli.telemetry.settings import target
        from synapse_cli.telemetry.timeline import Timeline

        self._target = target(settings, os.environ)
        if self._target is not None:
            self._timeline = Timeline(started, clock.monotonic)

    @property
    def is_on(self) -> bool:
        """Whether anybody hears."""
        return self._timeline is not None

    def heard(self, listen: Listen) -> Listen:
        """Hear the events of a run before `listen` does."""
        timeline = self._timeline
        if timeline is None:
            return listen

        def hear(event: Event) -> None:
            timeline.hear(event)
            listen(event)

        return hear

    def traced(self, model: Model, backend: Backend) -> Backend:
        """A backend whose calls are noted."""
        if self._timeline is None:
            return backend
        from synapse_cli.telemetry.traced import Traced

        return Traced(backend, model, self._timeline)

    def judge(
        self, check: Check, request: Request, completion: Completion, control: Control, aid: Aid | None = None
    ) -> Verdict:
        """Judge, and note how long that took; `aid` is for a check that asks other models."""
        if self._timeline is None:
            return _judge(check, request, completion, control, aid)
        began = self._timeline.now()
        verdict = _judge(check, request, completion, control, aid)
        self._timeline.checked(began)
        return verdict

    def tell(self, run: Run) -> None:
        """Hand a finished run on. Never raises, never waits for a network."""
        if self._timeline is not None and self._target is not None:
            from synapse_cli.telemetry.tell import tell

            tell(run, self._timeline, self._target, self._warn)


def _judge(check: Check, request: Request, completion: Completion, control: Control, aid: Aid | None) -> Verdict:
    if aid is None:
        return check.judge(request, completion, control)
    verdict: Verdict = check.judge_with(request, completion, control, aid)  # type: ignore[attr-defined]  # the caller saw it
    return verdict
