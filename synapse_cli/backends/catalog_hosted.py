"""Which models does a provider have now, and what do they cost? Asked of the provider's own list.

A list says names, and often no more: window, price and the day a model goes are the provider's word where it gives
one, else LiteLLM's catalogue's. Read with the standard library: importing LiteLLM would take seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

from synapse_cli.backends import prices
from synapse_cli.backends.catalog_hub import distrusted
from synapse_cli.core.completion import FREE, Price
from synapse_cli.core.errors import BadAnswer, BadRequest, KeyRejected, NotAllowed, RateLimited, ServerFailed, TimedOut
from synapse_cli.core.prompt import Json
from synapse_cli.core.redact import one_line

if TYPE_CHECKING:
    import ssl

Table: TypeAlias = Mapping[str, Json]

TIMEOUT_S = 20.0
_MOST_PAGES = 50
_LARGEST = 50_000_000
_MOST_TOKENS = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedModel:
    """One model of a provider's list. None is unknown."""

    name: str
    """`provider/id`, as a profile names it."""
    mode: str | None = None
    """chat, embedding, …"""
    context_tokens: int | None = None
    price: Price | None = None
    deprecated_on: str | None = None
    """The day from which it is gone or going, as its provider or the catalogue says it."""


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How one provider's list is asked for and read."""

    root: str
    """Where the list is, without a `base_url` of the user's own."""
    path: str
    """Below the root of a `base_url`."""
    items: str
    read: Callable[[Table], HostedModel | None]
    head: Callable[[str], dict[str, str]]
    next_page: Callable[[Table], str | None] = lambda _: None
    """What is appended to the address for the next page."""
    has_version: bool = False
    """Whether a `base_url` has the version in it already, as for all that speak OpenAI's dialect."""


def list_models(provider: str, key: str | None, base_url: str | None) -> list[HostedModel]:
    """Return what a provider has, by name. Raises SynapseError, one line that names the provider, where it fails."""
    dialect = _DIALECTS.get(provider) or (_openai("", "") if base_url else None)
    if dialect is None:
        raise BadRequest(f"{provider} has no list of its models that can be asked for", "see the provider's own pages")
    models = [read for item in _items(provider, dialect, key, base_url) if (read := dialect.read(item)) is not None]
    return sorted((_completed(provider, each) for each in models), key=lambda each: each.name)


def read_entry(provider: str, entry: Table) -> HostedModel | None:
    """What one entry of a known provider's list says; None where it names no model that can be asked."""
    return _DIALECTS[provider].read(entry)


def providers() -> list[str]:
    """Those whose lists are known."""
    return sorted(_DIALECTS)


def _items(provider: str, dialect: _Dialect, key: str | None, base_url: str | None) -> Iterator[Table]:
    url = _address(dialect, base_url)
    more = ""
    for _ in range(_MOST_PAGES):
        page = _get(provider, url + more, dialect.head(key or ""), key)
        listed = page.get(dialect.items)
        if not isinstance(listed, list):
            raise BadAnswer(f"{provider}'s list of models at {url} is none", "check the model's base_url")
        yield from (item for item in listed if isinstance(item, dict))
        following = dialect.next_page(page)
        if not following:
            return
        more = ("&" if "?" in url else "?") + following


def _address(dialect: _Dialect, base_url: str | None) -> str:
    """Where the list is; below a `base_url` as LiteLLM is given it, which ends before or after the version."""
    if not base_url:
        return dialect.root + dialect.path
    parts = urlsplit(base_url)
    known, _, query = dialect.path.partition("?")
    version = known.rpartition("/")[0]
    path = parts.path.rstrip("/")
    for ending in ("/chat/completions", "/chat", "/v2"):
        path = path.removesuffix(ending)
    if not (path.endswith(version) or (path and dialect.has_version)):
        path += version
    return urlunsplit((parts.scheme, parts.netloc, f"{path}/{known.rpartition('/')[2]}", query, ""))


