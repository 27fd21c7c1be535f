"""What must a provider be told otherwise than LiteLLM tells it? Each case with the reference that it follows."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit, urlunsplit

from synapse_cli.backends.prices import Entry
from synapse_cli.core.prompt import Json, Request
from synapse_cli.core.providers import is_loopback

COHERE = frozenset({"cohere", "cohere_chat"})
"""LiteLLM's two names of one provider."""
NO_KEY = "no-key"
"""Handed over where no key is: with none at all LiteLLM would take the user's own from the environment, and
send it to whatever address the profile names."""
_OLLAMA_URL = "http://127.0.0.1:11434"
_THOUGHT_TOKENS = {"minimal": 512, "low": 1024, "medium": 4096, "high": 16384}
"""Budgets where a provider wants a number and LiteLLM knows none."""
_ANTHROPIC_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096}
"""LiteLLM's, 1.106."""
_GROQ_QWEN = {"none": "none", "minimal": "none"}
"""Groq's Qwen models take "none" and "default" only."""
_LEAST = {"groq": "low", "xai": "low"}
"""Where thinking cannot be turned off, or not so far down: the least there is."""


@dataclass(frozen=True, slots=True)
class Extra:
    """Further keyword arguments for `litellm.completion`, and what the user should know of them."""

    arguments: dict[str, Json] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


def spoken(name: str) -> str:
    """The name that LiteLLM is asked with: its `ollama` writes prompts by itself, and `ollama_chat` lets Ollama."""
    return f"ollama_chat/{name.removeprefix('ollama/')}" if name.startswith("ollama/") else name


def address(provider: str, base_url: str | None, verb: str = "chat") -> dict[str, str]:
    """Where to ask for this ("chat" or "embed"), as LiteLLM wants it told: `api_base`, and Azure's `api_version`."""
    if not base_url:
        return {"api_base": _OLLAMA_URL} if provider.startswith("ollama") else {}
    if provider == "azure":
        return _azure(base_url)
    if provider in COHERE:
        root = base_url.rstrip("/").removesuffix("/v2/chat").removesuffix("/v2")
        return {"api_base": f"{root}/v2/{verb}"}  # LiteLLM takes the whole address, and appends nothing
    return {"api_base": base_url}


def _azure(base_url: str) -> dict[str, str]:
    """An endpoint, or the target address that Azure's portal shows: its version is in the query."""
    parts = urlsplit(base_url)
    version = parse_qs(parts.query).get("api-version", [""])[0]
    path = parts.path.partition("/openai")[0]
    if not version and parts.path.rstrip("/").endswith("/openai/v1"):
        version = "v1"
    found = {"api_base": urlunsplit((parts.scheme, parts.netloc, path, "", ""))}
    return {**found, "api_version": version} if version else found


def response_format(provider: str, schema: dict[str, Json]) -> tuple[dict[str, Json], bool]:
    """How this provider is asked to hold to a schema, and whether it must be said in words as well."""
    if provider == "deepseek":  # takes json_object only, and wants the word JSON in the prompt
        return {"response_format": {"type": "json_object"}}, True
    if provider in COHERE:  # LiteLLM knows of no response_format there
        wanted: Json = {"type": "json_object", "json_schema": schema}
        return {"response_format": wanted, "allowed_openai_params": ["response_format"]}, False
    strict = _holds_strictly(schema)
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": strict},
        }
    }, False


def takes_schema(provider: str, known: Entry | None) -> bool:
    """Whether the model holds to a JSON Schema by itself. Cohere's all do, and the catalogue does not say so."""
    return known is None or provider in COHERE or "response_schema" in known.supports


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


