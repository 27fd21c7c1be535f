"""Ask a hosted model, through LiteLLM's native path for its provider."""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from synapse_cli.backends import prices, tokens
from synapse_cli.backends.litellm_ask import Ask, ask
from synapse_cli.backends.litellm_errors import translate
from synapse_cli.backends.litellm_hear import Answer, Heard, hear_end, hear_piece, hear_refusal, hear_whole, judged
from synapse_cli.core.completion import FREE, Completion, Count, Facts, Price
from synapse_cli.core.control import Control
from synapse_cli.core.errors import EngineMissing, Interrupted, KeyMissing, NotAllowed, SynapseError, TimedOut
from synapse_cli.core.ports import Emit
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.providers import AMBIENT, is_loopback, key_variables, needs_key, provider_of
from synapse_cli.profile.model import Model

POLL_S = 0.05
"""How often a wait asks whether it should end; a person does not notice less."""
_OLLAMA_URL = "http://127.0.0.1:11434"
_NO_KEY = "no-key"
"""Handed over where no key is: with none at all LiteLLM would take the user's own from the environment, and
send it to whatever address the profile names."""
_FOREIGN = r"(litellm|openai|httpx|httpcore|pydantic|tiktoken|aiohttp)(\.|$)"
_QUIET = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "httpx", "httpcore")


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
        call = _Call(self.model, self._name, self._key(), request, control, streams=emit is not None)
        threading.Thread(target=call.run, name=f"litellm {self.model.name}", daemon=True).start()
        first_s: float | None = None
        try:
            for heard in call.wait():
                if isinstance(heard, str):
                    first_s = time.monotonic() - call.started if first_s is None else first_s
                    assert emit is not None
                    emit(heard)
                else:
                    return self._completion(heard, time.monotonic() - call.started, first_s)
        finally:
            call.abandoned.set()
        raise AssertionError("a call ends with an answer or an error")

    def facts(self) -> Facts:
        """What is known of the model without calling it, and without LiteLLM: price, window, who is asked."""
        known = prices.entry(self._name)
        return Facts(
            is_local=self._runs_here(),
            provider=self._provider,
            price=self._price(known),
            context_tokens=self.model.context or (known.context_tokens if known else None),
            max_output_tokens=known.max_output_tokens if known else None,
        )

    def count(self, messages: Sequence[Message]) -> Count:
        """Estimate the tokens of these messages, offline."""
        return tokens.count(messages, self._name)

    def _key(self) -> str | None:
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
        return None if self._provider in AMBIENT else _NO_KEY

    def _completion(self, answer: tuple[Answer, Heard], latency_s: float, first_s: float | None) -> Completion:
        said, heard = answer
        price = self._price(prices.entry(self._name))
        return Completion(
            text=said.text,
            finish=said.finish,
            usage=heard.usage,
            cost=price.cost(heard.usage) if price else None,
            confidence=said.confidence,
            latency_s=latency_s,
            first_latency_s=first_s,
            thinking=heard.thinking,
            tool_calls=said.tool_calls,
            warnings=said.warnings,
        )

    def _price(self, known: prices.Entry | None) -> Price | None:
        """The profile's, else the catalogue's: also behind a `base_url`, which is mostly a proxy that bills the same."""
        if self.model.price is not None:
            return self.model.price
        if self._runs_here():
            return FREE
        return known.price if known else None

    def _runs_here(self) -> bool:
        """Whether nothing leaves this machine: an Ollama of its own, and not one of the models it only relays."""
        own = self.model.base_url is None or is_loopback(self.model.base_url)
        return self._provider in {"ollama", "ollama_chat"} and own and not self._name.endswith(("-cloud", ":cloud"))


def _full_name(model: Model) -> str:
    name = model.model or model.name
    return name if "/" in name else prices.find(name) or f"openai/{name}"


_Said: TypeAlias = "str | tuple[Answer, Heard] | SynapseError | None"
"""A piece of text, the end, an error, or (None) that LiteLLM is loaded and the provider is about to be asked."""


