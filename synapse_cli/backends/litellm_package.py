"""The package LiteLLM, imported once and kept quiet: offline, no retries, callbacks or files of its own."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

from synapse_cli import __version__
from synapse_cli.backends.litellm_wire import tap
from synapse_cli.core.errors import EngineMissing

_FOREIGN = r"(litellm|openai|httpx|httpcore|pydantic|tiktoken|aiohttp)(\.|$)"
_QUIET = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai", "httpx", "httpcore")
_LOADING = threading.Lock()
MOST_CLIENTS = 32
"""SDK clients that are kept: LiteLLM makes one for each key, address and timeout, and by itself keeps 200."""
_KEEP_S = 60.0
"""How long an idle connection is kept: a person's next command seldom comes within the 5 s of httpx."""


def package() -> Any:
    """Return the module, set up."""
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

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import litellm
    except ImportError as error:
        raise EngineMissing(
            f"LiteLLM, which asks hosted models, cannot be imported: {error}", "pip install 'litellm>=1.106.2,<1.107'"
        ) from error
    _settle_absent(sys.modules)
    for name in _QUIET:  # by level, which a logger's children inherit; OPENAI_LOG and LITELLM_LOG set one at import
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.telemetry = False
    litellm.disable_streaming_logging = True
    litellm.disable_hf_tokenizer_download = True
    litellm.DEFAULT_MAX_RETRIES = 0  # `embedding` takes a max_retries of 0 for one that was not given, and asks thrice
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = sys.maxsize  # a table's rule is no endless loop
    _share_one_client(litellm)
    return litellm


def _share_one_client(litellm: Any) -> None:
    """Send all calls through one HTTP client: it is tapped, bounded, and reads its certificates once (20 ms)."""
    from litellm.caching.llm_caching_handler import LLMClientCache

    handler = client()

    class Clients(LLMClientCache):  # type: ignore[misc]  # the package has no types that mypy may follow
        def get_cache(self, key: str, **options: Any) -> Any:
            return handler if key.startswith("httpx_client") else super().get_cache(key, **options)

        def set_cache(self, key: str, value: Any, **options: Any) -> None:
            if hasattr(value, "max_retries"):
                value.max_retries = 0  # `embedding` does not hand ours on, and the SDK would try three times
            super().set_cache(key, value, **options)

    litellm.client_session = handler.client
    litellm.module_level_client = handler
    litellm.in_memory_llm_clients_cache = Clients(max_size_in_memory=MOST_CLIENTS)


def client() -> Any:
    """A client that heeds the user's proxy and authorities, as they are set now, and keeps no cookies."""
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx
    from litellm.llms.custom_httpx.http_handler import HTTPHandler, get_ssl_configuration

    made = httpx.Client(
        verify=get_ssl_configuration(_authorities()),
        cert=os.environ.get("SSL_CERTIFICATE"),
        headers={"User-Agent": f"synapse/{__version__}"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        limits=httpx.Limits(max_keepalive_connections=MOST_CLIENTS, keepalive_expiry=_KEEP_S),
    )
    return HTTPHandler(client=tap(made))


def _authorities() -> str | None:
    """The file of certificate authorities that the user trusts, where it is named as other tools want it."""
    if os.environ.get("SSL_CERT_FILE"):
        return None  # LiteLLM reads this one itself
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def _settle_absent(modules: dict[str, Any]) -> None:
    """Say once that FastAPI is not there: LiteLLM looks for it at each error, and its threads then block each other."""
    from importlib.util import find_spec

    if "fastapi" not in modules and find_spec("fastapi") is None:
        for name in ("fastapi", "fastapi.exceptions"):
            modules[name] = None


def hush() -> None:
    """Keep the packages' own warnings off stderr; at each call, because they come when a class is first used."""
    import warnings

    warnings.filterwarnings("ignore", module=_FOREIGN)
