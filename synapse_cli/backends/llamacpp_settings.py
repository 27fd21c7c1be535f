"""How is a model opened on this machine? Window, threads and GPU layers, from the profile, the file and the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from synapse_cli.backends.gguf import Header
from synapse_cli.core.errors import ModelUnusable, UsageError
from synapse_cli.profile.model import Model

DEFAULT_WINDOW = 4096
"""Tokens, for a model made for more: its KV cache then costs some hundred megabytes instead of many gigabytes."""
_STRETCH = 16
"""A window this many times the trained one is a typing error, not a wish; llama.cpp hangs on two billion."""
_KV_BYTES = 2
"""The KV cache is kept in 16 bits."""
_SMALL_FILE = 64_000_000
"""Below this, a second thread waits for the first more than it helps, and eight runs side by side do not fight."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is opened."""

    path: str
    window: int
    threads: int
    gpu_layers: int
    """-1 for all."""


def settings(model: Model, header: Header) -> Settings:
    """Everything llama.cpp must be told to open this file."""
    return Settings(
        path=header.path,
        window=window(model, header),
        threads=model.threads or default_threads(header),
        gpu_layers=gpu_layers(model.gpu),
    )


def window(model: Model, header: Header) -> int:
    """Tokens of prompt and answer together; raises ModelUnusable where this machine or model cannot have so many."""
    trained = header.context_length
    if model.context is None:
        return min(trained or DEFAULT_WINDOW, DEFAULT_WINDOW)
    if model.context > _STRETCH * max(trained or 0, DEFAULT_WINDOW):
        raise ModelUnusable(
            f"models.{model.name}.context is {model.context}, and {header.path} was made for {trained or '?'} tokens",
            "lower context, or leave it out",
        )
    needed, there = _kv_bytes(header) * model.context, _memory()
    if there is not None and needed > there:
        raise ModelUnusable(
            f"models.{model.name}.context of {model.context} needs {needed / 1e9:.1f} GB of {there / 1e9:.1f}",
            "lower context",
        )
    return model.context


def warnings(model: Model, header: Header) -> tuple[str, ...]:
    """What a user should know about these settings."""
    if model.context and header.context_length and model.context > header.context_length:
        return (f"{model.name}: context {model.context} is beyond the {header.context_length} tokens it was made for",)
    return ()


def gpu_layers(gpu: str | int | None) -> int:
    """Layers on the GPU: all where a build of llama.cpp has one, unless the profile says otherwise."""
    if isinstance(gpu, int) and not isinstance(gpu, bool):
        return gpu
    words = {None: -1, "auto": -1, "all": -1, "on": -1, "off": 0, "none": 0, "cpu": 0}
    if gpu in words:
        return words[gpu]
    if str(gpu).isdigit():
        return int(str(gpu))
    raise UsageError(f"gpu is {gpu!r}", "give auto, all, off, or a number of layers")


def default_threads(header: Header) -> int:
    """Physical cores that this process may use; one for a small model."""
    return 1 if header.size < _SMALL_FILE else max(1, min(_physical_cores(), _quota()))


def _physical_cores() -> int:
    """Cores without their hyper-threads, which share the arithmetic units and only get in each other's way."""
    try:
        mine: set[int] = os.sched_getaffinity(0)
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
    cores = set()
    for number in mine:
        try:
            with open(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list", encoding="ascii") as file:
                cores.add(file.read().strip())
        except OSError:
            return len(mine)
    return len(cores)


def _quota() -> int:
    """Cores that a container is granted (cgroup v2); threads beyond them wait in turn while the others spin."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            granted, period = file.read().split()
        return max(1, int(granted) // int(period))
    except (OSError, ValueError):
        return 1 << 16


def _kv_bytes(header: Header) -> int:
    """Bytes of KV cache per token; 0 where the header does not tell."""
    heads = header.shape("attention.head_count") or 0
    width = header.shape("embedding_length") or 0
    per_head = header.shape("attention.key_length") or (width // heads if heads else 0)
    kv_heads = header.shape("attention.head_count_kv") or heads
    return 2 * _KV_BYTES * (header.shape("block_count") or 0) * kv_heads * per_head


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return None
