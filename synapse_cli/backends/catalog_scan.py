"""Which GGUF files are on this machine already? Where the usual tools keep theirs; they are used in place."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from synapse_cli.backends.gguf import Header, read_header
from synapse_cli.core.errors import BackendError, InputError

_DEPTH = 6
_MOST_FOLDERS = 20_000
_LARGEST_MANIFEST = 1_000_000
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_NO_MODELS = frozenset({"clip", "imatrix"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A GGUF file that somebody else's tool brought here."""

    name: str
    path: str
    tool: str
    size: int
    architecture: str | None = None
    quantization: str | None = None
    problem: str | None = None
    """Why it cannot be used."""


def scan(paths: Iterable[str], env: Mapping[str, str]) -> list[Found]:
    """Look in the folders that are given, or where Hugging Face, Ollama, LM Studio and llama.cpp keep models.

    Raises InputError for a path that is not there.
    """
    named = list(paths)
    found: dict[str, Found] = {}
    for name, path, tool in _given(named) if named else _usual(env):
        real = os.path.realpath(path)
        if real not in found and os.path.isfile(real):
            looked = _looked_at(name, path, tool)
            if looked is not None:
                found[real] = looked
    return sorted(found.values(), key=lambda each: (each.tool, each.name.casefold(), each.path))


def _given(paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for path in paths:
        whole = os.path.abspath(os.path.expanduser(path))
        if not os.path.exists(whole):
            raise InputError(f"there is no file or folder {whole}", "check the path")
        files = [whole] if os.path.isfile(whole) else _walk(whole)
        yield from ((_stem(file), file, "files") for file in files)


def _usual(env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    home = env.get("HOME") or os.path.expanduser("~")
    yield from _hub(env, home)
    yield from _ollama(env, home)
    for tool, folders in (("LM Studio", _lm_studio(home)), ("llama.cpp", _llama_cpp(env, home))):
        for folder in folders:
            yield from ((_stem(file), file, tool) for file in _walk(folder))


def _hub(env: Mapping[str, str], home: str) -> Iterator[tuple[str, str, str]]:
    """`models--OWNER--REPO/snapshots/COMMIT/FILE`, by the rules of huggingface_hub."""
    cache = os.path.join(env.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "huggingface")
    root = (
        env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or os.path.join(env.get("HF_HOME") or cache, "hub")
    )
    for folder in _folders(os.path.expanduser(root)):
        if os.path.basename(folder).startswith("models--"):
            for file in _walk(os.path.join(folder, "snapshots")):
                yield _stem(file), file, "Hugging Face"


def _ollama(env: Mapping[str, str], home: str) -> Iterator[tuple[str, str, str]]:
    """`manifests/REGISTRY/NAMESPACE/MODEL/TAG` names the blob that is the model."""
    named = env.get("OLLAMA_MODELS")
    usual = (os.path.join(home, ".ollama", "models"), "/usr/share/ollama/.ollama/models", "/var/lib/ollama/models")
    for root in (named,) if named else usual:
        for manifest in _files(os.path.join(root, "manifests")):
            digest = _model_digest(manifest)
            if digest is not None:
                tag, model = os.path.basename(manifest), os.path.basename(os.path.dirname(manifest))
                yield f"{model}:{tag}", os.path.join(root, "blobs", digest.replace(":", "-")), "Ollama"


def _model_digest(manifest: str) -> str | None:
    try:
        with open(manifest, "rb") as file:
            layers = json.loads(file.read(_LARGEST_MANIFEST))["layers"]
        digests = [layer["digest"] for layer in layers if layer["mediaType"] == _OLLAMA_MODEL]
        digest = digests[0] if digests else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return digest if isinstance(digest, str) and "/" not in digest else None


def _lm_studio(home: str) -> list[str]:
    """Its home may be elsewhere, and then a file says where."""
    roots = [os.path.join(home, ".lmstudio"), os.path.join(home, ".cache", "lm-studio")]
    try:
        with open(os.path.join(home, ".lmstudio-home-pointer"), encoding="utf-8") as file:
            roots.insert(0, file.read().strip())
    except (OSError, UnicodeDecodeError):
        pass
    return [os.path.join(root, "models") for root in roots]


def _llama_cpp(env: Mapping[str, str], home: str) -> list[str]:
    if env.get("LLAMA_CACHE"):
        return [env["LLAMA_CACHE"]]
    if sys.platform == "darwin":
        return [os.path.join(home, "Library", "Caches", "llama.cpp")]
    return [os.path.join(env.get("XDG_CACHE_HOME") or os.path.join(home, ".cache"), "llama.cpp")]


def _looked_at(name: str, path: str, tool: str) -> Found | None:
    """What the header says; None for a file that belongs to another one: a later part, a projector."""
    try:
        header: Header | None = read_header(path, "any")
        problem = None
    except BackendError as error:
        if "of a split model" in error.message:
            return None
        header, problem = None, error.message.replace(path, "it")
    if header is None:
        return Found(name=name, path=path, tool=tool, size=os.path.getsize(path), problem=problem)
    if header.architecture in _NO_MODELS or header.metadata.get("general.type") in {"mmproj", "imatrix"}:
        return None
    return Found(
        name=name,
        path=path,
        tool=tool,
        size=header.size,
        architecture=header.architecture,
        quantization=header.quantization,
    )


def _walk(folder: str) -> Iterator[str]:
    return (path for path in _files(folder) if path.lower().endswith(".gguf"))


def _files(folder: str) -> Iterator[str]:
    """Every file below, nearest first, to a bounded depth."""
    level, looked = [folder], 0
    for _ in range(_DEPTH):
        below: list[str] = []
        for each in level:
            looked += 1
            if looked > _MOST_FOLDERS:
                return
            for entry in _entries(each):
                if entry.is_dir(follow_symlinks=False):
                    below.append(entry.path)
                else:
                    yield entry.path
        level = below


def _folders(folder: str) -> list[str]:
    return [entry.path for entry in _entries(folder) if entry.is_dir(follow_symlinks=False)]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
