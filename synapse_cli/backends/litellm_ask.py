"""What LiteLLM is asked: a Request as the keyword arguments of `litellm.completion`."""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from synapse_cli.core.errors import BadRequest
from synapse_cli.core.prompt import Json, Message, Request

PARAMS = frozenset(
    """temperature top_p top_k min_p max_tokens max_completion_tokens seed stop presence_penalty frequency_penalty
    logit_bias logprobs top_logprobs reasoning_effort verbosity thinking service_tier user parallel_tool_calls
    tool_choice repetition_penalty repeat_penalty store prediction safety_identifier prompt_cache_key
    web_search_options extra_body num_ctx num_predict""".split()  # noqa: SIM905  # forty quoted words would be harder to read
)
"""What `params` may hold. A list of what is allowed, because LiteLLM takes keys, addresses, callbacks and files
from the same keyword arguments, and a profile must not reach those."""

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


def ask(request: Request, model: str, supported: AbstractSet[str], *, takes_schema: bool) -> Ask:
    """Put a request into LiteLLM's words.

    `supported` are the parameters that LiteLLM can pass to this provider, `takes_schema` whether the
    model holds to a JSON Schema by itself; where it does not, it is asked in words, and the checks judge.
    Raises BadRequest for what no hosted model takes.
    """
    _refuse_the_impossible(request)
    arguments: dict[str, Json] = {"model": model, **_params(request, supported)}
    shape, schema = _wanted(request)
    messages = request.messages
    if schema is not None and takes_schema and "response_format" in supported:
        arguments["response_format"] = _response_format(schema)
    else:
        shape = "text"
        messages = _in_words(request)
    arguments["messages"] = [{"role": message.role, "content": message.content} for message in messages]
    if request.tools:
        arguments["tools"] = [_tool(text) for text in request.tools]
    return Ask(arguments, shape)


def _refuse_the_impossible(request: Request) -> None:
    if request.grammar is not None:
        raise BadRequest("a hosted model takes no GBNF grammar", "use --schema, or a local tier (--local-only)")
    unknown = sorted(set(request.params) - PARAMS - _LOCAL)
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], sorted(PARAMS), n=1)
        raise BadRequest(
            f"a hosted model has no parameter {', '.join(map(repr, unknown))}",
            f"did you mean {close[0]!r}?" if close else "what only this provider knows goes into params.extra_body",
        )


def _params(request: Request, supported: AbstractSet[str]) -> dict[str, Json]:
    """The parameters as they are; only logprobs, which Synapse asks for by itself, is dropped where it cannot be."""
    params: dict[str, Json] = {
        key: value for key, value in request.params.items() if value is not None and key not in _LOCAL
    }
    if not params.get("logprobs") or "logprobs" not in supported:
        params.pop("logprobs", None)
        params.pop("top_logprobs", None)
    return params


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


def _response_format(schema: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": schema, "strict": _holds_strictly(schema)},
    }


def _holds_strictly(schema: Json) -> bool:
    """Whether OpenAI's strict mode takes this schema: each object closed, each of its properties required."""
    if isinstance(schema, list):
        return all(_holds_strictly(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if isinstance(properties, dict) or schema.get("type") == "object":
        required = schema.get("required")
        names = set(properties) if isinstance(properties, dict) else set()
        if (
            schema.get("additionalProperties") is not False
            or set(required if isinstance(required, list) else ()) != names
        ):
            return False
    return all(_holds_strictly(part) for part in schema.values())


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
