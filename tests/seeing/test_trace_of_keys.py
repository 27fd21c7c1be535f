"""An attempt that took several calls, because a key was rejected, shows each of them and by which key."""

from __future__ import annotations

from tests.e2e.machine import Machine
from tests.hosted.site import open_site
from tests.servers.base import Reply, Seen

KEYS = """schema = 1
[models.m]
backend = "litellm"
model = "openai/gpt-4o-mini"
base_url = "{url}/v1"
keys = ["env:BAD", "env:GOOD"]
spread = "ordered"
[routes.default]
use = "m"
"""


def _only_good(seen: Seen) -> Reply:
    return Reply(text="hello") if seen.key == "sk-good" else Reply(status=401, message="bad key {key}")


def test_both_calls_are_told_with_the_key_they_used_and_neither_key_is(machine: Machine) -> None:
    with open_site("openai") as site:
        site.server.will(Reply())
        site.server.choose = _only_good
        machine.use(KEYS.format(url=site.server.url))
        machine.env |= {"BAD": "sk-bad", "GOOD": "sk-good"}
        done = machine.synapse("run", "hello")

    told = machine.synapse("trace", "--json")
    (attempt,) = [child for child in told.json["root"]["children"] if child["kind"] == "attempt"]
    calls = [child for child in attempt["children"] if child["kind"] == "call"]

    assert done.code == 0, done.err
    assert attempt["outcome"] == "accepted"
    assert [(call["outcome"], call["reason"]) for call in calls] == [("failed", "auth"), ("answered", None)]
    assert ["env:BAD" in calls[0]["where"], "env:GOOD" in calls[1]["where"]] == [True, True]
    assert calls[1]["where"].startswith("openai at http://127.0.0.1:"), "the provider is named once"
    assert b"sk-" not in told.out


def test_of_several_keys_that_are_rejected_alike_the_reason_is_said_once(machine: Machine) -> None:
    with open_site("openai") as site:
        site.server.will(Reply(status=401, message="bad key"))
        machine.use(KEYS.format(url=site.server.url))
        machine.env |= {"BAD": "sk-bad", "GOOD": "sk-worse"}
        done = machine.synapse("run", "hello")

    error = next(line for line in done.err.splitlines() if "error:" in line)
    assert done.code == 77
    assert "no key of m is of use: env:BAD, env:GOOD: " in error
    assert error.count("bad key") == 1
