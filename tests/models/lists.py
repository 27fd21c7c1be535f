"""A loopback server that answers GET as a provider's list of models does, from the provider's published reference."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OPENAI = {
    "object": "list",
    "data": [
        {"id": "gpt-5-mini", "object": "model", "created": 1754425777, "owned_by": "system"},
        {"id": "a-model-of-tomorrow", "object": "model", "created": 1754425777, "owned_by": "system"},
    ],
}
ANTHROPIC_1 = {
    "data": [
        {
            "type": "model",
            "id": "claude-haiku-4-5",
            "display_name": "Claude Haiku 4.5",
            "created_at": "2025-10-15T00:00:00Z",
        }
    ],
    "has_more": True,
    "first_id": "claude-haiku-4-5",
    "last_id": "claude-haiku-4-5",
}
ANTHROPIC_2 = {"data": [{"type": "model", "id": "claude-next"}], "has_more": False, "first_id": "x", "last_id": "x"}
GEMINI = {
    "models": [
        {
            "name": "models/gemini-2.5-flash",
            "version": "001",
            "displayName": "Gemini 2.5 Flash",
            "inputTokenLimit": 1048576,
            "outputTokenLimit": 65536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        },
        {
            "name": "models/gemini-next-embedding",
            "inputTokenLimit": 2048,
            "outputTokenLimit": 1,
            "supportedGenerationMethods": ["embedContent"],
        },
    ]
}
COHERE = {
    "models": [
        {
            "name": "command-next",
            "is_deprecated": False,
            "endpoints": ["chat"],
            "finetuned": False,
            "context_length": 256000,
        },
        {"name": "command-old", "is_deprecated": True, "endpoints": ["generate", "chat"], "context_length": 4096},
    ],
    "next_page_token": "",
}
MISTRAL = {
    "object": "list",
    "data": [
        {
            "id": "mistral-next",
            "object": "model",
            "created": 1,
            "owned_by": "mistralai",
            "capabilities": {"completion_chat": True, "function_calling": True},
            "max_context_length": 131072,
            "aliases": [],
            "deprecation": "2027-01-31T12:00:00Z",
            "type": "base",
        }
    ],
}
GROQ = {
    "object": "list",
    "data": [
        {"id": "next/open-20b", "object": "model", "owned_by": "next", "active": True, "context_window": 131072},
        {"id": "gone", "object": "model", "owned_by": "next", "active": False, "context_window": 8192},
    ],
}
OPENROUTER = {
    "data": [
        {
            "id": "next/large",
            "name": "Next: Large",
            "context_length": 200000,
            "pricing": {"prompt": "0.000003", "completion": "0.000015", "input_cache_read": "0.0000003"},
        },
        {"id": "next/auto", "context_length": 2000000, "pricing": {"prompt": "-1", "completion": "-1"}},
    ]
}
OLLAMA = {
    "models": [
        {
            "name": "llama3.2:1b",
            "model": "llama3.2:1b",
            "size": 1321098329,
            "details": {"format": "gguf", "family": "llama", "parameter_size": "1.2B", "quantization_level": "Q8_0"},
        }
    ]
}
VLLM = {
    "object": "list",
    "data": [{"id": "served", "object": "model", "owned_by": "vllm", "root": "served", "max_model_len": 40960}],
}
LLAMA_SERVER = {
    "object": "list",
    "data": [
        {"id": "x.gguf", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": 32768, "n_params": 1}}
    ],
}


class Lists:
    """What was asked, and what is answered by path and query."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.status = 200
        self.seen: list[tuple[str, dict[str, str]]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def lists() -> Iterator[Lists]:
    """A server for the length of a `with`."""
    server = Lists()
    try:
        yield server
    finally:
        server.close()


def _handler(server: Lists) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            found = server.answers.get(self.path)
            status = server.status if server.status != 200 else 200 if found is not None else 404
            body = found.encode() if isinstance(found, str) else json.dumps(found or {"error": "no"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    return Handler
