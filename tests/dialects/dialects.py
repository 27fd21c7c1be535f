"""Thirteen providers: where each is asked, how it wants to be told what, and what it does not have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers import (
    anthropic,
    azure,
    cohere,
    deepseek,
    gemini,
    groq,
    llama_server,
    mistral,
    ollama,
    openai,
    openrouter,
    vllm,
    xai,
)

QUESTION, SYSTEM = "What is the capital of Peru?", "Be brief."
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PLACE: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: dict[str, Any] = {"name": "weather", "description": "Tell the weather.", "parameters": PLACE}
FUNCTION = {"type": "function", "function": TOOL}

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One provider as a user writes it into a profile, and as its reference wants to be spoken to."""

    name: str
    server: Any
    model: str
    base: str = "/v1"
    """What follows host and port in `base_url`."""
    path: str = "/v1/chat/completions"
    stream_path: str = ""
    """Where streams are asked for, if elsewhere."""
    key: tuple[str, str] = ("authorization", "Bearer ")
    """The header that holds the key, and what stands before it."""
    home: str = ""
    """The address that is asked where a profile names none; empty where it must name one."""
    body: Callable[[str, bool], Body]
    """The whole body of a plain request, by model and whether it streams."""
    system: Callable[[Body], Any] = lambda body: body["messages"][0]["content"]
    tools: Any = field(default_factory=lambda: [FUNCTION])
    sent_tools: Callable[[Body], Any] = lambda body: body["tools"]
    schema: Callable[[Body], Any] = lambda body: body["response_format"]["json_schema"]["schema"]
    thinker: str = ""
    """A model that thinks, if another."""
    effort: Body = field(default_factory=lambda: {"reasoning_effort": "low"})
    """What `effort = "low"` adds to the body."""
    too_long: str
    overloaded: int = 503
    stops: Mapping[str, str] = field(default_factory=lambda: {"stop": "stop", "length": "length"})
    refusals: tuple[str, ...] = ("filtered",)
    embedder: str = ""
    embed_path: str = "/v1/embeddings"
    embed_base: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """Cases that the provider does not have, and why."""
    mended: Mapping[str, str] = field(default_factory=dict)
    """Cases that LiteLLM alone gets wrong, and how."""


def _openai(model: str, stream: bool) -> Body:
    said = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    body = {"model": model, "messages": said, "max_tokens": 50, "temperature": 0.5}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def _openrouter(model: str, stream: bool) -> Body:
    return _openai(model, stream) | {"usage": {"include": True}}


def _mistral(model: str, stream: bool) -> Body:
    body = _openai(model, stream)
    body.pop("stream_options", None)
    return body


