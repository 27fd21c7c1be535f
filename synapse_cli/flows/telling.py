"""Who hears of a run besides the user? What notes its times, and hands them on when it is over.

Nothing is loaded where nobody wants to know, which is what `is_wanted` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.events import Event, Listen
from synapse_cli.core.ports import Backend, Check
from synapse_cli.core.prompt import Request
from synapse_cli.core.run import Run
from synapse_cli.core.verdict import Verdict
from synapse_cli.profile.model import Model, TelemetrySettings
from synapse_cli.telemetry.settings import Target, target
from synapse_cli.telemetry.tell import tell
from synapse_cli.telemetry.timeline import Timeline
from synapse_cli.telemetry.traced import Traced


class Telling:
    """The times of one run, and where they are told."""

    def __init__(self, where: Target, started: float, clock: Clock, warn: Callable[[str], None]) -> None:
        self._target = where
        self._timeline = Timeline(started, clock.monotonic)
        self._warn = warn

    @classmethod
    def of(
        cls,
        settings: TelemetrySettings,
        env: Mapping[str, str],
        started: float,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> Telling | None:
        """What tells a run that begins now; None where it was turned off."""
        where = target(settings, env)
        return None if where is None else cls(where, started, clock, warn)

    def hearing(self, listen: Listen) -> Listen:
        """Hear events before somebody else does."""

        def hear(event: Event) -> None:
            self._timeline.hear(event)
            listen(event)

        return hear

    def traced(self, model: Model, backend: Backend) -> Backend:
        """A backend whose calls are noted."""
        return Traced(backend, model, self._timeline)

    def judge(self, check: Check, request: Request, completion: Completion, control: Control) -> Verdict:
        """Judge, and note how long that took."""
        began = self._timeline.now()
        verdict = check.judge(request, completion, control)
        self._timeline.checked(began)
        return verdict

    def tell(self, run: Run) -> None:
        """Hand a finished run on. Never raises, never waits for a network."""
        tell(run, self._timeline, self._target, self._warn)
