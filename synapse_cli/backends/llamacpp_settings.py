"""How is a model opened on this machine? Window, threads and devices, from the profile, the file and the machine."""

from __future__ import annotations

from dataclasses import dataclass

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_layout import SEATS, is_repacked, seats_of
from synapse_cli.backends.llamacpp_memory import cells_of
from synapse_cli.backends.machine import granted_cores, physical_cores
from synapse_cli.core.errors import ModelUnusable, UsageError
from synapse_cli.profile.model import Lora, Model

DEFAULT_WINDOW = 4096
"""Tokens, for a model made for more: its KV cache then costs some hundred megabytes instead of many gigabytes."""
LEAST_WINDOW = 32
"""Tokens; a chat template alone takes about twenty, and a file that declares fewer is damaged."""
_STRETCH = 16
"""A window this many times the trained one is a typing error, not a wish; llama.cpp hangs on two billion."""
_SMALL_FILE = 64_000_000
"""Below this, a second thread waits for the first more than it helps, and eight runs side by side do not fight; and
reading it whole costs 5 ms of nano, after which nobody who cuts the file can end us with a bus error."""
ALL_LAYERS = -1


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model is opened. Two models with equal settings share one engine."""

    path: str
    window: int
    threads: int
    gpu_layers: int
    """`ALL_LAYERS`, or how many of the last ones."""
    gpu_split: tuple[float, ...] = ()
    gpu_main: int = 0
    cells: int = 0
    """Tokens that all requests together may have in memory, and what is kept of former ones; 0 is one window's."""
    seats: int = SEATS
    mapped: bool = True
    """Whether the file is mapped into memory; else it is read, and a change of it afterwards does no harm."""
    lora: tuple[Lora, ...] = ()
    draft: str = ""
    """The file of a smaller model that guesses ahead; empty for none."""


def settings(model: Model, header: Header) -> Settings:
    """Everything llama.cpp must be told to open this file."""
    return Settings(
        path=header.path,
        window=(wanted := window(model, header)),
        cells=cells_of(header, wanted),
        threads=model.threads or default_threads(header),
        gpu_layers=gpu_layers(model.gpu),
        gpu_split=model.gpu_split,
        gpu_main=model.gpu_main,
        seats=seats_of(header),
        mapped=header.size >= _SMALL_FILE and not _is_mostly_repacked(header),
        lora=model.lora,
    )


def window(model: Model, header: Header) -> int:
    """Tokens of prompt and answer together; raises ModelUnusable for a window that nobody can mean."""
    trained = header.context_length
    if trained is not None and trained < LEAST_WINDOW:
        raise ModelUnusable(
            f"{header.path} declares a window of {trained} tokens, in which no prompt fits", "download it again"
        )
    if model.context is None:
        return min(trained or DEFAULT_WINDOW, DEFAULT_WINDOW)
    if model.context > _STRETCH * max(trained or 0, DEFAULT_WINDOW):
        raise ModelUnusable(
            f"models.{model.name}.context is {model.context}, and {header.path} was made for {trained or '?'} tokens",
            "lower context, or leave it out",
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
    words = {None: ALL_LAYERS, "auto": ALL_LAYERS, "all": ALL_LAYERS, "on": ALL_LAYERS, "off": 0, "none": 0, "cpu": 0}
    if gpu in words:
        return words[gpu]
    if str(gpu).isdigit():
        return int(str(gpu))
    raise UsageError(f"gpu is {gpu!r}", "give auto, all, off, or a number of layers")


def default_threads(header: Header) -> int:
    """Physical cores that this process may use; one for a small model."""
    return 1 if header.size < _SMALL_FILE else max(1, min(physical_cores(), granted_cores()))


def _is_mostly_repacked(header: Header) -> bool:
    """Whether llama.cpp copies most weights as it loads them: mapped, the file would stay in memory beside the copy.

    Measured at 320 MB of Q4_K: 702 MB resident when mapped, 473 MB when read, for 0.14 s more of one core.
    """
    copied = sum(tensor.size for tensor in header.layout.values() if is_repacked(tensor.kind))
    return 2 * copied > header.weights
