"""What LiteLLM is asked: a Request as the keyword arguments of `litellm.completion`."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal

from synapse_cli.backends.litellm_accents import COHERE, Extra, odds, response_format, takes_schema
from synapse_cli.backends.prices import Entry
from synapse_cli.core.errors import BadRequest
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.providers import provider_of

PARAMS = frozenset(
    """temperature top_p top_k min_p max_tokens max_completion_tokens seed stop presence_penalty frequency_penalty
    logit_bias logprobs top_logprobs reasoning_effort verbosity thinking service_tier user parallel_tool_calls
    tool_choice repetition_penalty repeat_penalty store prediction safety_identifier prompt_cache_key
    web_search_options extra_body num_ctx num_predict""".split()  # noqa: SIM905  # forty quoted words would be harder to read
)
"""What `params` may hold. A list of what is allowed, because LiteLLM takes keys, addresses, callbacks and files
from the same keyword arguments, and a profile must not reach those."""

_EFFORT = frozenset({"effort", "reasoning_effort"})
"""Told in each provider's own way."""
_ODDS = frozenset({"logprobs", "top_logprobs"})
"""What Synapse asks for by itself, where a check wants to know how sure the model was."""
_LOCAL = frozenset({"contextual_calibration"})
"""What only a model on this machine can heed: left out, so that both kinds of tier can share one `params`."""

_WRAPPED = "answer"
"""The one property of the object that holds an answer which is not an object itself: providers want an object."""

Shape = Literal["text", "label", "value"]
"""How the answer is unpacked: as it came, as the label in {"answer": label}, as the JSON value in {"answer": …}."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Keyword arguments for `litellm.completion` less the address and the key, and how to unpack the answer."""

    arguments: dict[str, Json]
    shape: Shape
    notices: tuple[str, ...] = ()


def ask(request: Request, name: str, supported: AbstractSet[str], known: Entry | None, extra: Extra) -> Ask:
    """Put a request into LiteLLM's words.

    `supported` are the parameters that LiteLLM can pass to this provider, `known` is what the catalogue says of
    the model: one that holds to no schema by itself is asked in words, and the checks judge. Raises BadRequest
    for what no hosted model takes.
    """
    _refuse_the_impossible(request)
    provider = provider_of(name)
    shape, schema = _wanted(request)
    form: dict[str, Json] = {}
    in_words = schema is not None
    if schema is not None and takes_schema(provider, known) and ("response_format" in supported or provider in COHERE):
        form, in_words = response_format(provider, schema)
    if in_words and (not form or shape != "text"):
        shape, form = "text", {}
    messages = _in_words(request) if in_words else request.messages
    likely = odds(provider, supported, request.params.get("top_logprobs")) if request.params.get("logprobs") else {}
    arguments: dict[str, Json] = {"model": name, **_merged(_params(request), form, extra.arguments, likely)}
    arguments["messages"] = [{"role": message.role, "content": message.content} for message in messages]
    if request.tools:
        arguments["tools"] = [_tool(text) for text in request.tools]
    return Ask(arguments, shape, extra.notices)


def _merged(*parts: dict[str, Json]) -> dict[str, Json]:
    """All of them; what several say of `extra_body` or `allowed_openai_params` is put together."""
    merged: dict[str, Json] = {}
    for key, value in (pair for part in parts for pair in part.items()):
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = {**value, **before}
        elif isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def _refuse_the_impossible(request: Request) -> None:
    if request.grammar is not None:
        raise BadRequest("a hosted model takes no GBNF grammar", "use --schema, or a local tier (--local-only)")
    unknown = sorted(set(request.params) - PARAMS - _LOCAL - _EFFORT)
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], sorted(PARAMS), n=1)
        raise BadRequest(
            f"a hosted model has no parameter {', '.join(map(repr, unknown))}",
            f"did you mean {close[0]!r}?" if close else "what only this provider knows goes into params.extra_body",
        )


def without_odds(asked: Ask) -> Ask:
    """The same, without asking for the probability of each token."""
    arguments = {key: value for key, value in asked.arguments.items() if key not in _ODDS}
    return replace(asked, arguments=arguments)


def _params(request: Request) -> dict[str, Json]:
    """The parameters as they are, less those that are told in each provider's own way."""
    own = _LOCAL | _EFFORT | _ODDS
    return {key: value for key, value in request.params.items() if value is not None and key not in own}


def _wanted(request: Request) -> tuple[Shape, dict[str, Json] | None]:
    if request.choices:
        return "label", _wrap({"type": "string", "enum": list(request.choices)})
    if request.schema is None:
        return "text", None
    schema = json.loads(request.schema)
    if isinstance(schema, dict) and schema.get("type") == "object":
        return "text", schema
    return "value", _wrap(schema if isinstance(schema, dict) else {})


def _wrap(schema: dict[str, Json]) -> dict[str, Json]:
    definitions: dict[str, Json] = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in {*definitions, "$schema", "$id"}}
    properties: dict[str, Json] = {_WRAPPED: inner}
    return {
        "type": "object",
        "properties": properties,
        "required": [_WRAPPED],
        "additionalProperties": False,
        **definitions,
    }


def _in_words(request: Request) -> tuple[Message, ...]:
    """The messages, with what the answer must look like said at the end of the last one."""
    if request.choices:
        wish = "Answer with exactly one of these, and nothing else: " + ", ".join(request.choices)
    elif request.schema is not None:
        wish = f"Answer with one JSON value that matches this JSON Schema, and nothing else:\n{request.schema}"
    else:
        return request.messages
    *before, last = request.messages
    return (*before, Message(last.role, f"{last.content}\n\n{wish}"))


def _tool(text: str) -> Json:
    tool: Json = json.loads(text)
    return tool if isinstance(tool, dict) and "type" in tool else {"type": "function", "function": tool}