def _get(provider: str, url: str, head: dict[str, str], key: str | None) -> Table:
    """Ask, and read JSON; a bare list counts as one under `data`."""
    import http.client
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    # a `base_url` is http: or https:, which profile.fields sees to
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "synapse", **head})  # noqa: S310
    try:
        with urlopen(request, timeout=TIMEOUT_S, context=_trust(url)) as answer:  # noqa: S310  # as above
            found = json.loads(answer.read(_LARGEST))
    except HTTPError as error:
        raise _refused(provider, error.code, error.headers.get("retry-after", "")) from error
    except TimeoutError as error:
        raise TimedOut(f"{provider} did not list its models within {TIMEOUT_S:g} s") from error
    except (URLError, OSError, http.client.HTTPException) as error:
        if isinstance(error, URLError) and isinstance(error.reason, TimeoutError):
            raise TimedOut(f"{provider} did not list its models within {TIMEOUT_S:g} s") from error
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise distrusted(provider) from error
        said = one_line(str(getattr(error, "reason", error)), (key or "",), at_most=120)
        raise ServerFailed(f"cannot reach {provider}: {said}", "check the network, the proxy and base_url") from error
    except ValueError as error:
        raise BadAnswer(f"{provider} answered with something that is no list of models", "check base_url") from error
    if isinstance(found, list):
        return {"data": found}
    if not isinstance(found, dict):
        raise BadAnswer(f"{provider} answered with something that is no list of models", "check base_url")
    return found


def _trust(url: str) -> ssl.SSLContext | None:
    """Whom to believe: an authority of the user's own under the names that other tools read, else the system's."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if not url.startswith("https:") or os.environ.get("SSL_CERT_FILE") or not bundle or not os.path.isfile(bundle):
        return None  # OpenSSL itself knows SSL_CERT_FILE
    import ssl

    return ssl.create_default_context(cafile=bundle)


def _refused(provider: str, status: int, after: str) -> Exception:
    if status == 401:
        return KeyRejected(f"{provider} does not take the key", "check the key that the profile or environment names")
    if status == 403:
        return NotAllowed(f"{provider} does not let this key list its models")
    if status == 429:
        seconds = float(after) if after.isdigit() else None
        return RateLimited(f"{provider} takes no more requests for now", "try again later", retry_after_s=seconds)
    if status >= 500:
        return ServerFailed(f"{provider} failed ({status})", "try again later")
    return BadRequest(f"{provider} has no list of models there ({status})", "check the model's base_url")


def _completed(provider: str, found: HostedModel) -> HostedModel:
    """Add what the catalogue knows and the provider did not say."""
    name = found.name if found.name.startswith(f"{provider}/") else f"{provider}/{found.name}"
    known = prices.entry(name)
    if known is None:
        return replace(found, name=name)
    return HostedModel(
        name=name,
        mode=known.mode or found.mode,
        context_tokens=found.context_tokens or known.context_tokens,
        price=found.price or known.price,
        deprecated_on=found.deprecated_on or known.deprecated_on,
    )


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _text(item: Table, *keys: str) -> str | None:
    return next((value for key in keys if isinstance(value := item.get(key), str) and value), None)


def _count(item: Table, *keys: str) -> int | None:
    for key in keys:
        value = item.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _MOST_TOKENS:
            return int(value)
    return None


def _of_openai(item: Table) -> HostedModel | None:
    """OpenAI's shape, with what those who speak it add: Groq, vLLM, llama-server, Mistral, Together."""
    name = _text(item, "id")
    if name is None or item.get("active") is False:
        return None
    meta = item.get("meta")
    window = _count(item, "context_window", "context_length", "max_context_length", "max_model_len", "max_input_tokens")
    if window is None and isinstance(meta, dict):
        window = _count(meta, "n_ctx", "n_ctx_train")
    gone = _text(item, "deprecation", "expiration_date")
    return HostedModel(name=name, context_tokens=window, deprecated_on=gone[:10] if gone else None)


def _of_openrouter(item: Table) -> HostedModel | None:
    """Prices are dollars a token, as text."""
    found, pricing = _of_openai(item), item.get("pricing")
    if found is None or not isinstance(pricing, dict):
        return found
    asked, said = _per_million(pricing.get("prompt")), _per_million(pricing.get("completion"))
    cached = _per_million(pricing.get("input_cache_read"))
    return replace(found, price=None if asked is None or said is None else Price(asked, said, cached))


