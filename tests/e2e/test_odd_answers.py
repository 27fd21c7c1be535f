"""A provider may send text that is no text: half a surrogate pair, NUL, escapes. It is printed, kept and recorded."""

from __future__ import annotations

from types import SimpleNamespace

from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, Seen, serving

HOSTED = """schema = 1
[models.mini]
backend = "litellm"
model = "openai/gpt-5-mini"
base_url = "{url}/v1"
[routes.default]
use = "mini"
"""
ODD = "half a pair HALF, a NUL \x00 and an escape \x1b[31m"
PRINTED = b"half a pair ?, a NUL \x00 and an escape \x1b[31m\n"


def _events(reply: Reply, seen: Seen) -> list[bytes]:
    return [event.replace(b"HALF", rb"\ud83d") for event in openai.events(reply, seen)]


def test_half_a_surrogate_pair_is_an_answer_like_any_other(machine: Machine) -> None:
    dialect = SimpleNamespace(**{**vars(openai), "events": _events})
    with serving(dialect, Reply(text=ODD, pieces=1)) as server:
        machine.use(HOSTED.format(url=server.url))

        streamed = machine.synapse("run", "--stream", "hello")
        cached = machine.synapse("run", "hello")
        memo = machine.synapse("run", "hello")
        to_file = machine.synapse("run", "-o", "out.txt", "hello")
        as_json = machine.synapse("run", "--json", "hello")

    for done in (streamed, cached, memo):
        assert (done.code, done.out, done.err) == (0, PRINTED, "")
    assert (to_file.code, (machine.work / "out.txt").read_bytes()) == (0, PRINTED)
    assert as_json.code == 0
    assert as_json.json["answer"].endswith("escape \x1b[31m")
    assert len(server.seen) == 1
    assert [code for code, _ in machine.runs] == [0] * 5
