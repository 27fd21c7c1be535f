"""What a model writes by a grammar matches it, token by token."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synapse_cli.backends.gbnf_bound import Bound
from synapse_cli.backends.gbnf_match import matcher
from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_vocabulary import open_vocabulary
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadAnswer, UsageError
from synapse_cli.profile.model import Model

from .asking import asked, open_model
from .test_gbnf import JSON, SUMS
from .tiny_gguf import write

WRITTEN = [
    ('root ::= "yes" | "no" | "maybe"', "yes|no|maybe"),
    ('root ::= [0-9]{4} "-" [0-9]{2}', "[0-9]{4}-[0-9]{2}"),
    ("root ::= ([a-c]+ [.!] )+", "([a-c]+[.!])+"),
    ('root ::= "日本" [à-ü]{3} "€"', "日本[à-ü]{3}€"),
    ('root ::= ("a"*)* "b" | "" "c"', "a*b|c"),
    ('root ::= "<" root ">" | "x"', "<*x>*"),
]
HOT: dict[str, Any] = {"p_temperature": 3.0, "p_top_k": 0, "p_top_p": 1.0, "p_min_p": 0.0, "p_max_tokens": 60}


@pytest.mark.parametrize(("grammar", "expression"), WRITTEN, ids=range(len(WRITTEN)))
@pytest.mark.parametrize("pieces", [False, True], ids=["bytes", "pieces"])
def test_what_is_written_by_a_grammar_matches_it(tmp_path: Path, grammar: str, expression: str, pieces: bool) -> None:
    model = open_model(write(tmp_path / "m.gguf", pieces=pieces))
    ended = 0
    for seed in range(8):
        answer = model.complete(asked("go", grammar=grammar, p_seed=seed, **HOT), Control())

        if answer.finish == "stop":
            ended += 1
            assert re.fullmatch(expression, answer.text), answer.text
        assert 0.0 <= (answer.confidence or 0.0) <= 1.0
    assert ended


def test_the_choices_that_a_grammar_left_are_what_an_answer_is_trusted_by(backend: LlamaCpp) -> None:
    bare = backend.complete(asked("go", grammar='root ::= "yes" | "no"'), Control())
    dressed = backend.complete(asked("go", grammar='root ::= ("yes" | "no") " is what I say to that"'), Control())

    assert bare.confidence == pytest.approx(dressed.confidence, rel=1e-2)  # steps of other widths round otherwise


def test_a_grammar_may_name_tokens(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf"))
    the = 4 + 256 + 1

    by_number = model.complete(asked("go", grammar=f'root ::= <[{the}]> " bugs"'), Control())
    by_name = model.complete(asked("go", grammar="root ::= !<|unsure|>{3}", p_max_tokens=20), Control())

    assert by_number.text == "the bugs"
    assert by_name.usage.output == 3


def test_a_token_that_the_model_does_not_have_is_a_usage_error(backend: LlamaCpp) -> None:
    with pytest.raises(UsageError, match="names the token <nobody>"):
        backend.complete(asked("go", grammar="root ::= <nobody>"), Control())


def test_a_grammar_that_leaves_no_token_is_a_bad_answer(backend: LlamaCpp) -> None:
    with pytest.raises(BadAnswer, match="no token"):
        backend.complete(asked("go", grammar="root ::= <[999999]>"), Control())


def test_a_grammar_without_an_end_is_cut_at_max_tokens(backend: LlamaCpp) -> None:
    answer = backend.complete(asked("go", grammar='root ::= "a" root', p_max_tokens=7), Control())

    assert (set(answer.text), answer.finish, answer.usage.output) == ({"a"}, "length", 7)


def test_a_wrong_grammar_is_a_usage_error_before_anything_is_written(backend: LlamaCpp) -> None:
    with pytest.raises(UsageError, match="line 2, column 7"):
        backend.complete(asked("go", grammar='root ::= a\na ::= b "x"'), Control())


def test_what_a_model_of_ours_writes_before_each_answer_is_let_through_and_left_out(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf", metadata={"synapse.answer_prefix": " "}))

    answers = {
        model.complete(asked("go", grammar='root ::= "yes" | "no"', p_seed=seed, **HOT), Control()).text
        for seed in range(20)
    }

    assert answers == {"yes", "no"}


def test_a_schema_is_written_on_vocabularies_with_spaces_in_their_words(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf", pieces=True))
    schema = json.dumps({"type": "object", "properties": {"spam": {"enum": ["yes", 2]}}, "required": ["spam"],
                         "additionalProperties": False})  # fmt: skip

    answer = model.complete(asked("go", schema=schema, p_max_tokens=60), Control())

    assert json.loads(answer.text)["spam"] in ("yes", 2)


@pytest.mark.parametrize("count", [3, 1500])
def test_a_set_of_any_size_is_answered_from(backend: LlamaCpp, count: int) -> None:
    labels = tuple(f"label {number}" for number in range(count))

    answer = backend.complete(asked("which?", choices=labels), Control())
    by_schema = backend.complete(asked("which?", schema=json.dumps({"enum": [*labels, "bugs"]})), Control())

    assert answer.text in labels
    assert json.loads(by_schema.text) in {*labels, "bugs"}


@pytest.mark.parametrize("bond", ["choices", "schema"])
def test_a_set_of_megabytes_is_refused(backend: LlamaCpp, bond: str) -> None:
    labels = [f"{number}" * 500 for number in range(2000)]
    request = (
        asked("?", choices=tuple(labels)) if bond == "choices" else asked("?", schema=json.dumps({"enum": labels}))
    )

    with pytest.raises(UsageError, match=r"too (many|large)"):
        backend.complete(request, Control())


@pytest.mark.parametrize("grammar", [JSON, SUMS, 'root ::= [^"]{0,40} "." | "日" .*', 'root ::= ("a"* "the"?)* "b"'])
@pytest.mark.parametrize("pieces", [False, True], ids=["bytes", "pieces"])
def test_all_tokens_at_once_are_judged_as_each_alone(tmp_path: Path, grammar: str, pieces: bool) -> None:
    vocabulary = open_vocabulary(str(write(tmp_path / "m.gguf", pieces=pieces)))
    bound, chance = Bound(grammar, vocabulary), random.Random(2)
    every = np.arange(vocabulary.size, dtype=np.int32)
    for _ in range(25):
        at_once = bound.allowed(every)

        assert at_once.tolist() == [bool(bound.allowed(every[token : token + 1])[0]) for token in every]
        going_on = [token for token in every[at_once].tolist() if not vocabulary.is_end(token)]
        if not going_on:
            break
        bound.accept(chance.choice(going_on))


def test_a_grammar_that_takes_too_long_to_follow_ends_the_answer_and_not_the_day() -> None:
    nano = LlamaCpp(Model(name="nano", backend="llama.cpp", source="builtin:nano"))
    options = " | ".join(f"r{n}" for n in range(25))
    rules = [f'r{n} ::= [{chr(97 + n)}-z ]+ r{(n + 1) % 25} "x" | [a-z ]{{{n + 1}}}' for n in range(25)]
    grammar = "\n".join([f'root ::= ({options})+ "."', *rules])

    with pytest.raises(UsageError, match="too many ways"):
        nano.complete(asked("go", grammar=grammar, **HOT), Control())

    assert nano.complete(asked("go", grammar='root ::= "yes"'), Control()).text == "yes"
    assert matcher(grammar, " ").effort <= 800_000 + 60 * 3_000 + 20_000
