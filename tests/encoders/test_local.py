"""Any GGUF that makes vectors, through llama.cpp: pooling, length, batches, long texts, and files that are no use."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from synapse_cli.backends.encoders import matrix
from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, BadRequest, Interrupted, ModelMissing, ModelUnusable
from synapse_cli.profile.model import Model
from tests.encoders.tiny_encoders import bert, t5
from tests.local.tiny_gguf import write

Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert(tmp_path_factory.mktemp("models") / "bert.gguf")


def model(path: Path, **settings: object) -> Model:
    return replace(Model(name="tiny", backend="encoder", source=f"file:{path}"), **settings)  # type: ignore[arg-type]


def rows(path: Path, *texts: str, **settings: object) -> Floats:
    return matrix(LlamaEncoder(model(path, **settings)).encode(texts, Control()))


@pytest.mark.parametrize(
    "make",
    [
        bert,
        lambda path: bert(path, architecture="nomic-bert"),
        lambda path: bert(path, architecture="jina-bert-v2"),
        t5,
        write,
        lambda path: write(path, pieces=True),
    ],
    ids=["bert", "nomic-bert", "jina-bert-v2", "t5encoder", "llama", "llama with SentencePiece"],
)
def test_every_kind_of_model_makes_vectors(make: Callable[[Path], Path], tmp_path: Path) -> None:
    made = rows(make(tmp_path / "m.gguf"), "the cat", "", "the cat", "hello world, hello")

    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    assert made[0] @ made[2] > 0.9999
    assert made[0] @ made[3] < 0.9999


def test_pooling_is_the_files_own_unless_the_profile_says_otherwise(tmp_path: Path) -> None:
    mean, first = bert(tmp_path / "mean.gguf", pooling=1), bert(tmp_path / "cls.gguf", pooling=2)
    unsaid = bert(tmp_path / "unsaid.gguf", pooling=None)
    text = "the cat sat"

    assert np.allclose(rows(first, text), rows(mean, text, pooling="cls"))
    assert np.allclose(rows(unsaid, text), rows(mean, text))
    kinds = [rows(mean, text, pooling=kind)[0] for kind in ("mean", "cls", "last")]
    assert all(left @ right < 0.9999 for left, right in itertools.combinations(kinds, 2))


def test_a_long_text_is_cut_and_that_is_said(tiny: Path) -> None:
    made = LlamaEncoder(model(tiny)).encode(["the cat " * 100, "the dog"], Control())
    longer = LlamaEncoder(model(tiny)).encode(["the cat " * 200], Control())

    assert made.warnings == ("1 of 2 texts is longer than the 64 tokens of tiny: cut there",)
    assert made.usage.input == 64 + 4
    assert np.allclose(matrix(made)[0], matrix(longer)[0], atol=1e-4)


def test_a_long_text_is_averaged_over_its_chunks_where_that_was_asked_for(tiny: Path) -> None:
    """62 words fit beside the two marks: the second chunk holds the last 38, and counts for so much less."""
    words = ["the cat", "a dog"] * 25
    tokens = " ".join(words).split()
    first, last = " ".join(tokens[:62]), " ".join(tokens[62:])

    whole = LlamaEncoder(model(tiny, too_long="chunk")).encode([" ".join(tokens)], Control())
    parts = rows(tiny, first, last)

    expected = 64 * parts[0] + (len(tokens) - 62 + 2) * parts[1]
    assert whole.warnings == ("the text is longer than the 64 tokens of tiny: averaged over chunks",)
    assert np.allclose(matrix(whole)[0], expected / np.linalg.norm(expected), atol=1e-3)


def test_a_text_of_a_million_characters_is_cut_like_any_other(tiny: Path) -> None:
    made = LlamaEncoder(model(tiny)).encode(["the cat " * 125_000], Control())

    assert made.usage.input == 64


def test_a_window_may_be_smaller_and_not_larger_than_the_trained_one(tiny: Path) -> None:
    assert LlamaEncoder(model(tiny, context=16)).encode(["the cat " * 50], Control()).usage.input == 16
    with pytest.raises(ModelUnusable, match="takes 64 tokens"):
        rows(tiny, "the cat", context=65)
    with pytest.raises(BadRequest, match="no room"):
        rows(tiny, "the cat", context=2)


def test_vectors_are_shortened_where_that_was_asked_for(tiny: Path) -> None:
    whole, short = rows(tiny, "the cat", normalize=False), rows(tiny, "the cat", dimensions=8)

    assert np.allclose(short[0], whole[0][:8] / np.linalg.norm(whole[0][:8]), atol=1e-5)
    with pytest.raises(BadRequest, match="have 32 numbers, not 33"):
        rows(tiny, "the cat", dimensions=33)


def test_a_batch_grows_with_the_longest_text(tmp_path: Path) -> None:
    path = bert(tmp_path / "long.gguf", window=1024)
    long = "the cat sat " * 300

    made = rows(path, "the cat", long, "hello")

    assert np.allclose(made[1], rows(path, long)[0], atol=1e-3)
    assert np.allclose(made[0], rows(path, "the cat")[0], atol=1e-3)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"hello, I am no model"), "begins with"),
        (lambda path: path.write_bytes(path.read_bytes()[:2000]), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes()[:-500]), "truncated"),
        (lambda path: bert(path, poison=float("nan")), "not-a-number"),
        (lambda path: bert(path, pooling=4), "reranker"),
        (lambda path: bert(path, pooling=255), "nobody knows"),
        (lambda path: _patch(path, "bert.context_length", 10**9), "knows 64 positions"),
    ],
)
def test_a_file_that_is_no_use_is_said_in_one_line(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    path = bert(tmp_path / "m.gguf")
    spoil(path)

    with pytest.raises(ModelUnusable, match=said) as caught:
        rows(path, "the cat")

    assert "\n" not in caught.value.message


@pytest.mark.parametrize("key", ["bos_token_id", "seperator_token_id", "unknown_token_id", "eos_token_id"])
@pytest.mark.parametrize("number", [25, 10**6, 2**32 - 1])
def test_marks_that_the_file_names_wrongly_end_no_process(tmp_path: Path, key: str, number: int) -> None:
    path = bert(tmp_path / "m.gguf")
    _patch(path, f"tokenizer.ggml.{key}", number)

    assert np.isfinite(rows(path, "the cat", "", "qqq")).all()


def _patch(path: Path, key: str, number: int) -> None:
    """Put another number where the header has one."""
    data, name = bytearray(path.read_bytes()), key.encode()
    at = data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name) + 4
    data[at : at + 4] = struct.pack("<I", number)
    path.write_bytes(bytes(data))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_is_no_file_is_said_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")

    for name in ("pipe.gguf", "nothing.gguf", "."):
        with pytest.raises(ModelMissing):
            rows(tmp_path / name, "the cat")


def test_an_encoder_that_failed_can_be_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    encoder = LlamaEncoder(model(path))
    with pytest.raises(BackendError):
        encoder.encode(["the cat"], Control())
    bert(path)

    assert len(encoder.encode(["the cat"], Control())) == 1


def test_ctrl_c_ends_the_work_between_two_batches(tiny: Path) -> None:
    control = Control()
    encoder = LlamaEncoder(model(tiny))
    encoder.encode(["warm"], control)
    asked = 0

    class Stopping(Control):
        @property
        def stopped(self) -> bool:
            nonlocal asked
            asked += 1
            return asked > 30

    with pytest.raises(Interrupted):
        encoder.encode(["the cat sat " * 20] * 2000, Stopping())

    assert len(encoder.encode(["the cat"], control)) == 1
