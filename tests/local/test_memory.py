"""What a model takes is told from its header, within 1 % of what llama.cpp lays out for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.backends.gguf import Header, read_header
from synapse_cli.backends.llamacpp_layout import BATCH, OUTPUTS, SEATS
from synapse_cli.backends.llamacpp_memory import (
    cache_bytes,
    cells_of,
    estimate,
    fit,
    fitting_layers,
    gpu_bytes,
    size,
)
from synapse_cli.backends.llamacpp_settings import settings
from synapse_cli.backends.machine import available
from synapse_cli.profile.model import Model

from .laid_out import LaidOut, laid_out
from .shapes import SHAPES, write_shape
from .tiny_gguf import write

FLOAT = 4
WAYS = ((4096, SEATS, OUTPUTS), (32768, 8, BATCH))
"""Window, seats, outputs."""
Told = dict[tuple[str, int], LaidOut]


@pytest.fixture(scope="module")
def headers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Header]:
    folder = tmp_path_factory.mktemp("shapes")
    return {name: read_header(str(write_shape(folder / f"{name}.gguf", shape))) for name, shape in SHAPES.items()}


@pytest.fixture(scope="module")
def told(headers: dict[str, Header]) -> Told:
    """llama.cpp's own sums, by name and window."""
    ways = [(name, *way) for name in headers for way in WAYS]
    sums = laid_out(
        [
            {"path": headers[name].path, "window": window, "seats": seats, "outputs": outputs}
            for name, window, seats, outputs in ways
        ]
    )
    return {(name, window): each for (name, window, *_), each in zip(ways, sums, strict=True)}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("name", SHAPES)
def test_a_need_is_within_a_hundredth_of_what_llama_cpp_lays_out(
    headers: dict[str, Header], told: Told, name: str, way: tuple[int, int, int]
) -> None:
    window, seats, outputs = way
    header, sums = headers[name], told[name, window]
    need = estimate(header, window, seats=seats, cells=window, outputs=outputs)
    # its log leaves out that the buffer of outputs grows with the first batch that wants them all
    grown = max(seats, min(outputs, BATCH)) * header.vocabulary * FLOAT

    real = sums["weights"] + sums["cache"] + sums["compute"] + grown
    ours = header.weights + need.cache + need.compute

    assert ours == pytest.approx(real, rel=0.01)
    assert need.cache == pytest.approx(sums["cache"], rel=0.001)
    assert need.total >= real


def test_tied_embeddings_that_are_repacked_are_counted_twice(headers: dict[str, Header]) -> None:
    tied, apart = headers["Qwen3-0.6B"], headers["Mistral-7B"]

    assert estimate(tied, 512).weights == tied.weights + tied.layout["token_embd.weight"].size
    assert estimate(apart, 512).weights == apart.weights


def test_the_cache_grows_with_the_window_and_states_with_the_seats(headers: dict[str, Header]) -> None:
    attentive, recurrent = headers["Llama-3.2-1B"], headers["mamba-130m"]

    assert cache_bytes(attentive, 8192, 8) == 2 * cache_bytes(attentive, 4096, 32)
    assert cache_bytes(attentive, 4000, 1) == cache_bytes(attentive, 4096, 1)
    assert cache_bytes(recurrent, 8192, 8) == 2 * cache_bytes(recurrent, 512, 4) > 0


def test_what_would_fit_does_and_a_step_more_does_not(headers: dict[str, Header]) -> None:
    header = headers["Qwen2.5-3B"]
    budget = estimate(header, 8192).total

    found = fit(header, 32768, budget)

    assert found.window == 8192
    assert estimate(header, 16384).total > budget


def test_a_coarser_quantization_is_named_with_what_it_would_take(headers: dict[str, Header]) -> None:
    header = headers["Qwen2.5-0.5B"]
    need = estimate(header, 4096)

    found = fit(header, 4096, need.total - 90_000_000)

    assert (found.quantization, found.window) == ("Q6_K", 512)
    assert found.quantized <= need.total - 90_000_000
    assert str(found) == f"lower context to 512, or get the model as Q6_K (about {size(found.quantized)})"


def test_a_smaller_window_and_a_coarser_file_are_proposed_together_where_neither_is_enough(
    headers: dict[str, Header],
) -> None:
    header = headers["Mistral-7B"]
    budget = 3_600_000_000

    found = fit(header, 8192, budget)

    assert found.together
    assert (found.quantization, found.window) == ("Q2_K", 2048)
    assert found.quantized <= budget
    assert str(found) == f"lower context to 2048 and get the model as Q2_K (about {size(found.quantized)})"


def test_nothing_is_proposed_where_nothing_would_fit(headers: dict[str, Header]) -> None:
    found = fit(headers["Llama-3.1-70B"], 4096, 1_000_000_000)

    assert (found.window, found.quantization, str(found)) == (None, None, "")


def test_as_many_layers_go_to_a_device_as_its_memory_takes(headers: dict[str, Header]) -> None:
    header = headers["Mistral-7B"]
    half = gpu_bytes(header, 4096, 16)

    assert fitting_layers(header, 4096, 80_000_000_000) == -1
    assert fitting_layers(header, 4096, half) == 16
    assert fitting_layers(header, 4096, half - 1) == 15
    assert fitting_layers(header, 4096, 1_000_000) == 0


def test_the_machine_tells_what_it_has() -> None:
    free = available()

    assert free is not None
    assert 10_000_000 < free < 1 << 50


@pytest.mark.parametrize(
    ("bytes_", "said"), [(5_240_000_000, "5.2 GB"), (312_000_000, "312 MB"), (14_160_000, "14.2 MB"), (900, "1 kB")]
)
def test_bytes_are_said_for_people(bytes_: int, said: str) -> None:
    assert size(bytes_) == said


RESIDENT = """
import sys
from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.llamacpp_engine import Engine
from synapse_cli.backends.llamacpp_library import library
from synapse_cli.backends.llamacpp_settings import settings
from synapse_cli.core.control import Control
from synapse_cli.profile.model import Model
from tests.bench.memory import resident
import numpy, synapse_cli.backends.llamacpp_batch
library()
header = read_header(sys.argv[1])
opened = settings(Model(name="m", backend="llama.cpp", threads=1, gpu="off"), header)
before = resident()
engine = Engine(opened, Control())
print(resident() - before)
"""


@pytest.mark.parametrize(("name", "mapped"), [("SmolLM2-135M", True), ("Qwen3-0.6B", False)])
def test_a_loaded_model_takes_no_more_of_the_machine_than_was_told(
    headers: dict[str, Header], name: str, mapped: bool
) -> None:
    """What is told is what it may come to take: buffers are not all touched before the first long prompt."""
    header = headers[name]
    opened = settings(Model(name="m", backend="llama.cpp"), header)
    need = estimate(header, opened.window)

    done = subprocess.run([sys.executable, "-c", RESIDENT, header.path], capture_output=True, text=True, check=True)
    grown = int(done.stdout)

    assert opened.mapped is mapped
    assert need.weights + need.cache < grown < need.total


def test_cells_beside_a_window_do_not_make_a_long_context_of_a_short_one(tmp_path: Path) -> None:
    """Phi-3 and its kin have one set of factors up to 4096 tokens, and another beyond."""
    plain = read_header(str(write(tmp_path / "plain.gguf", context=8192)))
    stretched = read_header(
        str(write(tmp_path / "long.gguf", context=8192, metadata={"llama.rope.scaling.original_context_length": 4096}))
    )

    assert cells_of(plain, 4096) > 4096
    assert cells_of(stretched, 4096) == 4096
    assert cells_of(stretched, 5000) > 5000
