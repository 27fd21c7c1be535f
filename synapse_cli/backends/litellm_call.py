"""One call to a hosted model, in a thread of its own, so that a wait for it can end at any time."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any, TypeAlias

from synapse_cli.backends import prices
from synapse_cli.backends.dialects.heard import Heard, Trouble
from synapse_cli.backends.dialects.known import Hear, dialect
from synapse_cli.backends.dialects.openai import ended
from synapse_cli.backends.litellm_accents import address, effort, spoken, wanted_effort
from synapse_cli.backends.litellm_accents import headers as own_headers
from synapse_cli.backends.litellm_ask import Ask, ask, without_odds
from synapse_cli.backends.litellm_errors import foreign, translate
from synapse_cli.backends.litellm_hear import Answer, hear_end, hear_piece, hear_whole, judged
from synapse_cli.backends.litellm_package import hush, package
from synapse_cli.backends.litellm_refused import refused
from synapse_cli.backends.litellm_wire import DONE, Wire, drain, tapped
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, Interrupted, SynapseError, TimedOut
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.providers import provider_of
from synapse_cli.profile.model import Model

POLL_S = 0.05
"""How often a wait asks whether it should end; a person does not notice less."""

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
            self._answer(litellm, asked, may_repeat="logprobs" in asked.arguments)
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
        name = spoken(self.name)
        provider, _, bare = name.partition("/")
        supported = frozenset(litellm.get_supported_openai_params(model=bare, custom_llm_provider=provider) or ())
        known = prices.entry(self.name)
        if known is not None and known.mode not in {"", "chat"}:
            # LiteLLM's bridge to the responses API imports `mcp`, which it does not depend on
            raise BadRequest(f"{self.name} is a {known.mode} model, not a chat model", "use a chat model")
        wanted = wanted_effort(self.request, self.model.effort)
        limit = self.request.params.get("max_tokens")
        extra = effort(wanted, name, known, supported, self.model.base_url, max_tokens=limit)
        return ask(self.request, name, supported, known, extra)

    def _answer(self, litellm: Any, asked: Ask, *, may_repeat: bool) -> None:
        """Ask, and tell the answer: read from the wire where its dialect is known, else as LiteLLM reads it.

        Many a model refuses a request for probabilities, and no list knows which: it is asked again without.
        """
        with tapped(Wire(self._patience_s(), self._headers())) as wire:
            reply, failure = self._sent(litellm, asked, wire)
            hear = dialect(wire.path)
            if may_repeat and wire.failed and b"logprob" in wire.body().lower():
                return self._answer(litellm, without_odds(asked), may_repeat=False)
            if failure is not None and (wire.failed or hear is None or wire.response is None):
                raise self._refused(wire, failure) if wire.failed else failure
            # else LiteLLM could not read what a provider said with a 200; whoever knows the dialect may
            if hear is None:
                return self._tell(wire, *self._as_litellm_reads(reply, asked))
            events = wire.events()
            self._tell(wire, *self._hear(events, hear, asked))
            if not self.abandoned.is_set():
                drain(events)
        return None

    def _tell(self, wire: Wire, answer: Answer, heard: Heard) -> None:
        heard.quota = wire.quota
        self._said.put((answer, heard))

    def _sent(self, litellm: Any, asked: Ask, wire: Wire) -> tuple[Any, Exception | None]:
        """LiteLLM's own reply, or what it raised."""
        try:
            reply = litellm.completion(**asked.arguments, **self._settings(), **self._how(asked))
            if wire.response is None:  # this provider is asked at the first `next`
                getattr(reply, "make_call", _nothing)(client=litellm.module_level_client)
        except Exception as error:  # noqa: BLE001  # translated by whoever called, outside of this handler: a chain
            return None, error  # of exceptions would carry the key that LiteLLM's own may quote
        return reply, None

    def _how(self, asked: Ask) -> dict[str, object]:
        return {"stream": True, "stream_options": {"include_usage": True}} if self._streams(asked) else {}

    def _streams(self, asked: Ask) -> bool:
        """Whether pieces can be shown as they come: not those of a wrapped answer."""
        return self.streams and asked.shape == "text"

    def _hear(self, events: Iterator[dict[str, Json]], hear: Hear, asked: Ask) -> tuple[Answer, Heard]:
        heard = Heard()
        try:
            for event in events:
                self._take(heard, hear, event, tells=self._streams(asked))
                if heard.over or self.abandoned.is_set():
                    break
        except Exception:
            if heard.reason is None or heard.trouble:  # else the answer was whole, and only its epilogue is lost
                raise
        return self._judged(heard, asked, len(heard.text) if self._streams(asked) else 0)

    def _take(self, heard: Heard, hear: Hear, event: dict[str, Json], *, tells: bool) -> None:
        before = len(heard.text)
        if event is DONE:
            ended(heard)
        else:
            hear(heard, event)
        if tells and len(heard.text) > before:
            self._said.put(heard.text[before:])
        if heard.trouble:
            raise self._broken(heard.trouble)

    def _as_litellm_reads(self, reply: Any, asked: Ask) -> tuple[Answer, Heard]:
        if not self._streams(asked):
            return self._judged(hear_whole(reply), asked, 0)
        heard = Heard()
        try:
            for chunk in reply:
                if self.abandoned.is_set():
                    break
                piece = hear_piece(heard, chunk)
                if piece:
                    self._said.put(piece)
        finally:
            hear_end(heard, reply)
        return self._judged(heard, asked, len(heard.text))

    def _judged(self, heard: Heard, asked: Ask, told: int) -> tuple[Answer, Heard]:
        """Close the answer, judge it, and tell what of it has not been told yet."""
        heard.close()
        answer = judged(heard, asked.shape, self.name)
        answer = replace(answer, warnings=(*asked.notices, *answer.warnings))
        rest = answer.text[told:]
        if self.streams and rest:
            self._said.put(rest)
        return answer, heard

    def _refused(self, wire: Wire, error: Exception) -> SynapseError:
        ours = refused(wire.response.status_code, wire.response.headers, wire.body(), self.name, self._secrets())
        ours.__cause__ = foreign(error, self._secrets())
        return ours

    def _broken(self, trouble: Trouble) -> SynapseError:
        body = json.dumps({"message": trouble.message}).encode()
        return refused(trouble.status or 500, {}, body, self.name, self._secrets())

    def _settings(self) -> dict[str, object]:
        model, provider = self.model, provider_of(self.name)
        settings: dict[str, object] = {"num_retries": 0, "max_retries": 0, "api_key": self.key}
        settings["timeout"] = model.timeout_s  # the run's own deadline is the wire's: LiteLLM keeps a client for each
        settings["_skip_mcp_handler"] = True  # else tools make it import `mcp`, which it does not depend on
        settings |= address(provider, model.base_url)
        if model.organization:
            settings["organization"] = model.organization
        if model.project and provider == "vertex_ai":
            settings["vertex_project"] = model.project
        if self._headers():
            settings["extra_headers"] = self._headers()
        return settings

    def _headers(self) -> dict[str, str]:
        provider = provider_of(self.name)
        project = self.model.project if provider != "vertex_ai" else None
        own = {**own_headers(provider), **({"OpenAI-Project": project} if project else {})}
        return {**own, **self.model.headers}

    def _patience_s(self) -> float:
        return max(POLL_S, self.control.remaining_s(self.model.timeout_s))

    def _secrets(self) -> tuple[str, ...]:
        return (*([self.key] if self.key else []), *self.model.headers.values())


def _nothing(**_: object) -> None:
    """What is fetched where all has been fetched."""