def effort(
    wanted: str | None,
    name: str,
    known: Entry | None,
    supported: AbstractSet[str],
    base_url: str | None,
    *,
    max_tokens: Json = None,
) -> Extra:
    """How much the model shall think, in its provider's own words. A model that does not think is asked without."""
    provider, _, bare = name.partition("/")
    if wanted is None or "magistral" in bare:  # always thinks; LiteLLM would write into the system prompt
        return Extra()
    if known is not None and "reasoning" not in known.supports and provider != "deepseek":
        notice = f"{name} does not think, so that effort = {wanted!r} changes nothing"
        return Extra() if wanted == "none" else Extra(notices=(notice,))
    if provider == "anthropic" and isinstance(max_tokens, int):
        return _within(wanted, max_tokens, name)
    if provider in COHERE:
        return Extra({"thinking": _cohere_thinking(wanted), "allowed_openai_params": ["thinking"]})
    if provider == "openrouter":
        return Extra({"extra_body": {"reasoning": {"effort": wanted}}})
    arguments: dict[str, Json] = {"reasoning_effort": _nearest(wanted, provider, bare, known)}
    if "reasoning_effort" not in supported:
        arguments["allowed_openai_params"] = ["reasoning_effort"]
    if provider == "hosted_vllm" or (provider == "openai" and known is None and is_loopback(base_url)):
        arguments["extra_body"] = {"chat_template_kwargs": {"enable_thinking": wanted != "none"}}
    return Extra(arguments)


def _within(wanted: str, max_tokens: int, name: str) -> Extra:
    """Anthropic counts thoughts among `max_tokens`, and refuses a budget that leaves nothing for the answer."""
    rooms = [how for how, budget in _ANTHROPIC_BUDGETS.items() if budget < max_tokens]
    if wanted == "none":
        return Extra({"reasoning_effort": wanted})
    if not rooms:
        return Extra(notices=(f"{name} has no room to think within max_tokens = {max_tokens}",))
    return Extra({"reasoning_effort": wanted if wanted in rooms else rooms[-1]})


def _cohere_thinking(wanted: str) -> Json:
    if wanted == "none":
        return {"type": "disabled"}
    return {"type": "enabled", "token_budget": _THOUGHT_TOKENS.get(wanted, _THOUGHT_TOKENS["high"])}


def _nearest(wanted: str, provider: str, bare: str, known: Entry | None) -> str:
    """The nearest effort that the model takes: what is refused would cost the answer."""
    if provider == "groq" and "qwen" in bare:
        return _GROQ_QWEN.get(wanted, "default")
    if wanted in {"none", "minimal"} and provider in _LEAST:
        return _LEAST[provider]
    if provider not in {"openai", "azure"} or known is None:
        return wanted
    if wanted == "none" and "none_reasoning_effort" not in known.supports:
        wanted = "minimal"
    if wanted == "minimal" and "minimal_reasoning_effort" not in known.supports:
        return "low"
    return wanted


def odds(provider: str, supported: AbstractSet[str], top: Json) -> dict[str, Json]:
    """How the probability of each token is asked for; empty where it cannot be had."""
    if provider == "groq":  # LiteLLM passes it on, and Groq refuses it for each of its models
        return {}
    if provider == "ollama_chat":  # LiteLLM would put it among the options of the sampler
        return {"extra_body": {"logprobs": True}}
    if provider in COHERE:
        return {"logprobs": True, "allowed_openai_params": ["logprobs"]}
    if "logprobs" not in supported:
        return {}
    return {"logprobs": True} if top is None else {"logprobs": True, "top_logprobs": top}


def wanted_effort(request: Request, own: str | None) -> str | None:
    """What a flag or `params` ask for, else what the profile says of the model."""
    asked = request.params.get("effort") or request.params.get("reasoning_effort")
    return asked if isinstance(asked, str) else own


def headers(provider: str, key: str | None = None) -> dict[str, str]:
    """Who asks, where LiteLLM would say that it does; and the key, where it would leave that out."""
    if provider == "ollama" and key not in {None, NO_KEY}:
        return {"Authorization": f"Bearer {key}"}
    return {"X-Title": "Synapse", "HTTP-Referer": ""} if provider == "openrouter" else {}
