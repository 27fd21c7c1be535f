"""What was asked and answered is told to nobody who was not meant to hear it, and a key to nobody at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.prompt import Message, Request
from synapse_cli.telemetry import content
from tests.e2e.machine import Machine
from tests.servers import openai
from tests.servers.base import Reply, serving
from tests.telemetry.collector import attributes
from tests.telemetry.profiles import PROMPT, to
from tests.telemetry.test_file import read

SECRETS = ("secret-prompt", "secret-answer", "a good answer", "poor")


def _told(machine: Machine, *arguments: str, **more: object) -> Path:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path), **more))  # type: ignore[arg-type]
    machine.synapse("run", *arguments)
    return path


def test_nothing_of_what_was_said_is_told_unasked(machine: Machine) -> None:
    text = _told(machine, "-s", "secret-system", PROMPT).read_text()

    assert [secret for secret in (*SECRETS, "secret-system") if secret in text] == []


def test_an_error_s_text_is_told_only_where_content_is(machine: Machine) -> None:
    path = machine.work / "runs.jsonl"
    with serving(openai, Reply(status=400, message="cannot answer secret-prompt")) as server:
        for content_too in (False, True):
            machine.use(
                f"schema = 1\n[models.far]\nbackend = 'litellm'\nmodel = 'openai/gpt-4o-mini'\n"
                f"base_url = '{server.url}/v1'\n[routes.default]\nuse = 'far'\n"
                f"[telemetry]\nfile = '{path}'\ncontent = {str(content_too).lower()}\n"
            )
            machine.synapse("run", PROMPT, env={"OPENAI_API_KEY": "sk-0123456789abcdef"})

    quiet, loud = (line for line in path.read_text().splitlines() if "resourceSpans" in line)
    assert "secret-prompt" not in quiet
    assert "secret-prompt" in loud
    assert "bad_request" in quiet
    assert "sk-0123456789abcdef" not in quiet + loud


def test_with_content_the_messages_have_the_conventions_form(machine: Machine) -> None:
    path = _told(machine, "-s", "be brief", PROMPT, content=True)

    spans = {span.name: attributes(span) for span in read(path).spans}
    call = spans["chat big"]
    assert json.loads(call["gen_ai.system_instructions"]) == [{"type": "text", "content": "be brief"}]
    assert json.loads(call["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": PROMPT}]}
    ]
    assert json.loads(call["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "a good answer"}], "finish_reason": "stop"}
    ]
    assert "good" in spans["synapse.attempt small"]["synapse.reason"]
    assert "synapse.reason" not in spans["synapse.attempt big"]


@pytest.mark.parametrize(("said", "is_told"), [("true", True), ("SPAN_ONLY", True), ("NO_CONTENT", False)])
def test_the_usual_variable_asks_for_content_and_against_it(machine: Machine, said: str, is_told: bool) -> None:
    path = machine.work / "runs.jsonl"
    machine.use(to(file=str(path), content=not is_told))

    machine.synapse("run", PROMPT, env={"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": said})

    assert ("secret-prompt" in path.read_text()) == is_told


def test_a_key_in_a_prompt_is_hidden(machine: Machine) -> None:
    path = _told(machine, f"{PROMPT} with sk-proj-abcdefghijklmnop0123456789", content=True)

    assert "abcdefghijklmnop" not in path.read_text()
    assert "[hidden]" in path.read_text()


def test_a_long_text_is_cut_and_no_key_is_cut_in_half() -> None:
    key = "sk-proj-" + "k" * 40
    text = "a" * (content.MOST - 10) + " " + key + " and more"

    told = content.clean(text)

    assert len(told) <= content.MOST + 10
    assert "kkkk" not in told
    assert told.endswith("… [cut]")


def test_thinking_and_calls_of_tools_are_parts_of_their_own() -> None:
    call = '{"arguments":{"city":"Paris"},"name":"weather"}'
    said = Completion(
        text="", finish="tool_calls", usage=Usage(1, 1), cost=None, thinking="hm", tool_calls=(call, "no JSON")
    )

    (message,) = json.loads(str(content.of_answer(said)["gen_ai.output.messages"]))

    assert message["finish_reason"] == "tool_call"
    assert message["parts"] == [
        {"type": "reasoning", "content": "hm"},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}},
        {"type": "tool_call", "name": ""},
    ]


def test_a_request_without_a_system_has_no_instructions() -> None:
    told = content.of_request(Request(messages=(Message("user", "hello"),)))

    assert told["gen_ai.system_instructions"] is None
