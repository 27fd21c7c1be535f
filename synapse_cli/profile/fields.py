"""The kinds of value that a profile's TOML may hold, as types for pydantic.

Each raises an "expected" error that carries the words of the message; `parse` adds file, key and found.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from synapse_cli.profile import units

KEY_SOURCES = "env:NAME, file:PATH, cmd:ARGV or keyring:SERVICE/USER"
SOURCES = (
    "builtin:nano, builtin:minilm, file:PATH.gguf, hf:OWNER/REPO/FILE[@REVISION], hf:OWNER/REPO:QUANT or https://…"
)
BACKENDS = ("llama.cpp", "litellm", "encoder", "scripted", "student")
"""Backends that have a table of their own."""

KNOWN_PARAMS: dict[str, tuple[str, Callable[[object], bool]]] = {}
"""What may stand in `params`: the words for it, and the test."""

RESERVED_PARAMS = frozenset(
    {
        *("api_base", "api_key", "api_type", "api_version", "azure_ad_token", "base_url", "client", "extra_headers"),
        *("headers", "organization", "model", "model_list", "custom_llm_provider", "mock_response", "fallbacks"),
        *("callbacks", "caching", "metadata", "num_retries", "max_retries", "timeout", "request_timeout"),
        *("messages", "prompt", "n", "stream", "stream_options", "response_format", "tools", "tool_choice"),
        *("functions", "function_call", "input_cost_per_token", "output_cost_per_token"),
    }
)
"""Set by Synapse itself; in `params` they would send a key elsewhere, or go around the cascade."""


def expected(words: str) -> PydanticCustomError:
    """The error that says what should have stood there."""
    return PydanticCustomError("expected", "{expected}", {"expected": words})


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _number(least: float, most: float) -> tuple[str, Callable[[object], bool]]:
    return f"a number from {least:g} to {most:g}", lambda value: _is_number(value, least, most)


def _whole(least: int, most: int) -> tuple[str, Callable[[object], bool]]:
    words = f"a whole number of at least {least}" if most > 10**6 else f"a whole number from {least} to {most}"
    return words, lambda value: isinstance(value, int) and _is_number(value, least, most)


def _is_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


KNOWN_PARAMS |= {
    "temperature": _number(0, 5),
    "top_p": _number(0, 1),
    "top_k": _whole(0, 10**9),
    "min_p": _number(0, 1),
    "repeat_penalty": _number(0, 10),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "max_tokens": _whole(1, 10**9),
    "max_completion_tokens": _whole(1, 10**9),
    "seed": _whole(-(2**63), 2**63 - 1),
    "stop": ("text or a list of texts", _is_texts),
    "logprobs": ("true or false", lambda value: isinstance(value, bool)),
    "contextual_calibration": ("true or false", lambda value: isinstance(value, bool)),
}


def _unit(read: Callable[[str], object]) -> Callable[[object], object]:
    def parse(value: object) -> object:
        try:
            return read(value) if isinstance(value, str) else read("")
        except ValueError as error:
            raise expected(str(error)) from error

    return parse


def _text_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


Duration = Annotated[float, BeforeValidator(_unit(units.duration_s)), _text_schema("90s")]
Size = Annotated[int, BeforeValidator(_unit(units.size_bytes)), _text_schema("500MB")]
KeepAlive = Annotated[
    float,
    BeforeValidator(
        lambda value: 0.0 if value in (0, "0", "0s") and value is not False else _unit(units.duration_s)(value)
    ),
    _text_schema("10m"),
]
"""A duration, or 0."""
Money = Annotated[Decimal, BeforeValidator(_unit(units.money_usd)), _text_schema("0.05 USD")]


def _price(value: object) -> object:
    if not _is_number(value, 0, 10**6):
        raise expected("dollars per million tokens, a number of at least 0")
    return Decimal(repr(value))


PerMillion = Annotated[Decimal, BeforeValidator(_price), WithJsonSchema({"type": "number", "minimum": 0})]


JSON_ONLY = "a value that JSON can say (no dates, no nan, no inf)"


def is_json(value: object) -> bool:
    """Whether JSON can say it: no dates, no nan, at any depth."""
    if isinstance(value, dict):
        return all(is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(is_json(item) for item in value)
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


def _json(value: object) -> object:
    if not is_json(value):
        raise expected(JSON_ONLY)
    return value


def _params(value: object) -> object:
    if not isinstance(value, dict):
        raise expected("a table")
    return _json(value)


Params = Annotated[dict[str, Any], BeforeValidator(_params)]


def _texts(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _filled(value: str) -> str:
    if not value.strip():
        raise expected("a text that is not empty")
    return value


Text = Annotated[str, AfterValidator(_filled)]
_ONE_OR_MORE = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
Texts = Annotated[list[Text], BeforeValidator(_texts), Field(min_length=1), _ONE_OR_MORE]
"""One text or a list of them."""


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise expected(f"a regular expression; this one has an error: {error}") from error
    return value


Regexes = Annotated[
    list[Annotated[str, AfterValidator(_regex)]], BeforeValidator(_texts), Field(min_length=1), _ONE_OR_MORE
]


def _argv(value: list[str]) -> list[str]:
    if not value or not value[0].strip():
        raise expected('a command and its arguments such as ["wc", "-w"]')
    return value


Argv = Annotated[list[str], AfterValidator(_argv)]


def _key(value: object) -> object:
    kind, _, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    right = {
        "env": re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", rest) is not None,
        "file": bool(rest.strip()),
        "cmd": _is_argv(rest),
        "keyring": all(rest.partition("/")[::2]),
    }
    if not right.get(kind, False):
        raise expected(KEY_SOURCES)
    return value


def _is_argv(text: str) -> bool:
    try:
        return bool(shlex.split(text))
    except ValueError:
        return False


Keys = Annotated[list[Annotated[str, BeforeValidator(_key)]], Field(min_length=1)]


_HUB = re.compile(r"hf:[\w.-]+/[\w.-]+(/[^\s@:]+\.gguf|:[\w.-]+)?(@[\w./-]+)?")


def _source(value: str) -> str:
    right = (
        value in ("builtin:nano", "builtin:minilm")
        or (value.startswith("file:") and bool(value[5:].strip()))
        or _HUB.fullmatch(value) is not None
        or re.fullmatch(r"https://[^\s/@]+/\S+", value) is not None
    )
    if not right:
        raise expected(SOURCES)
    return value


def _student(value: str) -> str:
    if not (value.startswith("file:") and value[5:].strip()):
        raise expected("file:PATH of what synapse distill wrote")
    return value


def _sha256(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise expected("a SHA-256: 64 hexadecimal digits")
    return value.lower()


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?(\?api-version=[\w.-]+)?", value):  # Azure's
        raise expected("an address such as http://127.0.0.1:8000/v1, without user, password or query")
    return value


def _litellm_name(value: str) -> str:
    provider, slash, model = value.partition("/")
    if not (provider and slash and model) or re.search(r"\s", value):
        raise expected("a LiteLLM name such as openai/gpt-5-mini (provider/id)")
    return value


def _gpu(value: object) -> object:
    if value in ("auto", "off") or (isinstance(value, int) and _is_number(value, 0, 10_000)):
        return value
    raise expected('"auto", "off" or the number of layers')


def _header(value: str) -> str:
    if re.search(r"[\r\n\0]", value):
        raise expected("a text of one line")
    return value


def _schema(value: object) -> object:
    if isinstance(value, dict):
        return _json(value)
    if isinstance(value, str) and value.strip():
        return value
    raise expected("a JSON file's path, or a JSON Schema as a table")


Source = Annotated[str, AfterValidator(_source)]
StudentSource = Annotated[str, AfterValidator(_student)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Effort = Literal["none", "minimal", "low", "medium", "high"]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
LiteLLMName = Annotated[str, AfterValidator(_litellm_name)]
Gpu = Annotated[str | int, BeforeValidator(_gpu)]
Header = Annotated[str, AfterValidator(_header)]
SchemaOrPath = Annotated[str | dict[str, Any], BeforeValidator(_schema)]
OtherBackend = Annotated[Text, WithJsonSchema({"type": "string", "not": {"enum": [*BACKENDS]}})]
"""A backend that has no table of its own here."""
