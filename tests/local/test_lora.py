"""An adapter changes what a model answers; one that is none, or of another model, is one clear line, never a crash."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
import pytest

from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, Exit, ModelMissing, ModelUnusable
from synapse_cli.profile.model import Lora
from tests.e2e.machine import Machine

from .asking import asked, open_model
from .tiny_gguf import write

RANK, WIDTH = 4, 64
QUERY, UP = "blk.0.attn_q.weight", "blk.1.ffn_up.weight"
SHAPES = {QUERY: (WIDTH, WIDTH), UP: (WIDTH, 2 * WIDTH)}
"""Inputs and outputs of the tiny model's matrices."""


def write_lora(
    path: Path,
    *,
    seed: int = 0,
    strength: float = 3.0,
    architecture: str = "llama",
    kind: str = "adapter",
    adapter: str = "lora",
    shapes: Mapping[str, tuple[int, int]] = SHAPES,
    left_out: str = "",
    alpha: float = 8.0,
) -> Path:
    """Write a real adapter, or one with something wrong."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", adapter)
    (writer.add_float32 if isinstance(alpha, float) else writer.add_uint32)("adapter.lora.alpha", alpha)
    chance = np.random.default_rng(seed)
    for name, (inputs, outputs) in shapes.items():
        for half, shape in ((".lora_a", (RANK, inputs)), (".lora_b", (outputs, RANK))):
            if name + half != left_out:
                matrix = chance.standard_normal(shape) * strength / shape[-1] ** 0.5
                writer.add_tensor(name + half, matrix.astype(np.float32))
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write_part()
    writer.close()
    return path


@pytest.fixture
def lora(tmp_path: Path) -> Path:
    return write_lora(tmp_path / "lora.gguf")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def _answer(tiny: Path, *adapters: Lora) -> str:
    return open_model(tiny, lora=adapters).complete(asked("tell me", p_max_tokens=30), Control()).text


def test_an_adapter_changes_the_answer_by_its_scale(tiny: Path, lora: Path, tmp_path: Path) -> None:
    other = write_lora(tmp_path / "other.gguf", seed=1)
    answers = [
        _answer(tiny),
        _answer(tiny, Lora(file=str(lora))),
        _answer(tiny, Lora(file=str(lora), scale=-2.0)),
        _answer(tiny, Lora(file=str(other))),
        _answer(tiny, Lora(file=str(lora)), Lora(file=str(other))),
    ]

    assert len(set(answers)) == 5
    assert _answer(tiny, Lora(file=str(lora))) == answers[1]
    assert _answer(tiny, Lora(file=str(lora), scale=0.0)) == answers[0]


def test_a_model_with_and_without_an_adapter_are_two_engines(tiny: Path, lora: Path) -> None:
    pool().close()
    for _ in range(2):
        _answer(tiny)
        _answer(tiny, Lora(file=str(lora)))

    assert [loaded.answers for loaded in pool().snapshot()] == [2, 2]
    assert pool().snapshot()[0].bytes - pool().snapshot()[1].bytes == 4 * RANK * (5 * WIDTH)


def test_an_adapter_that_is_written_anew_is_loaded_anew(tiny: Path, lora: Path) -> None:
    before = _answer(tiny, Lora(file=str(lora)))
    write_lora(lora.with_name("new"), seed=7).replace(lora)

    assert _answer(tiny, Lora(file=str(lora))) != before


WRONG = {
    "a model": ({"kind": "model"}, "it is not an adapter but of the kind 'model'"),
    "a control vector": ({"adapter": "control_vector"}, "adapter.type is 'control_vector'"),
    "another architecture": (
        {"architecture": "qwen2"},
        "made for the architecture 'qwen2', and the model's is 'llama'",
    ),
    "a larger model's": ({"shapes": {QUERY: (128, 128)}}, "has another shape than the model's 64 x 64"),
    "an unknown layer": (
        {"shapes": {"blk.9.attn_q.weight": (64, 64)}},
        "the model has no tensor 'blk.9.attn_q.weight'",
    ),
    "half a pair": ({"left_out": QUERY + ".lora_b"}, "one half of the pair for 'blk.0.attn_q.weight' is missing"),
    "nothing": ({"shapes": {}}, "it changes nothing"),
    "an alpha that is whole": ({"alpha": 8}, "adapter.lora.alpha is no fraction"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_belong_to_the_model_is_one_clear_line(tiny: Path, tmp_path: Path, name: str) -> None:
    wrong, says = WRONG[name]
    path = write_lora(tmp_path / "wrong.gguf", **wrong)  # type: ignore[arg-type]  # keywords of write_lora

    with pytest.raises(ModelUnusable) as caught:
        _answer(tiny, Lora(file=str(path)))

    assert says in caught.value.message
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.exit_code == Exit.UNANSWERED


@pytest.mark.parametrize(
    "change", [lambda data: data[:100], lambda data: data[:-1], lambda _: b"", lambda _: b"junk" * 99]
)
def test_a_damaged_adapter_is_one_clear_line(tiny: Path, lora: Path, change: object) -> None:
    lora.write_bytes(change(lora.read_bytes()))  # type: ignore[operator]  # one of the functions above

    with pytest.raises(ModelUnusable) as caught:
        _answer(tiny, Lora(file=str(lora)))

    assert str(lora) in caught.value.message
    assert "is not a usable GGUF" in caught.value.message


def test_an_adapter_that_is_not_there_is_missing(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        _answer(tiny, Lora(file=str(tmp_path / "gone.gguf")))

    assert "gone.gguf" in caught.value.message
    assert isinstance(caught.value, BackendError)


def test_a_changed_adapter_is_not_answered_from_the_cache(machine: Machine) -> None:
    write(machine.work / "tiny.gguf")
    write_lora(machine.work / "lora.gguf")
    machine.write(
        "synapse.toml",
        'schema = 1\n[models.tiny]\nbackend = "llama.cpp"\nsource = "file:tiny.gguf"\nparams = { max_tokens = 20 }\n'
        'lora = [{ file = "lora.gguf", scale = 1.5 }]\n[routes.default]\nuse = "tiny"\n',
    )

    first = machine.synapse("run", "tell me")
    again = machine.synapse("run", "tell me")
    write_lora(machine.work / "new.gguf", seed=5).replace(machine.work / "lora.gguf")
    changed = machine.synapse("run", "tell me")

    assert (first.code, again.code, changed.code) == (0, 0, 0), first.err + changed.err
    assert first.out == again.out != changed.out
