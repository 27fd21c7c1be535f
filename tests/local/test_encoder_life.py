"""Encoders live in the pool like any model: within its limit, closed when idle, loaded anew when the file changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
from synapse_cli.backends.llamacpp_pool import pool
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ModelUnusable
from synapse_cli.profile.model import Model
from tests.encoders.tiny_encoders import bert

from .asking import asked, open_model


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    pool().close()
    yield
    pool().limit = None
    pool().close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return bert(tmp_path / "bert.gguf")


def _vectors(path: Path, **settings: object) -> bytes:
    model = Model(name="bert", backend="encoder", source=f"file:{path}", **settings)  # type: ignore[arg-type]
    return LlamaEncoder(model).encode(["the cat", "hello world"], Control()).packed


def test_encoders_and_models_share_the_pool(path: Path, tiny: Path) -> None:
    first = _vectors(path)
    open_model(tiny).complete(asked("hi", p_max_tokens=2), Control())
    again = _vectors(path)

    assert first == again
    assert {(loaded.name, loaded.answers) for loaded in pool().snapshot()} == {("bert", 2), ("tiny", 1)}


def test_an_encoder_that_cannot_fit_is_refused(path: Path) -> None:
    pool().limit = 1_000_000

    with pytest.raises(ModelUnusable, match=r"bert needs .* max_memory is 1\.0 MB"):
        _vectors(path)


def test_an_encoder_goes_after_its_keep_alive(path: Path) -> None:
    _vectors(path, keep_alive_s=0.0)

    assert pool().snapshot() == ()


def test_an_encoder_whose_file_was_replaced_is_loaded_anew(path: Path) -> None:
    before = _vectors(path)
    bert(path.with_name("new.gguf"), layers=3).replace(path)

    assert _vectors(path) != before
