"""How is an adapter laid over a model? Checked first: llama.cpp may take a file that is none, and say nothing."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping, Sequence
from typing import Any

from synapse_cli.backends.gguf import Header, read_header
from synapse_cli.backends.gguf_bytes import Tensor
from synapse_cli.backends.llamacpp_library import forget, reason
from synapse_cli.core.errors import ModelUnusable
from synapse_cli.profile.model import Lora

_A, _B = ".lora_a", ".lora_b"
_ALPHA = "adapter.lora.alpha"
_EMBEDDINGS = "token_embd.weight"
_HINT = "name an adapter that was made for this very model and converted by llama.cpp's convert_lora_to_gguf.py"


def check_adapters(adapters: Sequence[Lora], base: Header) -> int:
    """Check that each adapter belongs to the model; bytes that all of them take.

    Raises ModelMissing where a file is not there, ModelUnusable where it is no adapter or made for another model.
    """
    return sum(_check(read_header(adapter.file, "adapter"), base) for adapter in adapters)


def lay_over(lib: Any, model: int, context: int, adapters: Sequence[Lora]) -> None:
    """Load the adapters and have the context compute with them; they go when the model goes."""
    if not adapters:
        return
    loaded = (lib.llama_adapter_lora_p_ctypes * len(adapters))(*(_load(lib, model, each.file) for each in adapters))
    scales = (ctypes.c_float * len(adapters))(*(adapter.scale for adapter in adapters))
    if lib.llama_set_adapters_lora(context, loaded, len(adapters), scales):
        raise ModelUnusable(f"llama.cpp does not take the adapters: {reason()}", _HINT)


def _load(lib: Any, model: int, path: str) -> object:
    forget()
    adapter: object = lib.llama_adapter_lora_init(model, os.fsencode(path))
    if not adapter:
        raise ModelUnusable(f"llama.cpp cannot load the adapter {path}: {reason()}", _HINT)
    return adapter


def _check(adapter: Header, base: Header) -> int:
    wrong = _wrong(adapter, base)
    if wrong:
        raise ModelUnusable(f"the adapter {adapter.path} cannot be laid over {base.path}: {wrong}", _HINT)
    return adapter.weights


def _wrong(adapter: Header, base: Header) -> str:
    """What is wrong with an adapter, or nothing."""
    kind = adapter.metadata.get("adapter.type")
    if kind != "lora":
        return f"its adapter.type is {kind!r}, and only 'lora' is known"
    if adapter.architecture != base.architecture:
        return f"it was made for the architecture {adapter.architecture!r}, and the model's is {base.architecture!r}"
    if not isinstance(adapter.metadata.get(_ALPHA, 0.0), float):
        return f"its {_ALPHA} is no fraction"
    names = {name for name in adapter.layout if not name.endswith("_norm.weight")}
    odd = next((name for name in sorted(names) if not name.endswith((_A, _B))), None)
    if odd is not None:
        return f"its tensor {odd!r} is no half of a pair"
    over = sorted({name.removesuffix(_A).removesuffix(_B) for name in names})
    if not over:
        return "it changes nothing: it has no tensors"
    return next((wrong for name in over if (wrong := _wrong_pair(name, adapter.layout, base.layout))), "")


def _wrong_pair(name: str, layout: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> str:
    """Whether two small matrices make one of the shape of the model's: inputs by rank, rank by outputs."""
    target = base.get(name)
    if target is None:
        return f"the model has no tensor {name!r}"
    if name + _A not in layout or name + _B not in layout:
        return f"one half of the pair for {name!r} is missing"
    first, second = layout[name + _A].shape, layout[name + _B].shape
    if min(len(first), len(second), len(target.shape)) < 2:
        return f"its pair for {name!r} are no matrices"
    if name.endswith(_EMBEDDINGS):  # llama.cpp looks their rows up, so that the halves change places
        fits = (second[1], first[1]) == target.shape[:2] and first[0] == second[0]
    else:
        fits = (first[0], second[1]) == target.shape[:2] and first[1] == second[0]
    return "" if fits else f"its pair for {name!r} has another shape than the model's {_said(target.shape)}"


def _said(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