def _anthropic(model: str, stream: bool) -> Body:
    return {
        "model": model,
        "system": [{"type": "text", "text": SYSTEM}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
        "max_tokens": 50,
        "temperature": 0.5,
        **({"stream": True} if stream else {}),
    }


def _gemini(_model: str, _stream: bool) -> Body:
    return {
        "system_instruction": {"parts": [{"text": SYSTEM}]},
        "contents": [{"role": "user", "parts": [{"text": QUESTION}]}],
        "generationConfig": {"max_output_tokens": 50, "temperature": 0.5},
    }


def _ollama(model: str, stream: bool) -> Body:
    said = [("system", SYSTEM), ("user", QUESTION)]
    return {
        "model": model,
        "messages": [{"role": role, "content": text, "images": []} for role, text in said],
        "options": {"temperature": 0.5, "num_predict": 50},
        "stream": stream,
    }


def _wrapped(tool: Body) -> Body:
    return {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}


_HIDDEN = "it thinks in secret, and tells only how much"
_UNCOUNTED = "it counts thoughts among the answer's tokens"
_UNWEIGHED = "it tells no probabilities"
_UNFILTERED = "it has no stop reason of that kind"
_WHOLE = "it never stops half-way with a reason"
_NO_VECTORS = "it sells no embeddings"
_LINES = "LiteLLM ends a stream's lines at U+0085, U+2028 and U+2029 too, and loses text"
_EVENTS = "LiteLLM cannot read the events of Cohere's streams"
_FORMAT = "LiteLLM knows of no response_format there"
_DROPPED = "LiteLLM drops it"
_TEMPLATE = "chat templates that think by a switch are told as well"
_REASONS = "LiteLLM takes an answer that the provider could not finish for a whole one"

DIALECTS = (
    Dialect(
        name="OpenAI",
        server=openai.SPEAKER,
        model="openai/gpt-4o-mini",
        home="https://api.openai.com/v1/chat/completions",
        body=_openai,
        thinker="openai/gpt-5-mini",
        refusals=("filtered", "refusal"),
        too_long=openai.SPEAKER.too_long,
        embedder="openai/text-embedding-3-small",
        lacks={"thinking": _HIDDEN, "half": _WHOLE},
    ),
    Dialect(
        name="Azure OpenAI",
        server=azure.SPEAKER,
        model="azure/my-mini",
        base="/openai/deployments/my-mini/chat/completions?api-version=2025-04-01-preview",
        path="/openai/deployments/my-mini/chat/completions?api-version=2025-04-01-preview",
        key=("api-key", ""),
        body=_openai,
        too_long=openai.SPEAKER.too_long,
        refusals=("filtered", "refusal"),
        embedder="azure/my-vectors",
        embed_path="/openai/deployments/my-vectors/embeddings?api-version=2025-04-01-preview",
        embed_base="/?api-version=2025-04-01-preview",
        lacks={"thinking": _HIDDEN, "half": _WHOLE},
        mended={"completion": "the version is taken out of the address that the portal shows"},
    ),
    Dialect(
        name="Anthropic",
        server=anthropic,
        model="anthropic/claude-haiku-4-5",
        base="",
        path="/v1/messages",
        key=("x-api-key", ""),
        home="https://api.anthropic.com/v1/messages",
        body=_anthropic,
        system=lambda body: body["system"][0]["text"],
        tools=[{**_wrapped(TOOL), "type": "custom"}],
        schema=lambda body: (body.get("output_format") or body["output_config"]["format"])["schema"],
        effort={"thinking": {"type": "enabled", "budget_tokens": 1024}},
        too_long="prompt is too long: 210000 tokens > 200000 maximum",
        overloaded=529,
        refusals=("filtered", "refusal"),
        lacks={"reasoning": _UNCOUNTED, "confidence": _UNWEIGHED, "half": _WHOLE, "embeddings": _NO_VECTORS},
        mended={"characters": _LINES},
    ),
    Dialect(
        name="Gemini",
        server=gemini,
        model="gemini/gemini-2.5-flash",
        base="/v1beta",
        path="/v1beta/models/gemini-2.5-flash:generateContent",
        stream_path="/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        key=("x-goog-api-key", ""),
        home="https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
        body=_gemini,
        system=lambda body: body["system_instruction"]["parts"][0]["text"],
        tools=[{"function_declarations": [TOOL]}],
        schema=lambda body: body["generationConfig"]["response_json_schema"],
        effort={"generationConfig": {"thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True}}},
        too_long="The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).",
        refusals=("filtered", "refusal"),
        embedder="gemini/gemini-embedding-001",
        embed_path="/v1beta/models/gemini-embedding-001:batchEmbedContents",
        mended={
            "stops": 'LiteLLM gives every chunk of a stream the reason "stop"',
            "half": _REASONS,
            "characters": _LINES,
        },
    ),
    Dialect(
        name="Mistral",
        server=mistral.SPEAKER,
        model="mistral/mistral-small-latest",
        home="https://api.mistral.ai/v1/chat/completions",
        body=_mistral,
        thinker="mistral/mistral-medium-latest",
        effort={"reasoning_effort": "high"},
        too_long=mistral.SPEAKER.too_long,
        embedder="mistral/mistral-embed",
        lacks={"reasoning": _UNCOUNTED, "confidence": _UNWEIGHED, "refusal": _UNFILTERED},
        mended={
            "thinking": "LiteLLM keeps only the last of several texts beside a thought",
            "half": _REASONS,
            "characters": _LINES,
        },
    ),
    Dialect(
        name="Cohere",
        server=cohere.SPEAKER,
        model="cohere/command-a-03-2025",
        base="",
        path="/v2/chat",
        home="https://api.cohere.com/v2/chat",
        body=_mistral,
        schema=lambda body: body["response_format"]["json_schema"],
        thinker="cohere/command-a-reasoning-08-2025",
        effort={"thinking": {"type": "enabled", "token_budget": 1024}},
        too_long=cohere.TOO_LONG,
        embedder="cohere/embed-v4.0",
        embed_path="/v2/embed",
        lacks={"reasoning": _UNCOUNTED, "refusal": _UNFILTERED},
        mended={
            "completion": "LiteLLM asks a base_url as it is, without the path",
            "stream": _EVENTS,
            "tools": _EVENTS,
            "schema": _FORMAT,
            "labels": _FORMAT,
            "cached": _DROPPED,
            "thinking": _DROPPED,
            "effort": "LiteLLM knows of no thinking there",
            "confidence": "LiteLLM knows of no probabilities there",
            "stops": "LiteLLM takes an answer that was cut short for a whole one",
            "half": _REASONS,
            "retry": "LiteLLM drops the header",
        },
    ),
    Dialect(
        name="DeepSeek",
        server=deepseek.SPEAKER,
        model="deepseek/deepseek-chat",
        base="",
        path="/chat/completions",
        home="https://api.deepseek.com/beta/chat/completions",
        body=_openai,
        schema=lambda body: (
            {**CITY} if body["response_format"] == {"type": "json_object"} and _in_words(body) else None
        ),
        thinker="deepseek/deepseek-v4-flash",
        effort={"thinking": {"type": "enabled"}},
        too_long=deepseek.SPEAKER.too_long,
        lacks={"embeddings": _NO_VECTORS},
        mended={
            "half": _REASONS,
            "schema": "it takes json_object only, so the schema is said in words as well",
            "characters": _LINES,
        },
    ),
    Dialect(
        name="Groq",
        server=groq.SPEAKER,
        model="groq/openai/gpt-oss-20b",
        base="/openai/v1",
        path="/openai/v1/chat/completions",
        home="https://api.groq.com/openai/v1/chat/completions",
        body=_openai,
        too_long=groq.SPEAKER.too_long,
        lacks={"confidence": _UNWEIGHED, "refusal": _UNFILTERED, "half": _WHOLE, "embeddings": _NO_VECTORS},
        mended={"characters": _LINES},
    ),
    Dialect(
        name="OpenRouter",
        server=openrouter.SPEAKER,
        model="openrouter/openai/gpt-4o-mini",
        base="/api/v1",
        path="/api/v1/chat/completions",
        home="https://openrouter.ai/api/v1/chat/completions",
        body=_openrouter,
        effort={"reasoning": {"effort": "low"}},
        too_long=openrouter.SPEAKER.too_long,
        embedder="openrouter/openai/text-embedding-3-small",
        embed_path="/api/v1/embeddings",
        mended={"half": _REASONS, "characters": _LINES, "effort": "it is told in OpenRouter's own words"},
    ),
    Dialect(
        name="xAI",
        server=xai.SPEAKER,
        model="xai/grok-4.3",
        home="https://api.x.ai/v1/chat/completions",
        body=_openai,
        too_long=xai.SPEAKER.too_long,
        lacks={"refusal": _UNFILTERED, "half": _WHOLE, "embeddings": _NO_VECTORS},
        mended={"characters": _LINES},
    ),
    Dialect(
        name="Ollama",
        server=ollama,
        model="ollama_chat/qwen3",
        base="",
        path="/api/chat",
        body=_ollama,
        schema=lambda body: body["format"],
        effort={"think": True},
        too_long="the input length exceeds the context length",
        embedder="ollama/all-minilm",
        embed_path="/api/embed",
        lacks={
            "cached": "it does not tell",
            "reasoning": _UNCOUNTED,
            "refusal": _UNFILTERED,
            "half": _WHOLE,
        },
        mended={"confidence": "LiteLLM knows of no probabilities there"},
    ),
    Dialect(
        name="vLLM",
        server=vllm.SPEAKER,
        model="hosted_vllm/Qwen/Qwen3-8B",
        body=_openai,
        effort={"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": True}},
        too_long=vllm.SPEAKER.too_long,
        embedder="hosted_vllm/intfloat/e5-small",
        lacks={"reasoning": _UNCOUNTED, "refusal": _UNFILTERED},
        mended={"half": _REASONS, "characters": _LINES, "effort": _TEMPLATE},
    ),
    Dialect(
        name="llama-server",
        server=llama_server.SPEAKER,
        model="openai/qwen3-8b",
        body=_openai,
        effort={"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": True}},
        too_long=llama_server.SPEAKER.too_long,
        embedder="openai/all-minilm",
        lacks={"reasoning": _UNCOUNTED, "refusal": _UNFILTERED, "half": _WHOLE},
        mended={"effort": _TEMPLATE, "mid_stream": "LiteLLM overhears its errors, which are no events"},
    ),
)


def _in_words(body: Body) -> bool:
    return "JSON Schema" in body["messages"][-1]["content"]
