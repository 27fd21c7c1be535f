"""An encoder whose calls are told, each when it has ended: who encodes a million texts wants to see it go on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.clock import Clock
from synapse_cli.core.completion import Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import SynapseError
from synapse_cli.core.ports import Encoder
from synapse_cli.core.vectors import Vectors
from synapse_cli.profile.model import Model
from synapse_cli.telemetry import names
from synapse_cli.telemetry.metrics import of_operation
from synapse_cli.telemetry.otlp import CLIENT, Metric, Span
from synapse_cli.telemetry.put import put, requests_of
from synapse_cli.telemetry.settings import Target
from synapse_cli.telemetry.spans import asked, dollars
from synapse_cli.telemetry.traced import NOT_MADE

if TYPE_CHECKING:
    from synapse_cli.telemetry.otlp import Value


class TracedEncoder:
    """Wraps the encoder that sends; all its calls are one trace, that of `run_id`."""

    def __init__(
        self,
        encoder: Encoder,
        model: Model,
        *,
        target: Target,
        run_id: str,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._encoder = encoder
        self._model = model
        self._target = target
        self._run_id = run_id
        self._clock = clock
        self._warn = warn
        self._places = itertools.count()

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """The wrapped encoder's vectors."""
        began, since = self._clock.now(), self._clock.monotonic()
        try:
            vectors = self._encoder.encode(texts, control)
        except SynapseError as error:
            if not isinstance(error, NOT_MADE):
                self._tell(began, self._clock.monotonic() - since, error)
            raise
        self._tell(began, self._clock.monotonic() - since, vectors)
        return vectors

    def facts(self) -> Facts:
        """The wrapped encoder's."""
        return self._encoder.facts()

    def _tell(self, began: float, latency_s: float, came: Vectors | SynapseError) -> None:
        try:
            self._put(began, latency_s, came)
        except Exception as error:  # noqa: BLE001  # a bug in telling must not take the vectors with it
            self._warn(f"this call could not be told: {type(error).__name__}")

    def _put(self, began: float, latency_s: float, came: Vectors | SynapseError) -> None:
        place, failed = next(self._places), isinstance(came, SynapseError)
        about = asked(self._model, names.EMBEDDINGS, came if isinstance(came, SynapseError) else None)
        span = Span(
            name=f"{names.EMBEDDINGS} {about[names.REQUEST_MODEL]}",
            path=f"embeddings/{place}",
            above=None,
            start=began,
            end=began + latency_s,
            kind=CLIENT,
            attributes={**about, names.RUN: self._run_id, names.MODEL: self._model.name, **_of(came)},
            error="" if failed else None,
        )
        ended, name = began + latency_s, f"{self._run_id}-{place:06}"
        added = _metrics(about, latency_s, came)
        made = requests_of([span], added, self._target, run_id=self._run_id, started=began, ended=ended)
        put(made, self._target, name, self._warn)


def _of(came: Vectors | SynapseError) -> dict[str, Value]:
    if isinstance(came, SynapseError):
        return {}
    return {
        names.DIMENSIONS: came.dimension,
        names.USAGE_INPUT: came.usage.input,
        names.TOKENS_ESTIMATED: came.usage.estimated or None,
        names.COST: dollars(came.cost),
    }


def _metrics(about: dict[str, Value], latency_s: float, came: Vectors | SynapseError) -> list[Metric]:
    if isinstance(came, SynapseError):
        return list(of_operation(about, latency_s, {}))
    found = list(of_operation(about, latency_s, {"input": came.usage.input}))
    cost = dollars(came.cost)
    return found if cost is None else [*found, Metric(name=names.METRIC_COST, unit="USD", value=cost, attributes={})]
