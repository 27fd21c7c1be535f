"""`--grammar FILE`: a wrong one is told with its place before anything is loaded, a right one binds local tiers."""

from __future__ import annotations

import pytest

from tests.cli.tiers import profile
from tests.e2e.machine import Machine

YES = 'root ::= "The answer is " ("yes" | "no") "."\n'
NANO = 'schema = 1\n[models.nano]\nbackend = "llama.cpp"\nsource = "builtin:nano"\n'
CLIMB = (
    NANO
    + '[models.hosted]\nbackend = "litellm"\nmodel = "openai/gpt-4o-mini"\nkeys = ["env:NO_KEY"]\n'
    + '[cascades.c]\ntiers = ["hosted", "nano"]\n[routes.default]\nuse = "c"\n'
)
NOWHERE = 'schema = 1\n[models.m]\nbackend = "llama.cpp"\nsource = "file:nowhere.gguf"\n[routes.default]\nuse = "m"\n'


def test_an_answer_is_bound_by_the_grammar(machine: Machine) -> None:
    machine.write("g.gbnf", YES)

    done = machine.synapse("run", "-m", "nano", "--grammar", "g.gbnf", "--json", "Is this spam?")

    assert done.code == 0, done.err
    assert done.json["answer"] in {"The answer is yes.", "The answer is no."}
    assert 0 <= done.json["confidence"] <= 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('root ::= "a', "line 1, column 10"),
        ("root ::= a", "line 1, column 10"),
        ('root ::= root "a" | "b"', "line 1, column 10"),
        ('a ::= "x"', "line 1, column 1"),
        ('root ::= "a"{2000000000}', "line 1, column 14"),
        ("", "line 1, column 1"),
        ('root ::= "x"\n\n | "y"', "line 3, column 2"),
    ],
)
def test_2_a_wrong_grammar_before_any_model_is_looked_for(machine: Machine, text: str, place: str) -> None:
    machine.use(NOWHERE)
    machine.write("g.gbnf", text)

    done = machine.synapse("run", "--grammar", "g.gbnf", "hello")

    assert (done.code, done.out) == (2, b"")
    assert "g.gbnf" in done.lines[0]
    assert place in done.lines[0]
    assert len(done.lines) == 2
    assert machine.runs == []


@pytest.mark.parametrize("other", [("--choices", "a,b"), ("--schema", "s.json")])
def test_2_a_grammar_beside_another_bond(machine: Machine, other: tuple[str, str]) -> None:
    machine.write("g.gbnf", YES)
    machine.write("s.json", "{}")

    done = machine.synapse("run", "--grammar", "g.gbnf", *other, "hello")

    assert done.code == 2
    assert "contradict" in done.err


@pytest.mark.parametrize("name", ["-", "nowhere.gbnf", "."])
def test_66_a_grammar_that_is_not_there(machine: Machine, name: str) -> None:
    done = machine.synapse("run", "-m", "nano", "--grammar", name, "hello")

    assert (done.code, done.out) == (66, b"")
    assert "--grammar" in done.err


def test_66_a_grammar_that_is_no_text(machine: Machine) -> None:
    machine.write("g.gbnf", b'root ::= "\xff"')

    assert machine.synapse("run", "-m", "nano", "--grammar", "g.gbnf", "hello").code == 66


def test_a_byte_order_mark_is_no_mistake(machine: Machine) -> None:
    machine.write("g.gbnf", b"\xef\xbb\xbf" + YES.encode())

    assert machine.synapse("run", "-m", "nano", "--grammar", "g.gbnf", "hello").code == 0


def test_a_hosted_tier_takes_none_and_the_cascade_goes_on(machine: Machine) -> None:
    machine.use(CLIMB)
    machine.write("g.gbnf", YES)

    done = machine.synapse("run", "--grammar", "g.gbnf", "--json", "Is this spam?", env={"NO_KEY": "sk-none"})

    assert done.code == 0, done.err
    assert done.json["tier"] == "nano"
    assert "takes no GBNF" in done.json["attempts"][0]["error"]["message"]


def test_an_answer_is_kept_only_as_long_as_its_grammar_stays(machine: Machine) -> None:
    machine.write("g.gbnf", 'root ::= "one"')
    asked = ("run", "-m", "nano", "--grammar", "g.gbnf", "Say a number")

    first, again = machine.synapse(*asked), machine.synapse(*asked)
    machine.write("g.gbnf", 'root ::= "two"')
    changed = machine.synapse(*asked)

    assert [done.out for done in (first, again, changed)] == [b"one\n", b"one\n", b"two\n"]


# --- effort and thoughts ---


def test_2_an_effort_that_is_none(machine: Machine) -> None:
    machine.use(profile("good"))

    done = machine.synapse("run", "--effort", "much", "hello")

    assert (done.code, done.out) == (2, b"")
    assert "none, minimal, low, medium, high" in done.err


def test_effort_is_among_the_parameters_of_the_call(machine: Machine) -> None:
    machine.says("an answer")

    machine.synapse("run", "--effort", "low", "hello")

    assert machine.calls[-1]["params"]["effort"] == "low"


def test_thoughts_are_shown_on_stderr_and_never_on_stdout(machine: Machine) -> None:
    from tests.local.spoken_gguf import speak

    path = speak(machine.work / "thinker.gguf", ["<think>", "It is a sum.", "</think>", "\n\nFour."])
    asked = ("run", "-m", str(path), "--no-cache", "2+2?")

    quiet, aloud = machine.synapse(*asked), machine.synapse(*asked, "--thinking")
    told = machine.synapse(*asked, "--json")

    assert (quiet.out, aloud.out) == (b"Four.\n", b"Four.\n")
    assert "It is a sum." not in quiet.err
    assert aloud.lines[0] == "It is a sum."
    assert (told.json["answer"], told.json["tokens"]["reasoning"]) == ("Four.", 3)


def test_thoughts_that_are_not_shown_by_the_model_are_said_to_be_missing(machine: Machine) -> None:
    machine.says("an answer")

    done = machine.synapse("run", "--thinking", "hello")

    assert done.out == b"an answer\n"
    assert "showed no thinking" in done.err
