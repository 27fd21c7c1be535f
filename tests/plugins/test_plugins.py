"""A plugin is a package with an entry point: used from a profile, checked with it, and never trusted blindly."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.machine import Machine
from tests.plugins.conftest import PARROT, PluggedMachine

PROFILE = """schema = 1
[models.bird]
backend = "parrot"
phrase = "hello"
times = 3
[models.echo]
backend = "scripted"
replies = [{ match = "", text = "well, please" }]
[cascades.polite]
tiers = ["bird", "echo"]
accept = [{ kind = "polite", words = ["please", "thanks"] }]
[routes.default]
use = "bird"
[routes.polite]
use = "polite"
"""
ONE = """schema = 1
[models.m]
backend = "{backend}"
[models.echo]
backend = "scripted"
replies = [{{ match = "", text = "an answer" }}]
[cascades.c]
tiers = ["m", "echo"]
[routes.default]
use = "{use}"
"""
JUDGED = """schema = 1
[models.echo]
backend = "scripted"
replies = [{{ match = "", text = "an answer" }}]
[cascades.c]
tiers = ["echo"]
accept = [{{ kind = "{kind}" }}]
[routes.default]
use = "c"
"""


def test_a_backend_and_a_check_of_a_plugin_work_like_built_in_ones(machine: PluggedMachine) -> None:
    machine.use(PROFILE)

    time.sleep(2.1)  # files as young as the plugin's are not trusted by a memo: they could change within one tick
    plain = machine.synapse("run", "hi")
    again = machine.synapse("run", "hi")
    climbed = machine.synapse("run", "--json", "-r", "polite", "hi")

    assert (plain.code, plain.out, plain.err) == (0, b"Polly says hello hello hello\n", "")
    assert again.out == plain.out
    assert climbed.json["answer"] == "well, please"
    assert climbed.json["escalations"] == [{"from": "bird", "to": "echo", "reason": "polite: none of please, thanks"}]
    assert [(a["tier"], a["cached"]) for a in climbed.json["attempts"]] == [("bird", True), ("echo", False)]
    assert machine.runs == [(0, "default"), (0, "memo"), (0, "flag")]


def test_every_command_knows_the_plugin(machine: PluggedMachine) -> None:
    machine.use(PROFILE)

    checked = machine.synapse("profile", "check")
    listed = machine.synapse("models", "list", "--json")
    told = machine.synapse("explain", "--json", "-r", "polite", "hi")

    assert checked.code == 0, checked.err
    assert [(row["name"], row["backend"], row["problem"]) for row in listed.json] == [
        ("bird", "parrot", None),
        ("echo", "scripted", None),
    ]
    assert [(tier["tier"], tier["checks"]) for tier in told.json["tiers"]] == [
        ("bird", ["polite"]),
        ("echo", ["polite"]),
    ]


def test_mistakes_in_a_plugins_own_keys_are_reported_with_all_others(machine: PluggedMachine) -> None:
    path = machine.use(
        'schema = 1\n[models.bird]\nbackend = "parrot"\nphrase = 7\ntimes = 0\nfeathers = "green"\n'
        '[cascades.c]\ntiers = ["bird", "brid"]\n'
        'accept = [{ kind = "polite", wrods = ["please"] }, { kind = "polit" }]\n'
        '[routes.default]\nuse = "c"\n'
    )

    done = machine.synapse("profile", "check")
    run = machine.synapse("run", "hi")

    for where, said in (
        ("models.bird.phrase", "expected text"),
        ("models.bird.times", "at least 1"),
        ("models.bird.feathers", "an unknown key"),
        ("cascades.c.tiers[1]", "did you mean 'bird'?"),
        ("cascades.c.accept[0].words", "found nothing"),
        ("cascades.c.accept[0].wrods", "did you mean 'words'?"),
        ("cascades.c.accept[1].kind", "did you mean 'polite'?"),
    ):
        (line,) = [line for line in run.lines if f"{path}: {where}: " in line]
        assert said in line
        assert where in done.err + done.out.decode()
    assert (done.code, run.code) == (78, 78)
    assert len([line for line in run.lines if ": error: " in line]) == 7


def test_a_check_of_a_plugin_may_ask_models_and_what_that_takes_counts(machine: PluggedMachine) -> None:
    rule = 'accept = [{ kind = "seconded", model = "echo" }]'
    reply = '{ match = "", text = "well, please", tokens = { input = 9, output = 4 } }'
    priced = f"replies = [{reply}]\nprice = {{ input = 1, output = 1 }}"
    profile = re.sub(r"accept = .*", rule, PROFILE).replace('replies = [{ match = "", text = "well, please" }]', priced)
    machine.use(profile)

    told = machine.synapse("explain", "--json", "-r", "polite", "hi").json
    run = machine.synapse("run", "--json", "-r", "polite", "hi").json

    assert told["tiers"][0]["asks"] == [{"check": "seconded", "model": "echo", "kind": "judge", "calls": 1}]
    assert run["attempts"][0]["reason"] == "seconded: echo says 'well, please'"
    assert run["attempts"][0]["cost_usd"] == "0.000013"


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("sunk", "cannot be imported: RuntimeError: this plugin needs a library that is not there"),
        ("nothing", "cannot be imported: AttributeError"),
        ("nowhere", "cannot be imported: ModuleNotFoundError"),
        ("function", "is no class"),
        ("lame", "lacks count"),
        ("dazed", "ZeroDivisionError: while reading options"),
        ("parot", "did you mean 'parrot'?"),
    ],
)
def test_a_broken_plugin_is_one_line_of_the_profile(machine: PluggedMachine, backend: str, said: str) -> None:
    path = machine.use(ONE.format(backend=backend, use="m"))

    done = machine.synapse("run", "hi")
    checked = machine.synapse("profile", "check")

    assert (done.code, done.out) == (78, b"")
    (line,) = [line for line in done.lines if ": error: " in line]
    assert f"{path}: models.m.backend: " in line
    assert said in line
    assert "Traceback" not in done.err
    assert checked.code == 78


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sunk", "cannot be imported: RuntimeError: this plugin needs a library that is not there"),
        ("dazed", "ZeroDivisionError: while reading options"),
        ("polit", "did you mean 'polite'?"),
    ],
)
def test_a_broken_check_is_one_line_of_the_profile(machine: PluggedMachine, kind: str, said: str) -> None:
    path = machine.use(JUDGED.format(kind=kind))

    done = machine.synapse("run", "hi")

    assert (done.code, done.out) == (78, b"")
    (line,) = [line for line in done.lines if ": error: " in line]
    assert f"{path}: cascades.c.accept[0]" in line
    assert said in line


def test_a_broken_plugin_that_no_profile_names_is_nobodys_business(machine: PluggedMachine) -> None:
    machine.use(PROFILE)

    assert machine.synapse("run", "hi").err == ""
    assert machine.synapse("--help").code == 0


def test_a_backend_that_fails_in_its_own_way_is_one_failed_tier(machine: PluggedMachine) -> None:
    machine.use(ONE.format(backend="leaky", use="c"))

    climbed = machine.synapse("run", "--json", "hi")
    alone = machine.synapse("run", "--tier", "m", "hi")

    assert climbed.code == 0, climbed.err
    assert climbed.json["answer"] == "an answer"
    assert climbed.json["attempts"][0]["outcome"] == "failed"
    assert "ZeroDivisionError: deep inside of the plugin" in climbed.json["attempts"][0]["reason"]
    assert alone.code == 69
    assert "Traceback" not in alone.err
    assert "please report it" not in alone.err
    assert len(machine.runs) == 2


def test_a_check_that_fails_in_its_own_way_does_not_pass(machine: PluggedMachine) -> None:
    machine.use(JUDGED.format(kind="leaky"))

    done = machine.synapse("run", "hi")

    assert (done.code, done.out) == (65, b"an answer\n")
    assert "ZeroDivisionError: while judging" in done.err
    assert len(machine.runs) == 1


def test_a_plugin_that_is_gone_is_missed_by_the_profile_that_was_compiled_with_it(machine: PluggedMachine) -> None:
    machine.use(PROFILE)
    machine.synapse("run", "hi")

    for command in (["run", "hello"], ["run", "-r", "polite", "hello"], ["models", "list"]):
        done = Machine.synapse(machine, *command)  # an environment without plugins, and the same home
        assert (done.code, done.out) == (78, b"") or command[0] == "models"
        assert re.search("there is no (backend named 'parrot'|check named 'polite')", done.err + done.out.decode())
        assert "Traceback" not in done.err


def test_a_strangers_profile_imports_no_plugin_before_trust(machine: PluggedMachine) -> None:
    machine.write("synapse.toml", PROFILE)

    for command in (["run", "hi"], ["profile", "check"], ["models", "list"], ["explain", "hi"], ["key", "hi"]):
        done = machine.synapse(*command)
        assert done.code == 78, command
        assert "synapse trust" in done.err
    refused = machine.synapse("run", "hi")
    shown = machine.synapse("trust")
    before = machine.imported.exists()
    machine.synapse("trust", "--yes")
    after = machine.synapse("run", "hi")

    assert "models.bird.backend: found a line that loads the plugin 'parrot'" in refused.err
    assert "cascades.polite.accept[0]: found a line that loads the plugin 'polite'" in refused.err
    assert "loads the plugin 'parrot'" in shown.err
    assert not before
    assert machine.imported.exists()
    assert (after.code, after.out) == (0, b"Polly says hello hello hello\n")


def test_a_newer_version_of_a_plugin_is_asked_anew(machine: PluggedMachine) -> None:
    machine.use(PROFILE)
    machine.synapse("run", "hi")
    kept = machine.synapse("run", "hi")

    machine.environment.install(PARROT, "1.1.0", {"Polly says": "Polly cries"})
    newer = machine.synapse("run", "hi")
    machine.environment.install(PARROT, "1.0.0")

    assert kept.out == b"Polly says hello hello hello\n"
    assert newer.out == b"Polly cries hello hello hello\n"
