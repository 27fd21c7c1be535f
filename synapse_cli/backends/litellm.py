"""Ask a hosted model, through LiteLLM's native path for its provider."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from synapse_cli.backends import prices, tokens
from synapse_cli.backends.dialects.heard import Heard
from synapse_cli.backends.litellm_accents import NO_KEY
from synapse_cli.backends.litellm_call import Call
from synapse_cli.backends.litellm_hear import Answer
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Price, Usage, exact
from synapse_cli.core.control import Control
from synapse_cli.core.errors import KeyMissing, NotAllowed
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.providers import AMBIENT, is_loopback, key_variables, needs_key, provider_of
from synapse_cli.profile.model import Listed, Model


class LiteLLM:
    """A model of any provider that LiteLLM knows.

    `keys` is asked at each call, and may be slow; several keys are used in turn. A call runs in a thread of
    its own, because neither Ctrl-C nor a deadline ends a read from a server that drips a byte at a time: the
    caller stops waiting, and the thread ends by itself at its next piece or its socket's timeout.
    """

    def __init__(self, model: Model, keys: Callable[[], tuple[str, ...]] | None = None) -> None:
        self.model = model
        self._keys = keys
        self._name = _full_name(model)
        self._provider = provider_of(self._name)
        self._turn = itertools.count(os.getpid())

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer the request, or raise a SynapseError."""
        call = Call(self.model, self._name, self.key(), request, control, streams=emit is not None)
        call.go_on()
        threading.Thread(target=call.run, name=f"litellm {self.model.name}", daemon=True).start()
        first_s: float | None = None
        try:
            for heard in call.wait():
                if isinstance(heard, str):
                    first_s = time.monotonic() - call.started if first_s is None else first_s
                    assert emit is not None
                    emit(heard)
                else:
                    return self._completion(request, heard, time.monotonic() - call.started, first_s)
        finally:
            call.abandoned.set()
        raise AssertionError("a call ends with an answer or an error")

    def facts(self) -> Facts:
        """What is known of the model without calling it, and without LiteLLM: price, window, who is asked."""
        known, listed = prices.entry(self._name), self.model.listed
        return Facts(
            is_local=self._runs_here(),
            provider=self._provider,
            price=self._price(known),
            context_tokens=self.model.context or _first("context_tokens", listed, known),
            max_output_tokens=_first("max_output_tokens", listed, known),
        )

    def count(self, messages: Sequence[Message]) -> Count:
        """Estimate the tokens of these messages, offline."""
        return tokens.count(messages, self._name)

    def key(self) -> str | None:
        """One key in turn; None where the provider's own tools hold the credentials."""
        if self.model.base_url and not self.model.trusted and self._provider in AMBIENT:
            raise NotAllowed(
                f"{self.model.name} would use your {self._provider} credentials at a stranger's address",
                "read that profile, then run `synapse trust`",
            )
        keys = self._keys() if self._keys else ()
        if keys:
            return keys[next(self._turn) % len(keys)]
        if needs_key(self._provider, self.model.base_url):
            variable = key_variables(self._provider)[0]
            raise KeyMissing(
                f"no key for {self._provider}", f"export {variable}=…, or give models.{self.model.name} a `keys` list"
            )
        return None if self._provider in AMBIENT else NO_KEY

    def _completion(
        self, request: Request, answer: tuple[Answer, Heard], latency_s: float, first_s: float | None
    ) -> Completion:
        said, heard = answer
        usage = self._estimated(request, said, heard) if heard.usage.input is None else heard.usage
        return Completion(
            text=said.text,
            finish=said.finish,
            usage=usage,
            cost=self._cost(heard.cost, usage),
            confidence=said.confidence,
            latency_s=latency_s,
            first_latency_s=first_s,
            thinking=heard.thinking,
            tool_calls=said.tool_calls,
            warnings=said.warnings,
            quota=heard.quota,
        )

    def _estimated(self, request: Request, said: Answer, heard: Heard) -> Usage:
        """What it must have been about, where the provider does not say: marked, so that nobody takes it for a bill."""
        asked = tokens.count(request.messages, self._name).tokens
        asked += sum(tokens.text_tokens(tool, self._name) for tool in request.tools)
        thought = tokens.text_tokens(heard.thinking, self._name)
        answered = sum(tokens.text_tokens(text, self._name) for text in (said.text, *said.tool_calls))
        return Usage(asked, answered + thought, reasoning=thought, estimated=True)

    def _cost(self, told: Decimal | None, usage: Usage) -> Decimal | None:
        """By what the user says of this model; else as the provider itself tells it; else by the catalogue's."""
        listed = self.model.listed
        is_said = self.model.price is not None or (listed is not None and listed.is_override)
        if told is not None and not is_said:
            return exact(told)
        price = self._price(prices.entry(self._name, datetime.now(UTC)))
        return price.cost(usage) if price else None

    def _price(self, known: prices.Entry | None) -> Price | None:
        """The profile's, the user's list's, the catalogue's: also behind a `base_url`, mostly a proxy that bills so."""
        if self.model.price is not None:
            return self.model.price
        if self.model.listed is not None and self.model.listed.price is not None:
            return self.model.listed.price
        if self._runs_here():
            return FREE
        return known.price if known else None

    def _runs_here(self) -> bool:
        """Whether nothing leaves this machine: an Ollama of its own, and not one of the models it only relays."""
        own = self.model.base_url is None or is_loopback(self.model.base_url)
        return self._provider in {"ollama", "ollama_chat"} and own and not self._name.endswith(("-cloud", ":cloud"))


def _first(what: str, *told: Listed | prices.Entry | None) -> int | None:
    """The first number that somebody tells."""
    return next((found for each in told if each is not None and (found := getattr(each, what))), None)


def _full_name(model: Model) -> str:
    name = model.model or model.name
    return name if "/" in name else prices.find(name) or f"openai/{name}"
