"""A student as the first tier: what it answers, what it leaves to the next, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from synapse_cli.backends.student import StudentTier
from synapse_cli.backends.student_scope import scope_of
from synapse_cli.core.control import Control
from synapse_cli.core.errors import ProfileError, Unsuited
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors, pack
from synapse_cli.learned.file import write
from synapse_cli.learned.student import Scope, Student, to_learned
from synapse_cli.profile.model import Model
from tests.distill.students import knows

SYSTEM = Message("system", "Answer with spam or ham.")
SPAM, HAM = "win money now", "see you tomorrow"


def _request(text: str, **changes: object) -> Request:
    return Request(messages=(SYSTEM, Message("user", text)), choices=("spam", "ham"), **changes)  # type: ignore[arg-type]


def _student(scope: Scope | None = None, *, encoder: str | None = None) -> Student:
    return knows({"spam": SPAM, "ham": HAM}, scope or scope_of(_request("…"), "", ""), encoder=encoder)


class _Encoder:
    """Gives the same vector to each text, and counts them."""

    def __init__(self, vector: tuple[float, ...]) -> None:
        self.vector = vector
        self.texts: list[str] = []

    def encode(self, texts: list[str], control: Control) -> Vectors:
        del control
        self.texts += texts
        return Vectors(dimension=len(self.vector), packed=pack([self.vector for _ in texts]))


def _tier(folder: Path, student: Student, encoder: _Encoder | None = None) -> StudentTier:
    path = folder / "mail.student"
    write(str(path), to_learned(student))
    model = Model(name="fast", backend="student", source=f"file:{path}", file="p.toml")
    return StudentTier(model, None if encoder is None else lambda _: encoder)  # type: ignore[arg-type, return-value]


def test_it_answers_for_nothing_what_it_is_sure_of(tmp_path: Path) -> None:
    pieces: list[str] = []

    said = _tier(tmp_path, _student()).complete(_request(SPAM), Control(), pieces.append)

    assert (said.text, said.cost, said.finish) == ("spam", Decimal(0), "stop")
    assert said.confidence is not None
    assert said.confidence > 0.99
    assert said.usage.estimated
    assert pieces == ["spam"]


def test_files_and_fences_are_no_part_of_the_text(tmp_path: Path) -> None:
    said = _tier(tmp_path, _student()).complete(_request(f"File: mail.txt\n```\n{SPAM}\n```"), Control())

    assert said.text == "spam"


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request(messages=(Message("user", SPAM),), choices=("spam", "ham")), "another system prompt"),
        (Request(messages=(SYSTEM, Message("user", SPAM)), choices=("spam", "ham", "other")), "another closed set"),
        (Request(messages=(SYSTEM, Message("user", SPAM))), "another closed set"),
        (Request(messages=(SYSTEM, Message("user", SPAM)), schema='{"enum": ["spam", "ham"]}'), "another closed set"),
        (_request(f"Classify this as rude or polite.\n\n{SPAM}\n\nThanks."), "an instruction of its own"),
        (_request(SPAM, tools=("{}",)), "neither grammar nor tools"),
        (_request(""), "another instruction"),
        (_request("hello"), "unlike those that it learned from"),
    ],
)
def test_what_it_did_not_learn_is_left_to_the_next_tier(tmp_path: Path, request_: Request, why: str) -> None:
    with pytest.raises(Unsuited, match=why):
        _tier(tmp_path, _student()).complete(request_, Control())


def test_what_it_is_not_sure_enough_of_is_left_to_the_next_tier(tmp_path: Path) -> None:
    tier = _tier(tmp_path, replace(_student(), calibration=(0.1, 0.0)))

    with pytest.raises(Unsuited, match=r"it is 0\.89 sure, and certified from 0\.9 on"):
        tier.complete(_request(SPAM), Control())


def test_labels_in_another_order_are_the_same_closed_set(tmp_path: Path) -> None:
    asked = Request(messages=(SYSTEM, Message("user", HAM)), choices=("ham", "spam"))

    assert _tier(tmp_path, _student()).complete(asked, Control()).text == "ham"


def test_the_text_is_what_stands_within_the_instruction(tmp_path: Path) -> None:
    tier = _tier(tmp_path, _student(scope_of(_request("…"), "Spam?\n\n", "\n\nThanks.")))

    assert tier.complete(_request(f"Spam?\n\n{HAM}\n\nThanks."), Control()).text == "ham"
    with pytest.raises(Unsuited, match="another instruction"):
        tier.complete(_request(HAM), Control())


def test_the_encoder_is_asked_only_where_words_are_not_sure(tmp_path: Path) -> None:
    encoder = _Encoder((0.1, 0.99))
    tier = _tier(tmp_path, _student(encoder="some"), encoder)

    assert tier.complete(_request(SPAM), Control()).text == "spam"
    assert encoder.texts == []
    assert tier.complete(_request("bis morgen"), Control()).text == "ham"
    assert encoder.texts == ["bis morgen"]


def test_a_text_far_from_all_others_gets_no_answer_from_its_meaning_either(tmp_path: Path) -> None:
    tier = _tier(tmp_path, _student(encoder="some"), _Encoder((-0.9, 0.3)))

    with pytest.raises(Unsuited, match="unlike those"):
        tier.complete(_request("bis morgen"), Control())


def test_vectors_of_another_encoder_are_not_guessed_from(tmp_path: Path) -> None:
    tier = _tier(tmp_path, _student(encoder="some"), _Encoder((1.0, 0.0, 0.0)))

    with pytest.raises(Unsuited, match="a vector of 3 numbers, where 2 were learned"):
        tier.complete(_request("bis morgen"), Control())


def test_without_its_encoder_it_answers_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unsuited, match="needs the encoder some"):
        _tier(tmp_path, _student(encoder="some")).complete(_request(SPAM), Control())


def test_a_file_that_is_missing_or_none_is_a_mistake_of_the_profile(tmp_path: Path) -> None:
    model = Model(name="fast", backend="student", source=f"file:{tmp_path}/no.student", file="p.toml")

    with pytest.raises(ProfileError, match=r"p\.toml: models\.fast\.source: found the student .* cannot be read"):
        StudentTier(model).complete(_request(SPAM), Control())