def _of_together(item: Table) -> HostedModel | None:
    """Prices are dollars a million tokens."""
    found, pricing = _of_openai(item), item.get("pricing")
    if found is None or not isinstance(pricing, dict):
        return found
    asked, said = _decimal(pricing.get("input")), _decimal(pricing.get("output"))
    return replace(found, price=None if asked is None or said is None else Price(asked, said))


def _of_gemini(item: Table) -> HostedModel | None:
    name, methods = _text(item, "name"), item.get("supportedGenerationMethods")
    methods = methods if isinstance(methods, list) else []
    mode = "chat" if "generateContent" in methods else "embedding" if "embedContent" in methods else None
    if name is None:
        return None
    return HostedModel(name=name.removeprefix("models/"), mode=mode, context_tokens=_count(item, "inputTokenLimit"))


def _of_cohere(item: Table) -> HostedModel | None:
    name, uses = _text(item, "name"), item.get("endpoints")
    uses = uses if isinstance(uses, list) else []
    mode = "chat" if "chat" in uses else "embedding" if "embed" in uses else None
    gone = "deprecated" if item.get("is_deprecated") is True else None
    if name is None:
        return None
    return HostedModel(name=name, mode=mode, context_tokens=_count(item, "context_length"), deprecated_on=gone)


def _of_ollama(item: Table) -> HostedModel | None:
    name = _text(item, "name", "model")
    return HostedModel(name=name, mode="chat", price=FREE) if name else None


def _per_million(value: Json) -> Decimal | None:
    dollars = _decimal(value)
    return None if dollars is None else _plain(dollars * 1_000_000)


def _decimal(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < _MOST_TOKENS else None  # -1 at OpenRouter: it varies


def _plain(number: Decimal) -> Decimal:
    """The number without trailing zeros, and without an exponent."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def _after(page: Table, more: str, last: str, word: str) -> str | None:
    token = page.get(last)
    return f"{word}={quote(token, safe='')}" if page.get(more) and isinstance(token, str) and token else None


def _openai(root: str, path: str = "/v1/models", read: Callable[[Table], HostedModel | None] = _of_openai) -> _Dialect:
    return _Dialect(root, path or "/models", "data", read, _bearer, has_version=True)


_OLLAMA = _Dialect("http://127.0.0.1:11434", "/api/tags", "models", _of_ollama, _bearer)

_DIALECTS: dict[str, _Dialect] = {
    "anthropic": _Dialect(
        "https://api.anthropic.com",
        "/v1/models?limit=1000",
        "data",
        _of_openai,
        lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
        lambda page: _after(page, "has_more", "last_id", "after_id"),
    ),
    "cerebras": _openai("https://api.cerebras.ai"),
    "cohere": _Dialect(
        "https://api.cohere.com",
        "/v1/models?page_size=1000",
        "models",
        _of_cohere,
        _bearer,
        lambda page: _after(page, "next_page_token", "next_page_token", "page_token"),
    ),
    "deepseek": _openai("https://api.deepseek.com", "/models"),
    "fireworks_ai": _openai("https://api.fireworks.ai/inference"),
    "gemini": _Dialect(
        "https://generativelanguage.googleapis.com",
        "/v1beta/models?pageSize=1000",
        "models",
        _of_gemini,
        lambda key: {"x-goog-api-key": key},
        lambda page: _after(page, "nextPageToken", "nextPageToken", "pageToken"),
    ),
    "groq": _openai("https://api.groq.com/openai"),
    "hosted_vllm": _openai("http://127.0.0.1:8000"),
    "mistral": _openai("https://api.mistral.ai"),
    "moonshot": _openai("https://api.moonshot.ai"),
    "ollama": _OLLAMA,
    "ollama_chat": _OLLAMA,
    "openai": _openai("https://api.openai.com"),
    "openrouter": _openai("https://openrouter.ai/api", read=_of_openrouter),
    "together_ai": _openai("https://api.together.xyz", read=_of_together),
    "xai": _openai("https://api.x.ai"),
}
