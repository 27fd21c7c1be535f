"""One call to a hosted model, in a thread of its own, so that a wait for it can end at any time."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any, TypeAlias

from synapse_cli.backends import prices
from synapse_cli.backends.litellm_ask import Ask, ask
from synapse_cli.backends.litellm_errors import translate
from synapse_cli.backends.litellm_hear import Answer, Heard, hear_end, hear_piece, hear_whole, judged
from synapse_cli.backends.litellm_package import hush, package
from synapse_cli.backends.litellm_stream import close, line_client, listen
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, Interrupted, SynapseError, TimedOut
from synapse_cli.core.prompt import Request
from synapse_cli.core.providers import provider_of
from synapse_cli.profile.model import Model

POLL_S = 0.05
"""How often a wait asks whether it should end; a person does not notice less."""
_OLLAMA_URL = "http://127.0.0.1:11434"
_OWN_CLIENT = frozenset({"anthropic", "gemini"})
"""Providers that LiteLLM reads line by line through a client that may be handed to it."""

_Said: TypeAlias = "str | tuple[Answer, Heard] | SynapseError | None"
"""A piece of text, the end, an error, or (None) that LiteLLM is loaded and the provider is about to be asked."""


@dataclass(slots=True, eq=False)
class Call:
    """One call under way: `run` belongs to its thread, `wait` to whoever asked."""

    model: Model
    name: str
    key: str | None
    request: Request
    control: Control
    streams: bool
    started: float = field(default_factory=time.monotonic)
    abandoned: Event = field(default_factory=Event)
    _said: queue.SimpleQueue[_Said] = field(default_factory=queue.SimpleQueue)

    def wait(self) -> Iterator[str | tuple[Answer, Heard]]:
        """Yield each piece and at last the answer, as they come; end at once on Ctrl-C, a stop or a deadline."""
        deadline = None
        while True:
            try:
                said = self._said.get(timeout=POLL_S)
            except queue.Empty:
                self.go_on(deadline)
                continue
            if isinstance(said, SynapseError):
                raise said
            if said is None:
                deadline = self.control.clock() + self.model.timeout_s
            elif isinstance(said, str):
                self.go_on(deadline)
                yield said
            else:
                yield said

    def run(self) -> None:
        """Ask the provider, and report all that happens; never raises."""
        try:
            litellm = package()
            hush()
            asked = self._ask(litellm)
            if self.abandoned.is_set():
                return  # whoever asked has gone while LiteLLM was loading: nothing is sent, and nothing paid for
            self._said.put(None)
            answer = self._stream(litellm, asked) if self._streams(asked) else self._whole(litellm, asked)
            self._said.put(answer)
        except SynapseError as error:
            self._said.put(error)
        except Exception as error:  # noqa: BLE001  # the door: whatever a provider's code raises is translated here
            self._said.put(translate(error, self.name, self._secrets()))

    def go_on(self, deadline: float | None = None) -> None:
        """Raise Interrupted or TimedOut where the call is over; asked before anything is sent, and then often."""
        if self.control.stopped:
            raise Interrupted("interrupted")
        if self.control.expired:
            raise TimedOut(f"{self.name} gave no answer before the run's time was up", "raise --timeout")
        if deadline is not None and self.control.clock() >= deadline:
            raise TimedOut(
                f"{self.name} gave no answer in {self.model.timeout_s:g} s", f"raise models.{self.model.name}.timeout_s"
            )

    def _ask(self, litellm: Any) -> Ask:
        provider, _, bare = self.name.partition("/")
        supported = frozenset(litellm.get_supported_openai_params(model=bare, custom_llm_provider=provider) or ())
        known = prices.entry(self.name)
        if known is not None and known.mode not in {"", "chat"}:
            # LiteLLM's bridge to the responses API imports `mcp`, which it does not depend on
            raise BadRequest(f"{self.name} is a {known.mode} model, not a chat model", "use a chat model")
        takes_schema = known is None or "response_schema" in known.supports
        return ask(self.request, self.name, supported, takes_schema=takes_schema)

    def _streams(self, asked: Ask) -> bool:
        """Whether pieces can be shown as they come: not those of a wrapped answer."""
        return self.streams and asked.shape == "text"

    def _whole(self, litellm: Any, asked: Ask) -> tuple[Answer, Heard]:
        heard = hear_whole(litellm.completion(**asked.arguments, **self._settings()))
        answer = judged(heard, asked.shape, self.name)
        if self.streams and answer.text:
            self._said.put(answer.text)
        return answer, heard

    def _stream(self, litellm: Any, asked: Ask) -> tuple[Answer, Heard]:
        heard = Heard()
        options = {"stream": True, "stream_options": {"include_usage": True}}
        stream = litellm.completion(**asked.arguments, **self._settings(), **options)
        listen(stream, heard)
        try:
            for chunk in stream:
                if self.abandoned.is_set():
                    break
                piece = hear_piece(heard, chunk)
                if piece:
                    self._said.put(piece)
        except Exception:
            hear_end(heard, stream)
            if heard.reason is None:  # else the answer was whole, and only its epilogue is lost
                raise
        else:
            hear_end(heard, stream)
        finally:
            close(stream.completion_stream)
        answer = judged(heard, asked.shape, self.name)
        if not heard.text and answer.text:
            self._said.put(answer.text)
        return answer, heard

    def _settings(self) -> dict[str, object]:
        model, provider = self.model, provider_of(self.name)
        timeout_s = max(POLL_S, self.control.remaining_s(model.timeout_s))
        settings: dict[str, object] = {"num_retries": 0, "max_retries": 0, "timeout": timeout_s, "api_key": self.key}
        settings["_skip_mcp_handler"] = True  # else tools make it import `mcp`, which it does not depend on
        headers = dict(model.headers)
        if provider in _OWN_CLIENT:
            settings["client"] = line_client(model.timeout_s)
        base_url = model.base_url or (_OLLAMA_URL if provider.startswith("ollama") else None)
        if base_url:
            settings["api_base"] = base_url
        if model.organization:
            settings["organization"] = model.organization
        if model.project and provider == "vertex_ai":
            settings["vertex_project"] = model.project
        elif model.project:
            headers["OpenAI-Project"] = model.project
        if headers:
            settings["extra_headers"] = headers
        return settings

    def _secrets(self) -> tuple[str, ...]:
        return (*([self.key] if self.key else []), *self.model.headers.values())
