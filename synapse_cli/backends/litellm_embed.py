"""Turn texts into vectors at a provider, through LiteLLM's `embedding`."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from synapse_cli.backends import prices
from synapse_cli.backends.litellm import LiteLLM
from synapse_cli.backends.litellm_accents import address
from synapse_cli.backends.litellm_accents import headers as own_headers
from synapse_cli.backends.litellm_errors import foreign, translate
from synapse_cli.backends.litellm_package import hush, package
from synapse_cli.backends.litellm_refused import refused
from synapse_cli.backends.litellm_wire import Wire, tapped
from synapse_cli.backends.tokens import text_tokens
from synapse_cli.core.completion import Facts, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadAnswer, Interrupted, SynapseError, TimedOut
from synapse_cli.core.providers import provider_of
from synapse_cli.core.quota import Quota
from synapse_cli.core.vectors import NOTHING, Vectors, pack
from synapse_cli.profile.model import Model

_POLL_S = 0.05
"""How often a wait asks whether it should end."""
_BATCH = 96
"""Texts in one request: what Cohere takes at most, the least of the large providers."""

Row = list[float]


class LiteLLMEncoder:
    """An encoder of any provider that LiteLLM knows. Like `LiteLLM`, it stops waiting as soon as it is told to."""

    def __init__(self, model: Model, keys: Callable[[], tuple[str, ...]] | None = None) -> None:
        """Take the model as the profile has it; `keys` is asked at each call."""
        self._model = model
        self._name = model.model if model.model and "/" in model.model else f"openai/{model.model or model.name}"
        self._asked = LiteLLM(model, keys)

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """One vector a text, in order, some dozens a request; every text is encoded or none."""
        if not texts:
            return NOTHING
        key = self._asked.key()
        rows: list[Row] = []
        usage = Usage(0, 0)
        quota: Quota = ()
        for start in range(0, len(texts), _BATCH):
            made, tokens, quota = self._wait(texts[start : start + _BATCH], key, control)
            rows += made
            usage = usage + (Usage(tokens, 0) if tokens is not None else self._estimated(texts[start : start + _BATCH]))
        if len({len(row) for row in rows}) != 1:
            raise BadAnswer(f"{self._name} answered with vectors of different lengths", "ask again")
        price = self.facts().price
        return Vectors(
            dimension=len(rows[0]),
            packed=pack([_unit(row) for row in rows] if self._model.normalize else rows),
            usage=usage,
            cost=price.cost(usage) if price else None,
            quota=quota,
        )

    def _estimated(self, texts: Sequence[str]) -> Usage:
        """Where the provider does not count."""
        return Usage(sum(text_tokens(text, self._name) for text in texts), 0, estimated=True)

    def facts(self) -> Facts:
        """What is known of the model without calling it: who is asked, its price, the longest text."""
        known = prices.entry(self._name)
        facts = self._asked.facts()
        return Facts(
            is_local=facts.is_local,
            provider=provider_of(self._name),
            price=facts.price or (known.price if known else None),
            context_tokens=self._model.context or (known.context_tokens if known else None),
        )

    def _wait(self, texts: Sequence[str], key: str | None, control: Control) -> tuple[list[Row], int | None, Quota]:
        """Ask in a thread of its own, and stop waiting on Ctrl-C, a stop or a deadline."""
        _go_on(self._name, control)
        said: queue.SimpleQueue[tuple[list[Row], int | None, Quota] | SynapseError] = queue.SimpleQueue()
        patience_s = max(_POLL_S, control.remaining_s(self._model.timeout_s))
        thread = threading.Thread(target=self._run, args=(texts, key, patience_s, said.put), daemon=True)
        control.doing("encoding texts")
        thread.start()
        while True:
            try:
                heard = said.get(timeout=_POLL_S)
            except queue.Empty:
                _go_on(self._name, control)
                continue
            if isinstance(heard, SynapseError):
                raise heard
            return heard

    def _run(self, texts: Sequence[str], key: str | None, patience_s: float, tell: Callable[[Any], None]) -> None:
        """Ask, and tell what came of it; never raises."""
        secrets = (*([key] if key else []), *self._model.headers.values())
        try:
            litellm = package()
            hush()
            arguments = self._arguments(texts, key)
            with tapped(Wire(patience_s, arguments["extra_headers"])) as wire:
                try:
                    reply = litellm.embedding(**arguments)
                except Exception as error:
                    if not wire.failed:
                        raise
                    response = wire.response
                    ours = refused(response.status_code, response.headers, wire.body(), self._name, secrets)
                    ours.__cause__ = foreign(error, secrets)
                    raise ours from None
            tell((*_heard(reply, len(texts), self._name), wire.quota))
        except SynapseError as error:
            tell(error)
        except Exception as error:  # noqa: BLE001  # the door: whatever a provider's code raises is translated here
            tell(translate(error, self._name, secrets))

    def _arguments(self, texts: Sequence[str], key: str | None) -> dict[str, Any]:
        model, provider = self._model, provider_of(self._name)
        arguments: dict[str, Any] = {
            "model": self._name,
            "input": [text or " " for text in texts],  # providers refuse an empty text
            "num_retries": 0,
            "max_retries": 0,
            "timeout": model.timeout_s,
            "api_key": key,
        }
        if model.dimensions is not None:
            arguments["dimensions"] = model.dimensions
            if provider == "openai":  # it knows which of OpenAI's own models can, and nothing of other servers'
                arguments["allowed_openai_params"] = ["dimensions"]
        if provider == "openai":
            arguments["encoding_format"] = "float"  # else its client asks for base64, which other servers do not speak
        arguments |= address(provider, model.base_url, "embed")
        headers = {**own_headers(provider, key), **model.headers}
        if model.organization:  # as a header: `embedding` has no word for it
            headers["OpenAI-Organization"] = model.organization
        if model.project:
            headers["OpenAI-Project"] = model.project
        arguments["extra_headers"] = headers
        return arguments


def _heard(reply: Any, count: int, name: str) -> tuple[list[Row], int | None]:
    """The vectors in the texts' order, and the tokens that the provider counted."""
    entries = list(getattr(reply, "data", None) or ())
    if len(entries) != count:
        raise BadAnswer(f"{name} answered with {len(entries)} vectors for {count} texts", "ask again")
    numbers = [_field(entry, "index") for entry in entries]
    if sorted(number for number in numbers if isinstance(number, int)) == list(range(count)):
        entries.sort(key=lambda entry: int(_field(entry, "index")))
    rows = [_row(_field(entry, "embedding"), name) for entry in entries]
    tokens = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
    return rows, tokens if isinstance(tokens, int) and tokens > 0 else None


def _field(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else getattr(entry, name, None)


def _row(values: object, name: str) -> Row:
    numbers = isinstance(values, list) and values and all(isinstance(each, (int, float)) for each in values)
    if not numbers or not all(math.isfinite(each) for each in values):  # type: ignore[attr-defined]  # a list, by the line above
        raise BadAnswer(f"{name} answered with something that is no vector", "check the model's base_url")
    return list(map(float, values))  # type: ignore[call-overload]  # likewise


def _unit(row: Row) -> Row:
    length = math.sqrt(math.fsum(each * each for each in row))
    return [each / length for each in row] if length else row


def _go_on(name: str, control: Control) -> None:
    """Raise Interrupted or TimedOut where the call is over."""
    if control.stopped:
        raise Interrupted("interrupted")
    if control.expired:
        raise TimedOut(f"{name} gave no vectors before the time was up", "raise --timeout")
