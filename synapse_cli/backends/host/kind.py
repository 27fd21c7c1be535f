"""Which host serves a model, and what does that host get of the environment?

A host lives longer than the command that started it, so its environment is exactly what its name is made of, and
what every process of this user has: nobody's proxy, CA, cloud account or key is inherited by somebody else's call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from synapse_cli.backends.host.place import Place, folder
from synapse_cli.profile.model import Model

Kind = Literal["local", "litellm"]

KINDS: tuple[Kind, ...] = ("local", "litellm")
CALLED: dict[Kind, str] = {"local": "the local engine", "litellm": "the host of hosted models"}
"""How a person is told of it."""

_COMMON = frozenset(
    """PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR TEMP TMP SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC APPDATA
    LOCALAPPDATA USERPROFILE PROGRAMDATA NUMBER_OF_PROCESSORS PYTHONUTF8 PYTHONIOENCODING PYTHONWARNINGS""".split()  # noqa: SIM905  # as in litellm_ask
)
_COMMON_HEADS = ("LC_", "XDG_", "SYNAPSE_")
_LOADER = frozenset({"PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH"})
_ENGINE_HEADS = ("GGML_", "LLAMA_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "VK_", "OMP_", "KMP_", "HF_")
_NETWORK = frozenset(
    """HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR SSL_VERIFY SSL_CERTIFICATE
    REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NETRC""".split()  # noqa: SIM905  # likewise
)
_CLOUD_HEADS = tuple(
    "AWS_ AZURE_ GOOGLE_ GCLOUD_ GCP_ CLOUDSDK_ VERTEX OCI_ WATSONX_ WX_ IBM_ SAGEMAKER_ DATABRICKS_".split()  # noqa: SIM905  # likewise
)
_ADDRESS_TAILS = ("_API_BASE", "_BASE_URL", "_API_URL", "_ENDPOINT", "_API_VERSION", "_ORGANIZATION", "_PROJECT")
"""LiteLLM asks the environment for a provider's address where a call names none."""
_PATH_TAILS = ("_DIR", "_FILE", "_BUNDLE", "_CREDENTIALS", "NETRC", "_HOME")
_KEY_TAIL = "_API_KEY"
"""Keys are arguments of each call and never inherited."""


def kind_of(model: Model) -> Kind | None:
    """The kind of host that serves a model; None for one that runs in the caller (a script, a plugin)."""
    if model.backend == "llama.cpp":
        return "local"
    if model.backend == "litellm":
        return "litellm"
    if model.backend == "encoder":
        return "litellm" if model.source is None else "local"
    return None


def place_of(kind: Kind, env: Mapping[str, str]) -> Place:
    """Where the host of this kind and environment lives. Raises OSError where there is no place for one."""
    return Place(folder(env), f"{kind}-{_fingerprint(kind, env)}")


def environment(kind: Kind, env: Mapping[str, str]) -> dict[str, str]:
    """The environment that such a host is started with."""
    common = {name: value for name, value in env.items() if name in _COMMON or name.startswith(_COMMON_HEADS)}
    return {**{name: _absolute(name, value) for name, value in common.items()}, **_telling(kind, env)}


def _fingerprint(kind: Kind, env: Mapping[str, str]) -> str:
    """A short name of every variable that changes what such a host does."""
    told = "\0".join(f"{name}={value}" for name, value in sorted(_telling(kind, env).items()))
    return sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _telling(kind: Kind, env: Mapping[str, str]) -> dict[str, str]:
    matters = _matters_to_engine if kind == "local" else _matters_to_providers
    told = {name: value for name, value in env.items() if value and (name in _LOADER or matters(name.upper()))}
    return {name: _absolute(name, value) for name, value in told.items()}


def _absolute(name: str, value: str) -> str:
    """A host has a working folder of its own, where a relative path would lead elsewhere."""
    return os.path.abspath(value) if name.endswith(_PATH_TAILS) and not value.startswith(("~", "/")) else value


def _matters_to_engine(name: str) -> bool:
    return name.startswith(_ENGINE_HEADS) and not name.endswith("_TOKEN")


def _matters_to_providers(name: str) -> bool:
    if name.endswith(_KEY_TAIL):
        return False
    return name in _NETWORK or name.startswith(_CLOUD_HEADS) or name.endswith(_ADDRESS_TAILS)


def version() -> str:
    """What must be equal on both sides: our version, and when it was installed."""
    from synapse_cli import __file__ as installed
    from synapse_cli import __version__

    return f"{__version__} {os.stat(installed).st_mtime_ns}"
