"""What a student learns and promises."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.witness import Witness
from synapse_cli.lab.distill.teach import Taught, Wanted, teach
from synapse_cli.learned.file import to_bytes
from synapse_cli.learned.student import Student, load, to_learned
from synapse_cli.profile.load import load as load_profile
from synapse_cli.profile.model import Profile
from tests.distill.made import ENOUGH, LABELS, PROFILE, Row, tickets, write

pytest.importorskip("sklearn")


def _profile(folder: Path, text: str = PROFILE) -> Profile:
    (folder / "p.toml").write_text(text)
    return load_profile(str(folder / "p.toml"), cwd=str(folder), env=os.environ, witness=Witness())


def _taught(folder: Path, rows: list[Row], text: str = PROFILE, **more: object) -> Taught:
    labels = write(folder / "rows.jsonl", rows)
    wanted = Wanted(route="tickets", ledger="", labels=str(labels), is_lexical=True, **more)  # type: ignore[arg-type]
    return teach(wanted, _profile(folder, text))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    return _student(_taught(tmp_path_factory.mktemp("student"), tickets(ENOUGH)))


def _student(taught: Taught) -> Student:
    assert taught.student is not None
    return taught.student


def test_what_is_learned_is_said_of_texts_that_were_never_seen(student: Student) -> None:
    replies = [(student.by_its_words(text), label) for text, label in tickets(200, seed=2)]

    given = [(reply, label) for reply, label in replies if reply is not None and reply.is_certain]
    assert len(given) > 150
    assert sum(reply.text == label for reply, label in given) >= 0.98 * len(given)
    assert all(0.5 < reply.confidence < 1 for reply, _ in given)


def test_permuting_the_rows_changes_no_byte(tmp_path: Path) -> None:
    rows = tickets(ENOUGH, slips=0.03)
    shuffled = random.Random(5).sample(rows, len(rows))

    one, other = _taught(tmp_path, rows, agreement=0.9), _taught(tmp_path, shuffled, agreement=0.9)

    assert to_bytes(to_learned(_student(one))) == to_bytes(to_learned(_student(other)))


def test_a_file_gives_back_the_same_student(student: Student, tmp_path: Path) -> None:
    path = tmp_path / "s.student"
    path.write_bytes(to_bytes(to_learned(student)))

    read = load(str(path))

    texts = [text for text, _ in tickets(50, seed=3)]
    assert [read.by_its_words(text) for text in texts] == [student.by_its_words(text) for text in texts]
    assert (read.scope, read.heads, read.told) == (student.scope, student.heads, student.told)


def test_every_flipped_byte_is_refused(student: Student, tmp_path: Path) -> None:
    whole = to_bytes(to_learned(student))
    path = tmp_path / "s.student"

    for place in random.Random(1).sample(range(len(whole)), 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError):
            load(str(path))


def test_fewer_labels_never_promise_more(tmp_path: Path) -> None:
    rows = tickets(360, slips=0.02)
    promises = [_taught(tmp_path, rows[:count], agreement=0.9).promise for count in (30, 120, 360)]

    bounds = [0.0 if promise is None else promise.bound for promise in promises]
    assert bounds[0] == 0.0, "thirty texts cannot show so much"
    assert bounds == sorted(bounds)


def test_where_the_teachers_contradict_themselves_nothing_is_certified_and_the_need_is_told(tmp_path: Path) -> None:
    noise = _taught(tmp_path, tickets(200, slips=0.9))
    few = _taught(tmp_path, tickets(60))

    assert (noise.student, noise.promise) == (None, None)
    assert few.promise is None
    assert few.needed is not None
    assert 60 < few.needed < 400


def test_a_text_unlike_those_that_it_learned_from_gets_no_answer(student: Student) -> None:
    for text in ("qui était le premier roi de France", "zzz", "9 + 4"):
        reply = student.by_its_words(text)
        assert reply is not None
        assert not reply.is_certain


def test_repeated_texts_count_once_and_contradictions_not_at_all(tmp_path: Path) -> None:
    rows = tickets(ENOUGH)
    text = rows[0][0]

    taught = _taught(tmp_path, [*rows, *rows[1:11], (text, "bug"), (text, "billing"), ("something", "weather")])

    assert len(taught.lessons.texts) in {ENOUGH, ENOUGH - 1}
    assert taught.lessons.excluded["outside of the closed set"] == 1
    assert taught.lessons.excluded["the same text again"] == 12


def test_labels_are_taken_in_any_spelling_and_said_in_the_declared_one(tmp_path: Path) -> None:
    rows = [(text, f" “{label.upper()}”. ") for text, label in tickets(ENOUGH)]

    taught = _taught(tmp_path, rows)

    assert {reply.text for text, _ in tickets(60, seed=4) if (reply := _student(taught).by_its_words(text))} == set(
        LABELS
    )


def test_each_field_of_a_small_object_is_a_closed_set(tmp_path: Path) -> None:
    schema = (
        'schema = { type = "object", required = ["kind", "urgent"], properties = '
        '{ kind = { enum = ["billing", "shipping", "bug"] }, urgent = { type = "boolean" } } }'
    )
    profile = PROFILE.replace('accept = [{ kind = "choices", values = ["billing", "shipping", "bug"] }]', "")
    profile = profile.replace("[routes.default]", f"{schema}\n[routes.default]")
    rows = [
        {"prompt": text, "answer": {"kind": label, "urgent": "urgently" in text}} for text, label in tickets(ENOUGH)
    ]
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    wanted = Wanted(route="tickets", ledger="", labels=str(tmp_path / "rows.jsonl.gz"), is_lexical=True)

    taught = teach(wanted, _profile(tmp_path, profile))

    reply = _student(taught).by_its_words("please check the invoice urgently thanks")
    assert reply is not None
    assert json.loads(reply.text) == {"kind": "billing", "urgent": True}
    assert [(each.field, each.value) for each in taught.values][-2:] == [("urgent", True), ("urgent", False)]


def test_free_texts_are_no_closed_set(tmp_path: Path) -> None:
    profile = PROFILE.replace('accept = [{ kind = "choices", values = ["billing", "shipping", "bug"] }]', "")

    with pytest.raises(UsageError, match="no closed set: 100 different"):
        _taught(tmp_path, [(text, f"Dear {text}") for text, _ in tickets(100)], profile)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a"}', "line 2: found none of label, intent, answer"),
        ('{"label": "bug"}', "line 2: found none of text, prompt"),
        ('{"text": "  ", "label": "bug"}', 'line 2: text: found "  "'),
        ('{"text": "a", "label": ["bug"]}', "line 2: label: found"),
        ("{", "line 2: found no JSON"),
    ],
)
def test_bad_rows_are_named_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"text": "a", "label": "bug"}}\n{line}\n')

    with pytest.raises(InputError) as raised:
        teach(Wanted(route="tickets", ledger="", labels=str(path), is_lexical=True), _profile(tmp_path))
    assert f"rows.jsonl, {said}" in raised.value.message
