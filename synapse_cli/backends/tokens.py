"""How many tokens a hosted model would read in these messages: an estimate, offline, by tiktoken."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from synapse_cli.backends.prices import package_folder
from synapse_cli.core.completion import Count
from synapse_cli.core.prompt import Message

if TYPE_CHECKING:
    import tiktoken

_FILES = {
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "p50k_base": "ec7223a39ce59f226a68acc30dc1af2788490e15",
}
"""The tables that LiteLLM ships: file names are the SHA-1 of the address that tiktoken would fetch."""
_PER_MESSAGE = 4
_PER_REPLY = 3
"""What a chat template adds (OpenAI's cookbook, "How to count tokens with tiktoken")."""
_BYTES_PER_TOKEN = 4
_CHUNK = 4096
"""Characters encoded at a time: tiktoken is quadratic on a long run without spaces (LiteLLM uses the same bound)."""


def count(messages: Iterable[Message], model: str) -> Count:
    """Estimate the tokens of these messages; by bytes where no table is there. Never asks the network."""
    total = sum(_PER_MESSAGE + text_tokens(message.content, model) for message in messages)
    return Count(total + _PER_REPLY, estimated=True)


def text_tokens(text: str, model: str) -> int:
    """Estimate the tokens of one text."""
    encoding = _encoding(_table(model.rpartition("/")[2]))
    if encoding is None:
        return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)
    return sum(len(encoding.encode_ordinary(text[start : start + _CHUNK])) for start in range(0, len(text), _CHUNK))


def _table(bare: str) -> str:
    if bare.startswith(("gpt-4-", "gpt-3.5", "gpt-35", "ft:gpt-3.5")) or bare in {"gpt-4", "ft:gpt-4"}:
        return "cl100k_base"
    return "o200k_base"


@lru_cache(maxsize=3)
def _encoding(name: str) -> tiktoken.Encoding | None:
    folder = package_folder()
    shipped = os.path.join(folder, "litellm_core_utils", "tokenizers") if folder else ""
    if not os.path.isfile(os.path.join(shipped, _FILES[name])):
        return None  # tiktoken would fetch it
    try:
        import tiktoken
    except ImportError:
        return None
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    os.environ["TIKTOKEN_CACHE_DIR"] = shipped
    try:
        return tiktoken.get_encoding(name)
    finally:
        if before is None:
            del os.environ["TIKTOKEN_CACHE_DIR"]
        else:
            os.environ["TIKTOKEN_CACHE_DIR"] = before
