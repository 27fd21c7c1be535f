"""Layers go to graphics devices where there are any; else the processor computes, and that is said once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.llamacpp_devices import Build, Device, build, devices, place, without_device
from synapse_cli.backends.llamacpp_memory import gpu_bytes
from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.backends.llamacpp_settings import ALL_LAYERS, settings
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ModelUnusable
from synapse_cli.profile.model import Model

from .asking import asked, open_model
from .shapes import SHAPES, write_shape

GIB = 1 << 30
SMALL = Device("GPU0", "a small one", 4 * GIB, 8 * GIB)
LARGE = Device("GPU1", "a large one", 70 * GIB, 80 * GIB)


def test_a_build_says_what_it_is() -> None:
    told = build()

    assert told.version.startswith("0.3.")
    assert told.features
    assert told.devices == devices()
    assert f"llama-cpp-python {told.version}, " in str(told)
    assert ("CPU only" in str(told)) is not told.offloads


def test_devices_are_named_with_what_they_have_free() -> None:
    told = Build("0.3.36", ("AVX2",), maps_files=True, offloads=True, devices=(SMALL,))

    assert str(told) == ("llama-cpp-python 0.3.36, GPU: GPU0 a small one (4.3 GB of 8.6 GB free), maps files, AVX2")


def test_as_many_layers_as_fit_go_to_the_devices(tmp_path: Path) -> None:
    header = read_header(str(write_shape(tmp_path / "mistral.gguf", SHAPES["Mistral-7B"])))
    chosen = settings(Model(name="m", backend="llama.cpp"), header)

    small, both = place(chosen, header, [SMALL]), place(chosen, header, [SMALL, LARGE])

    assert chosen.gpu_layers == both.gpu_layers == ALL_LAYERS
    assert 0 < small.gpu_layers < 32
    assert gpu_bytes(header, 4096, small.gpu_layers) <= 0.9 * SMALL.free
    assert gpu_bytes(header, 4096, small.gpu_layers + 1) > 0.9 * SMALL.free


def test_what_the_profile_says_of_layers_and_shares_is_kept(tiny: Path) -> None:
    header = read_header(str(tiny))
    model = Model(name="m", backend="llama.cpp", gpu=1, gpu_split=(3.0, 1.0), gpu_main=1)

    placed = place(settings(model, header), header, [SMALL, LARGE])

    assert (placed.gpu_layers, placed.gpu_split, placed.gpu_main) == (1, (3.0, 1.0), 1)


def test_more_layers_than_fit_are_refused_with_how_many_would(tmp_path: Path) -> None:
    header = read_header(str(write_shape(tmp_path / "mistral.gguf", SHAPES["Mistral-7B"])))
    chosen = settings(Model(name="m", backend="llama.cpp", gpu=33), header)

    with pytest.raises(ModelUnusable) as caught:
        place(chosen, header, [SMALL])

    fits = place(replace(chosen, gpu_layers=ALL_LAYERS), header, [SMALL]).gpu_layers
    assert "33 layers of " in caught.value.message
    assert "the GPU has 4.3 GB free" in caught.value.message
    assert caught.value.hint == f'set gpu = {fits}, or gpu = "auto"'
    assert place(chosen, header, [LARGE]) == chosen


def test_without_devices_everything_is_computed_here(tiny: Path) -> None:
    header = read_header(str(tiny))
    model = Model(name="m", backend="llama.cpp", gpu=99, gpu_split=(3.0, 1.0), gpu_main=7)

    assert place(settings(model, header), header, []) == replace(
        settings(model, header), gpu_layers=0, gpu_split=(), gpu_main=0
    )


@pytest.mark.parametrize(("gpu", "lines"), [(None, 0), ("auto", 0), ("off", 0), (0, 0), (20, 1), ("all", 1)])
def test_only_who_asks_for_a_device_hears_that_there_is_none(gpu: str | int | None, lines: int) -> None:
    model = Model(name="big", backend="llama.cpp", gpu=gpu)

    assert len(without_device(model, [])) == lines
    assert without_device(model, [SMALL]) == ()


@pytest.mark.skipif(bool(devices()), reason="this machine has a graphics device")
def test_a_model_that_wants_a_device_answers_without_one_and_says_so_once(tiny: Path) -> None:
    pool().close()
    model = open_model(tiny, gpu=20, gpu_split=(1.0, 2.0), gpu_main=3)

    first = model.complete(asked("hi", p_max_tokens=3), Control())
    second = model.complete(asked("hi", p_max_tokens=3), Control())

    assert first.text == second.text == open_model(tiny).complete(asked("hi", p_max_tokens=3), Control()).text
    assert [line for line in first.warnings if "has no GPU" in line] == [
        "tiny: gpu is 20, and this llama.cpp has no GPU: computed on the CPU (synapse doctor)"
    ]
    assert second.warnings == ()
