"""Encodings are kept on disk: a second run asks no encoder, and a file that is lost or damaged costs time only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synapse_cli.backends import minilm
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted
from synapse_cli.core.witness import Witness
from synapse_cli.flows.encoding import MINILM
from synapse_cli.lab.vectors import FILE, vectors
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Model, Profile

TEXTS = ["a red fox", "a blue whale", "a red fox", ""]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("state")
    minilm.ready({"SYNAPSE_STATE_DIR": str(state)})
    return state


@pytest.fixture
def profile(converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setenv("SYNAPSE_STATE_DIR", str(converted))
    return load(None, cwd=str(tmp_path), env={"HOME": str(tmp_path)}, witness=Witness())


def stopped() -> Control:
    """With this, encoding even one text ends in Interrupted."""
    control = Control()
    control.stop()
    return control


def test_a_second_run_encodes_nothing(profile: Profile, tmp_path: Path) -> None:
    folder = str(tmp_path)
    first = vectors(TEXTS, MINILM, profile, hosts=False, folder=folder)

    again = vectors(TEXTS[::-1], MINILM, profile, hosts=False, folder=folder, control=stopped())

    assert first.shape == (4, 384)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(again, first[::-1])
    with pytest.raises(Interrupted):
        vectors(["never seen"], MINILM, profile, hosts=False, folder=folder, control=stopped())


def test_another_encoder_does_not_find_them(profile: Profile, tmp_path: Path) -> None:
    other = Model(name="minilm", backend="encoder", source="builtin:minilm", too_long="chunk")
    vectors(TEXTS, MINILM, profile, hosts=False, folder=str(tmp_path))

    with pytest.raises(Interrupted):
        vectors(TEXTS, other, profile, hosts=False, folder=str(tmp_path), control=stopped())


@pytest.mark.parametrize("damage", [b"no database at all", b""])
def test_a_damaged_file_is_made_anew(profile: Profile, tmp_path: Path, damage: bytes) -> None:
    first = vectors(TEXTS, MINILM, profile, hosts=False, folder=str(tmp_path))
    (tmp_path / FILE).write_bytes(damage)

    again = vectors(TEXTS, MINILM, profile, hosts=False, folder=str(tmp_path))

    assert np.array_equal(first, again)


def test_where_nothing_can_be_kept_they_are_made_each_time(profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder would be")

    found = vectors(TEXTS[:1], MINILM, profile, hosts=False, folder=str(tmp_path / "taken"))

    assert found.shape == (1, 384)


def test_texts_that_are_cut_are_counted_once(profile: Profile, tmp_path: Path) -> None:
    said: list[str] = []
    short = [f"number {at}" for at in range(64)]

    vectors(
        ["word " * 400, *short, "other " * 400], MINILM, profile, hosts=False, folder=str(tmp_path), warn=said.append
    )

    assert [line.split(" are longer")[0] for line in said] == ["2 of 66 texts"]