@dataclass(slots=True, eq=False)
class _Call:
    """One call under way: `run` belongs to its thread, `wait` to whoever asked."""

    model: Model
    name: str
    key: str | None
    request: Request
    control: Control
    streams: bool
    started: float = field(default_factory=time.monotonic)
    abandoned: threading.Event = field(default_factory=threading.Event)
    _said: queue.SimpleQueue[_Said] = field(default_factory=queue.SimpleQueue)

    def wait(self) -> Iterator[str | tuple[Answer, Heard]]:
        """Yield each piece and at last the answer, as they come; end at once on Ctrl-C, a stop or a deadline."""
        deadline = None
        while True:
            try:
                said = self._said.get(timeout=POLL_S)
            except queue.Empty:
                self._go_on(deadline)
                continue
            if isinstance(said, SynapseError):
                raise said
            if said is None:
                deadline = self.control.clock() + self.model.timeout_s
            else:
                self._go_on(deadline)
                yield said

    def run(self) -> None:
        """Ask the provider, and report all that happens; never raises."""
        try:
            litellm = _package()
            _hush()
            asked = self._ask(litellm)
            self._said.put(None)
            answer = self._stream(litellm, asked) if self._streams(asked) else self._whole(litellm, asked)
            self._said.put(answer)
        except SynapseError as error:
            self._said.put(error)
        except Exception as error:  # noqa: BLE001  # the door: whatever a provider's code raises is translated here
            self._said.put(translate(error, self.name, self._secrets()))

    def _go_on(self, deadline: float | None) -> None:
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
        takes_schema = known is None or "response_schema" in known.supports
        return ask(self.request, self.name, supported, takes_schema=takes_schema)

    def _streams(self, asked: Ask) -> bool:
        """Whether pieces can be shown as they come: not those of a wrapped answer."""
        return self.streams and asked.shape == "text"

    def _whole(self, litellm: Any, asked: Ask) -> tuple[Answer, Heard]:
        heard = hear_whole(litellm.completion(**asked.arguments, **self._settings(litellm)))
        answer = judged(heard, asked.shape, self.name)
        if self.streams and answer.text:
            self._said.put(answer.text)
        return answer, heard

    def _stream(self, litellm: Any, asked: Ask) -> tuple[Answer, Heard]:
        heard = Heard()
        options = {"stream": True, "stream_options": {"include_usage": True}}
        stream = litellm.completion(**asked.arguments, **self._settings(litellm), **options)
        _listen_for_refusals(stream, heard)
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
            _close(stream.completion_stream)
        answer = judged(heard, asked.shape, self.name)
        if not heard.text and answer.text:
            self._said.put(answer.text)
        return answer, heard

    def _settings(self, litellm: Any) -> dict[str, object]:
        model, provider = self.model, provider_of(self.name)
        timeout_s = max(POLL_S, self.control.remaining_s(model.timeout_s))
        settings: dict[str, object] = {"num_retries": 0, "max_retries": 0, "timeout": timeout_s, "api_key": self.key}
        settings["_skip_mcp_handler"] = True  # else tools make it import `mcp`, which it does not depend on
        headers = dict(model.headers)
        if provider == "gemini":  # its stream ignores `timeout`, and would wait for 6000 s
            settings["client"] = litellm.HTTPHandler(timeout=timeout_s)
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


def _listen_for_refusals(stream: Any, heard: Heard) -> None:
    """Note what an OpenAI model says in `delta.refusal`: LiteLLM drops a chunk that brings nothing else."""
    raw = getattr(stream, "completion_stream", None)
    if hasattr(raw, "__next__"):

        def noted() -> Iterator[object]:
            try:
                for chunk in raw:
                    hear_refusal(heard, chunk)
                    yield chunk
            finally:
                _close(raw)

        stream.completion_stream = noted()


def _close(stream: Any) -> None:
    """Let the connection go, so that an abandoned call stops costing."""
    close = getattr(stream, "close", None)
    if close is not None:
        with suppress(Exception):
            close()


def _hush() -> None:
    """Keep the packages' own warnings off stderr; at each call, because they come when a class is first used."""
    import warnings

    warnings.filterwarnings("ignore", module=_FOREIGN)


_LOADING = threading.Lock()


def _package() -> Any:
    """LiteLLM, set up once: offline, silent, without retries, callbacks or files of its own."""
    with _LOADING:
        return _set_up()


@cache
def _set_up() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"  # else it loads a .env from a folder above it: a stranger's addresses
    import logging
    import sys
    import warnings

    for name in _QUIET:
        logging.getLogger(name).disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm
    except ImportError as error:
        raise EngineMissing(
            f"LiteLLM, which asks hosted models, cannot be imported: {error}", "pip install 'litellm>=1.106.2,<1.107'"
        ) from error
    for name in _QUIET:
        logging.getLogger(name).disabled = True
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    litellm.disable_hf_tokenizer_download = True
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize  # a table's rule is no endless loop
    return litellm
