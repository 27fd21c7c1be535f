"""What can this build of llama.cpp compute with? Graphics devices and their memory, and how many layers they take."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_library import library
from synapse_cli.backends.llamacpp_memory import fitting_layers, gpu_bytes, size
from synapse_cli.backends.llamacpp_settings import ALL_LAYERS, Settings
from synapse_cli.core.errors import ModelUnusable
from synapse_cli.profile.model import Model

_GPU, _INTEGRATED = 1, 2
_SPARE = 0.9
"""Share of a device's free memory that is planned with; drivers and other programs want some."""
HOW_TO_GET_A_GPU = (
    'CMAKE_ARGS="-DGGML_CUDA=on" pip install --force-reinstall --no-cache-dir llama-cpp-python '
    "(-DGGML_METAL=on on a Mac, -DGGML_VULKAN=on elsewhere)"
)


@dataclass(frozen=True, slots=True)
class Device:
    """A graphics device that llama.cpp was built for and found."""

    name: str
    description: str
    free: int
    """Bytes."""
    total: int

    def __str__(self) -> str:
        return f"{self.name} {self.description} ({size(self.free)} of {size(self.total)} free)"


@dataclass(frozen=True, slots=True)
class Build:
    """What this build of llama.cpp can do on this machine."""

    version: str
    """Of llama-cpp-python."""
    features: tuple[str, ...]
    """Instruction sets and libraries that it uses."""
    maps_files: bool
    offloads: bool
    """Whether it was built for graphics devices."""
    devices: tuple[Device, ...]

    def __str__(self) -> str:
        where = "GPU: " + ", ".join(map(str, self.devices)) if self.devices else "CPU only"
        if self.offloads and not self.devices:
            where = "built for a GPU, and none was found"
        reads = "maps files" if self.maps_files else "reads files whole"
        return (
            f"llama-cpp-python {self.version}, {where}, {reads}, {' '.join(self.features) or 'no special instructions'}"
        )


def build() -> Build:
    """Ask llama.cpp what it is."""
    import re

    import llama_cpp

    lib = library()
    told = lib.llama_print_system_info().decode("utf-8", "replace")
    return Build(
        version=llama_cpp.__version__,
        features=tuple(re.findall(r"(\w+) = 1\b", told)),
        maps_files=bool(lib.llama_supports_mmap()),
        offloads=bool(lib.llama_supports_gpu_offload()),
        devices=devices(),
    )


def devices() -> tuple[Device, ...]:
    """The graphics devices of this build and machine; none where it computes on the processor alone."""
    lib = library()
    if not lib.llama_supports_gpu_offload():
        return ()
    ggml = lib._lib  # noqa: SLF001  # its ctypes handle: llama-cpp-python declares no function for devices
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    pointers = [ctypes.c_void_p(ggml.ggml_backend_dev_get(number)) for number in range(ggml.ggml_backend_dev_count())]
    return tuple(_device(ggml, each) for each in pointers if ggml.ggml_backend_dev_type(each) in {_GPU, _INTEGRATED})


def place(settings: Settings, header: Header, found: Sequence[Device]) -> Settings:
    """Decide how many layers the devices take, where the profile leaves it open.

    Raises ModelUnusable where it names more than fit.
    """
    if not found:
        return replace(settings, gpu_layers=0, gpu_split=(), gpu_main=0)
    free = sum(device.free for device in found)
    fits = fitting_layers(header, settings.window, int(free * _SPARE), seats=settings.seats)
    wanted = settings.gpu_layers
    if wanted == ALL_LAYERS:
        return replace(settings, gpu_layers=fits)
    needed = gpu_bytes(header, settings.window, wanted, seats=settings.seats) if wanted else 0
    if needed > free:
        raise ModelUnusable(
            f"{wanted} layers of {header.path} need {size(needed)}, and the GPU has {size(free)} free",
            f'set gpu = {fits if fits > 0 else "off"!r}, or gpu = "auto"',
        )
    return settings


def without_device(model: Model, found: Sequence[Device]) -> tuple[str, ...]:
    """What to say where a profile wants a graphics device and there is none."""
    if found or model.gpu in {None, "auto", "off", 0}:
        return ()
    return (f"{model.name}: gpu is {model.gpu}, and this llama.cpp has no GPU: computed on the CPU (synapse doctor)",)


def _device(ggml: Any, pointer: ctypes.c_void_p) -> Device:
    ggml.ggml_backend_dev_name.restype = ggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
    name, description = ggml.ggml_backend_dev_name(pointer), ggml.ggml_backend_dev_description(pointer)
    return Device(name.decode(), description.decode("utf-8", "replace"), free.value, total.value)
