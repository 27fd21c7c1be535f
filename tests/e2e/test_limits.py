"""Models that are known to be too slow, too bad or too small for a prompt are passed over, and it is said."""

from __future__ import annotations

import time

import pytest

from synapse_cli.ledger.feedback import Feedback, give
from tests.e2e.machine import Machine
from tests.e2e.policed import PROFILE, under
from tests.flows.policies import EASY, FIXED

MODEL = """[models.{name}]
backend = "scripted"
price = {{ input = 1, output = 1 }}
context = {context}
replies = [{{ match = "", text = "from {name}", latency_s = {latency_s} }}]
"""


def two(machine: Machine, *, slow_s: float = 0.0, context: int = 1000, route: str = "") -> Machine:
    """A cascade of `first` and `second`; what `first` answers passes."""
    models = MODEL.format(name="first", context=context, latency_s=slow_s)
    models += MODEL.format(name="second", context=100_000, latency_s=0.0)
    cascade = '[cascades.both]\ntiers = ["first", "second"]\n'
    machine.use(f'schema = 1\n{models}{cascade}[routes.default]\nuse = "both"\n{route}\n')
    return machine


@pytest.fixture(scope="module")
def experienced(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine where `first` has answered ten times, each time slowly, and nobody liked what it said."""
    machine = two(Machine(tmp_path_factory.mktemp("experienced")), slow_s=0.3)
    machine.shell("for n in $(seq 10); do synapse run --tier first $n; done")
    ledger = str(machine.state / "ledger.sqlite3")
    for (run,) in machine.ledger("SELECT id FROM runs"):
        give(ledger, run, Feedback(good=False), now=time.time())
    return machine


def test_a_model_that_is_known_to_be_slow_is_passed_over(experienced: Machine) -> None:
    two(experienced, slow_s=0.3)

    told = experienced.synapse("run", "--json", "--max-latency", "0.1s", "hello").json

    assert told["tier"] == "second"
    assert (told["attempts"][0]["tier"], told["attempts"][0]["outcome"]) == ("first", "skipped")
    assert "over the limit of 0.1 s" in told["attempts"][0]["reason"]
    assert experienced.synapse("run", "--json", "--max-latency", "10s", "hello").json["tier"] == "first"


def test_a_route_limits_latency_and_a_flag_goes_before_it(experienced: Machine) -> None:
    two(experienced, slow_s=0.3, route='max_latency = "0.1s"')

    assert experienced.synapse("run", "hello").out == b"from second\n"
    assert experienced.synapse("run", "--max-latency", "10s", "hello").out == b"from first\n"


def test_nothing_left_within_the_limit_is_a_refusal_that_says_so(experienced: Machine) -> None:
    two(experienced, slow_s=0.3)

    done = experienced.synapse("run", "--tier", "first", "--max-latency", "0.1s", "hello")

    assert done.code == 77
    assert "one call in ten takes" in done.err
    assert "raise --max-latency" in done.err


def test_a_model_that_people_call_bad_is_passed_over_where_quality_is_asked_for(experienced: Machine) -> None:
    two(experienced)

    told = experienced.synapse("run", "--json", "--min-quality", "0.9", "hello").json

    assert told["tier"] == "second"
    assert "0.00 good in the mean" in told["attempts"][0]["reason"]
    assert experienced.synapse("run", "hello").out == b"from first\n"


def test_a_model_of_unknown_latency_is_allowed_and_explain_says_that_it_is_unknown(machine: Machine) -> None:
    two(machine)

    assert machine.synapse("run", "--max-latency", "0.001s", "hello").out == b"from first\n"
    told = machine.synapse("explain", "--json", "--max-latency", "0.001s", "--min-quality", "0.9", "hello").json
    assert told["tiers"][0]["note"] == (
        "unknown: latency (fewer than 10 calls recorded) and quality (fewer than 10 verdicts recorded)"
    )


def test_quality_is_what_the_policy_measured_where_there_is_one(machine: Machine) -> None:
    under(machine, FIXED)

    better = machine.synapse("run", "--json", "--min-quality", "80%", EASY).json
    none = machine.synapse("run", "--json", "--min-quality", "0.99", EASY).json

    assert (better["tier"], better["policy"]["certified"]) == ("middle", False)
    assert "less than 0.8" in better["route_why"]
    assert (none["exit_code"], none["answer"]) == (77, None)
    assert "lower --min-quality" in none["error"]["hint"]


def test_a_prompt_that_the_window_cannot_hold_goes_to_the_next_model_unsent(machine: Machine) -> None:
    two(machine)

    told = machine.synapse("run", "--json", stdin="word " * 4000).json

    assert told["tier"] == "second"
    assert told["attempts"][0]["outcome"] == "skipped"
    assert "window of 1000 tokens" in told["attempts"][0]["reason"]


def test_an_answer_that_the_window_cannot_hold_counts_too(machine: Machine) -> None:
    two(machine)

    told = machine.synapse("run", "--json", "--param", "max_tokens=2000", "hello").json

    assert told["tier"] == "second"


def test_a_prompt_that_fits_is_asked_though_its_bytes_are_more_than_the_tokens_of_the_window(machine: Machine) -> None:
    two(machine)

    assert machine.synapse("run", "--json", stdin="word " * 500).json["tier"] == "first"


@pytest.mark.parametrize("wrong", ["-1", "1.5", "good"])
def test_a_quality_that_is_none_is_a_usage_error(machine: Machine, wrong: str) -> None:
    machine.use(PROFILE.replace('policy = "POLICY"\n', ""))

    done = machine.synapse("run", "--min-quality=" + wrong, "hello")

    assert done.code == 2
    assert "--min-quality" in done.err
