"""Conditions and analysis through the commands: what is asked, how often, and what of it is told and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine

PROFILE = """schema = 1
[models.mini]
backend = "scripted"
replies = [{ match = "", text = "done" }]
[models.analyst]
backend = "scripted"
record = "~/calls.jsonl"
price = { input = 1.0, output = 1.0 }
replies = [{ match = "tort", text = '{"task": "question-answering", "domain": "law"}' }, { match = "", text = "?" }]
[routing]
analyst = "analyst"
[routes.german]
when = { language = ["de"] }
use = "mini"
[routes.law]
when = { domain = ["law"], complexity = ["simple"] }
use = "mini"
[routes.default]
use = "mini"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.use(PROFILE)
    return made


def test_the_analyst_is_asked_once_is_paid_for_and_recorded_as_routing(machine: Machine) -> None:
    done = machine.synapse("run", "--json", "What is a tort?").json
    again = machine.synapse("run", "--json", "--refresh", "What is a tort?").json

    assert (done["route"], done["route_why"]) == (
        "law",
        "matched: it is simple (0.0: short and plain); analyst says domain law (1.00)",
    )
    assert float(done["cost_usd"]) > 0
    assert again["route"] == "law"
    assert [kind for (kind,) in machine.ledger("SELECT kind FROM calls WHERE model = 'analyst'")][:1] == ["route"]


def test_nobody_is_asked_where_reading_decides(machine: Machine) -> None:
    done = machine.synapse("run", "--json", "Wie wird das Wetter morgen?").json

    assert (done["route"], done["cost_usd"], machine.calls) == ("german", "0", [])


def test_an_analyst_that_names_nothing_is_said_and_the_default_taken(machine: Machine) -> None:
    done = machine.synapse("run", "--json", "Which wine goes with fish?").json

    assert (done["route"], done["exit_code"]) == ("default", 0)
    assert float(done["cost_usd"]) > 0, "what was asked in vain is paid for too"
    assert any("analyst could not say what it is about" in warning for warning in done["warnings"])


def test_explain_tells_the_whole_analysis(machine: Machine) -> None:
    told = machine.synapse("explain", "--analysis", "--json", "What is a tort? Ask Anna Smith in one sentence.").json

    analysis = told["analysis"]
    assert analysis["task"] == {"name": "question-answering", "confidence": 1.0, "by": "analyst"}
    assert analysis["domain"]["name"] == "law"
    assert analysis["language"]["code"] == "en"
    assert analysis["form"]["name"] == "one sentence"
    assert analysis["entities"] == [{"kind": "name", "text": "Anna Smith"}]
    assert (analysis["complexity"]["level"], analysis["tools"]) == ("simple", [])
    assert len(machine.calls) == 1, "the rules and the analysis ask together"


def test_without_the_flag_explain_tells_none(machine: Machine) -> None:
    assert "analysis" not in machine.synapse("explain", "--json", "Wie geht es dir?").json


def test_the_page_for_people_has_a_line_for_each_thing(machine: Machine) -> None:
    said = machine.synapse("explain", "--analysis", "What is a tort?").out.decode()

    heads = ["task", "domain", "language", "complexity", "form", "names", "needs"]
    assert [line.split()[0] for line in said.splitlines() if line.split()[:1] and line.split()[0] in heads] == heads
