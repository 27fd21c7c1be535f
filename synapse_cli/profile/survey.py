"""Look around for models that could be used: keys in the environment, GGUF files, a running Ollama.

Names of variables are looked at, never their values. The search of folders is bounded in depth, number and time.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

HOSTED = {
    "OPENAI_API_KEY": "openai/gpt-5-mini",
    "ANTHROPIC_API_KEY": "anthropic/claude-haiku-4-5",
    "GEMINI_API_KEY": "gemini/gemini-2.5-flash",
    "MISTRAL_API_KEY": "mistral/mistral-small-latest",
    "DEEPSEEK_API_KEY": "deepseek/deepseek-chat",
    "GROQ_API_KEY": "groq/openai/gpt-oss-20b",
    "XAI_API_KEY": "xai/grok-4.3",
    "CEREBRAS_API_KEY": "cerebras/gpt-oss-120b",
    "PERPLEXITYAI_API_KEY": "perplexity/sonar",
}
"""A provider's variable, and a small model of its that a first profile can name."""

OLLAMA = "http://127.0.0.1:11434"

_MOST_FILES = 50
_MOST_FOLDERS = 4000
_MOST_SECONDS = 3.0
_DEPTH = 8
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "proc", "sys", "blobs"})
_NOT_A_MODEL = re.compile(r"^nano\.gguf$|mmproj|ggml-vocab|-0000[2-9]-of-|-000[1-9]\d-of-", re.IGNORECASE)
_OLLAMA_TIMEOUT_S = 0.5
_LARGEST_ANSWER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gguf:
    """A GGUF file that was found."""

    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is to use."""

    variables: tuple[str, ...] = ()
    """Names of environment variables that hold a provider's key."""
    ggufs: tuple[Gguf, ...] = ()
    """Largest first."""
    ollama: str | None = None
    """Address of a running Ollama."""
    ollama_models: tuple[str, ...] = ()


def survey(*, cwd: str, env: Mapping[str, str]) -> Survey:
    """Look around once; what cannot be read is passed over."""
    address = ollama_address(env.get("OLLAMA_HOST", ""))
    models = _ollama_models(address)
    return Survey(
        variables=tuple(name for name in HOSTED if env.get(name)),
        ggufs=tuple(sorted(_ggufs(cwd, env), key=lambda gguf: (-gguf.size, gguf.path))),
        ollama=None if models is None else address,
        ollama_models=models or (),
    )


def ollama_address(host: str) -> str:
    """What OLLAMA_HOST means, which may lack scheme and port, or be the address that a server listens on."""
    found = re.fullmatch(r"(?:(https?)://)?([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])?(?::(\d{1,5}))?/?", host.strip())
    if not found or not host.strip():
        return OLLAMA
    scheme, name, port = found[1] or "http", found[2] or "127.0.0.1", found[3] or "11434"
    return f"{scheme}://{'127.0.0.1' if name == '0.0.0.0' else name}:{port}"  # noqa: S104  # compared, not bound


def memory_bytes() -> int:
    """Physical memory, or a cautious guess where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30


def _ggufs(cwd: str, env: Mapping[str, str]) -> list[Gguf]:
    found: dict[str, Gguf] = {}
    deadline = time.monotonic() + _MOST_SECONDS
    budget = [_MOST_FOLDERS]
    for folder in _folders(cwd, env):
        for path in _walk(folder, deadline, budget):
            gguf = _gguf(path)
            if gguf is not None:
                found.setdefault(os.path.realpath(path), gguf)
            if len(found) >= _MOST_FILES:
                return list(found.values())
    return list(found.values())


def _folders(cwd: str, env: Mapping[str, str]) -> list[str]:
    """The working directory, and where the usual tools keep models."""
    home = env.get("HOME") or os.path.expanduser("~")
    hub = env.get("HF_HUB_CACHE") or os.path.join(env.get("HF_HOME") or os.path.join(home, ".cache/huggingface"), "hub")
    usual = ("models", ".lmstudio/models", ".cache/lm-studio/models", ".cache/llama.cpp", "Library/Caches/llama.cpp")
    named = [env[name] for name in ("LLAMA_CACHE", "XDG_CACHE_HOME") if env.get(name)]
    return [cwd, hub, *named, *(os.path.join(home, each) for each in (*usual, ".cache"))]


def _walk(folder: str, deadline: float, budget: list[int]) -> Iterator[str]:
    """Paths of GGUF files below a folder, nearest first, until time or the number of folders runs out."""
    level = [folder]
    for _ in range(_DEPTH):
        below: list[str] = []
        for each in level:
            budget[0] -= 1
            if budget[0] < 0 or time.monotonic() > deadline:
                return
            for entry in _entries(each):
                if entry.name.endswith(".gguf") and not _NOT_A_MODEL.search(entry.name):
                    yield entry.path
                elif _is_folder(entry) and entry.name not in _SKIPPED and not entry.name.startswith("."):
                    below.append(entry.path)
        level = below


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _gguf(path: str) -> Gguf | None:
    try:
        if not os.path.isfile(path):  # a pipe of that name would wait for its writer
            return None
        with open(path, "rb") as file:
            is_gguf = file.read(4) == b"GGUF"
            size = os.fstat(file.fileno()).st_size
        path.encode()  # a name that is not UTF-8 cannot be written into TOML
    except (OSError, UnicodeEncodeError):
        return None
    return Gguf(path=os.path.abspath(path), size=size) if is_gguf else None


def _ollama_models(address: str) -> tuple[str, ...] | None:
    """Names of the models of a running Ollama, or None where none answers."""
    import http.client
    from urllib.request import ProxyHandler, build_opener

    try:
        direct = build_opener(ProxyHandler({}))  # a proxy would be asked for an address on this machine
        with direct.open(f"{address}/api/tags", timeout=_OLLAMA_TIMEOUT_S) as answer:
            models = json.loads(answer.read(_LARGEST_ANSWER))["models"]
        names = (str(model["name"]) for model in models)
        return tuple(name for name in names if re.fullmatch(r"[A-Za-z0-9_.:/-]+", name))
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return None
