"""Which encoder a student reads by, and that no other one stands in for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synapse_cli.backends.student_scope import scope_of
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Unsuited
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.witness import Witness
from synapse_cli.flows.studying import encoder_of, student_tier
from synapse_cli.learned.file import write
from synapse_cli.learned.student import to_learned
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile
from tests.distill.students import knows

ASKED = Request(messages=(Message("user", "bis morgen"),), choices=("spam", "ham"))
PROFILE = """schema = 1
[models.other]
backend = "encoder"
model = "openai/text-embedding-3-small"
[models.fast]
backend = "student"
source = "file:mail.student"
{encoder}
[routes.default]
use = "fast"
"""


def _profile(folder: Path, encoder: str, *, learned_from: str) -> Profile:
    student = knows({"spam": "win money", "ham": "see you"}, scope_of(ASKED, "", ""), encoder=learned_from)
    write(str(folder / "mail.student"), to_learned(student))
    (folder / "p.toml").write_text(PROFILE.format(encoder=encoder))
    return load(str(folder / "p.toml"), cwd=str(folder), env=os.environ, witness=Witness())


def _refusal(profile: Profile) -> str:
    tier = student_tier(profile.models["fast"], profile, pytest.fail, hosts=False)
    with pytest.raises(Unsuited) as raised:
        tier.complete(ASKED, Control())
    return raised.value.message


def test_without_a_name_it_is_the_first_encoder_of_the_profile(tmp_path: Path) -> None:
    profile = _profile(tmp_path, "", learned_from="builtin:minilm")

    assert encoder_of(profile.models["fast"], profile).name == "other"
    assert _refusal(profile) == (
        "the student learned from vectors of builtin:minilm, and 'other' is openai/text-embedding-3-small"
    )


def test_minilm_is_not_converted_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNAPSE_STATE_DIR", str(tmp_path / "state"))
    profile = _profile(tmp_path, 'encoder = "minilm"', learned_from="builtin:minilm")

    assert _refusal(profile) == "the student needs MiniLM, which is not on this machine"
    assert not (tmp_path / "state").exists()
