"""`synapse distill`, and what `synapse run` makes of the student."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synapse_cli.core.outcome import Answered, Outcome
from synapse_cli.ledger import schema
from synapse_cli.ledger.book import Book
from synapse_cli.ledger.feedback import Feedback, give
from synapse_cli.profile.settings import LedgerSettings
from tests.distill.made import ENOUGH, PROFILE, tickets, write
from tests.e2e.machine import Machine
from tests.ledger.stories import START, completion, run

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine whose student has learned."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    made.write("p.toml", PROFILE)
    write(made.work / "rows.jsonl", tickets(ENOUGH))
    done = made.synapse(*_DISTILL, "--labels", "rows.jsonl", "-o", "tickets.student", "--json")
    assert done.code == 0, done.err
    made.write("told.json", done.out)
    return made


_DISTILL = ("distill", "tickets", "--profile", "p.toml", "--lexical")
_RUN = ("run", "--profile", "p.toml", "-r", "tickets", "--json")


def test_a_cascade_answers_from_the_student_without_a_call_of_the_dear_tier(machine: Machine) -> None:
    before = len(machine.calls)

    sure = machine.synapse(*_RUN, "help with the invoice today").json
    again = machine.synapse(*_RUN, "help with the invoice today").json

    assert (sure["answer"], sure["tier"], sure["cost_usd"]) == ("billing", "fast", "0")
    assert float(sure["saved_usd"]) > 0
    assert 0.9 < sure["confidence"] < 1
    assert again["answer"] == "billing"
    assert len(machine.calls) == before


def test_what_it_does_not_know_goes_to_the_next_tier_and_is_said(machine: Machine) -> None:
    before = len(machine.calls)

    done = machine.synapse(*_RUN, "qui était le premier roi de France").json

    assert (done["answer"], done["tier"]) == ("bug", "dear")
    assert [(each["tier"], each["outcome"]) for each in done["attempts"]] == [("fast", "skipped"), ("dear", "accepted")]
    assert "unlike those that it learned from" in done["escalations"][0]["reason"]
    assert len(machine.calls) == before + 1


def test_explain_shows_the_student_as_the_first_tier(machine: Machine) -> None:
    told = machine.synapse("explain", "--profile", "p.toml", "-r", "tickets", "--json", "the parcel again").json

    first = told["tiers"][0]
    assert (first["tier"], first["is_local"], first["cost_usd_at_most"]) == ("fast", True, "0")


def test_a_student_that_changes_is_never_answered_for_from_memory(machine: Machine) -> None:
    whole = (machine.work / "tickets.student").read_bytes()
    asked = (*_RUN, "the courier urgently")
    assert machine.synapse(*asked).json["answer"] == "shipping"
    try:
        (machine.work / "tickets.student").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        done = machine.synapse(*asked)
    finally:
        (machine.work / "tickets.student").write_bytes(whole)

    assert done.code == 78
    assert "models.fast.source" in done.err
    assert "its bytes are not those that were written" in done.err
    assert "synapse distill" in done.err


def test_what_is_told_of_a_student_adds_up(machine: Machine) -> None:
    told = json.loads((machine.work / "told.json").read_text())

    assert told["certified"] is True
    assert told["promise"]["bound"] >= 0.98
    assert told["promise"]["answered"] <= told["texts"] == ENOUGH
    assert sum(value["texts"] for value in told["values"]) == ENOUGH
    assert sum(value["disagreed"] for value in told["values"]) == told["promise"]["disagreed"]


def test_distilling_again_makes_the_same_file_and_prints_a_table(machine: Machine) -> None:
    done = machine.synapse(*_DISTILL, "--labels", "rows.jsonl", "-o", "again.student")

    assert (machine.work / "again.student").read_bytes() == (machine.work / "tickets.student").read_bytes()
    said = done.out.decode()
    assert "of what it answers, at least 98 % is what its teachers would say (95 % confidence)" in said
    assert sorted(line.split("\t")[0] for line in said.splitlines() if "\t" in line) == ["billing", "bug", "shipping"]


def test_the_lines_that_are_printed_make_a_profile_that_uses_it(machine: Machine) -> None:
    lines = "\n".join(json.loads((machine.work / "told.json").read_text())["profile_lines"])
    machine.write("with.toml", f'extends = ["p.toml"]\nschema = 1\n{lines}\n')

    used = machine.synapse("run", "--profile", "with.toml", "-r", "tickets", "--json", "a question on the parcel today")

    assert used.json["tier"] == "tickets-student"


def test_nothing_certified_writes_nothing_and_says_how_many_labels_are_missing(machine: Machine) -> None:
    write(machine.work / "few.jsonl", tickets(50))

    done = machine.synapse(*_DISTILL, "--labels", "few.jsonl", "-o", "few.student", "--json")

    assert (done.code, done.json["promise"], done.json["file"]) == (100, None, None)
    assert done.json["needed_texts"] > 50
    assert "nothing is certified" in done.err
    assert "more texts such as these" in done.err
    assert not (machine.work / "few.student").exists()


def test_what_people_said_of_answers_decides_what_is_learned_from_the_ledger(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.write("p.toml", PROFILE)
    machine.state.mkdir(parents=True)
    rows = tickets(ENOUGH)
    book = Book(machine.state, LedgerSettings(), warn=pytest.fail)
    for number, (text, label) in enumerate(rows):
        book.record(run(number, prompt=f"Which is it?\n\n{text}", answer=label))
    own = Answered("fast", "fast", completion("bug"), ())
    book.record(run(900, prompt="Which is it?\n\nthe crash", outcome=Outcome(attempts=(own,), best=own)))
    book.close()
    path = str(machine.state / schema.FILE)
    give(path, run(0).run_id, Feedback(good=False), START + 5000)
    give(path, run(1).run_id, Feedback(good=False, better="shipping"), START + 5000)

    told = machine.synapse(*_DISTILL, "--json", "-o", "t.student").json

    assert told["excluded"] == {"called bad": 1, "of the student itself": 1}
    assert told["texts"] == ENOUGH - 1
    assert told["teachers"] == {"small": ENOUGH - 1}
    assert told["scope"]["head"] == "Which is it?\n\n"
    machine.write("tickets.student", (machine.work / "t.student").read_bytes())
    asked = ("run", "--profile", "p.toml", "-r", "tickets", "--json", "Which is it?")
    assert machine.synapse(*asked, stdin="my parcel today").json["tier"] == "fast"
    assert machine.synapse(*asked[:-1], "Is it rude?", stdin="my parcel today").json["tier"] == "dear"


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (("--from", "no.sqlite3"), 66, "there is no ledger no.sqlite3"),
        (("--from", "p.toml", "--labels", "rows.jsonl"), 2, "contradict each other"),
        (("--agreement", "100%"), 2, "--agreement takes a share from 50% to below 100%"),
        (("--labels", "no.jsonl"), 66, "no.jsonl cannot be read"),
        (("--labels", "rows.jsonl", "--choices", "a"), 2, "--choices needs two labels"),
        ((), 2, "the ledger holds no answer of route 'tickets' to learn from"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(machine: Machine, flags: tuple[str, ...], code: int, said: str) -> None:
    done = machine.synapse(*_DISTILL, *flags, env={"SYNAPSE_STATE_DIR": str(machine.root / "elsewhere")})

    assert (done.code, said in done.lines[0]) == (code, True), done.err


def test_a_route_that_is_not_there_is_named_with_those_that_are(machine: Machine) -> None:
    done = machine.synapse("distill", "tiket", "--profile", "p.toml", "--labels", "rows.jsonl")

    assert done.code == 2
    assert "there is no route named 'tiket'" in done.err
    assert "tickets, default" in done.err
