"""Thoughts and calls of tools are told from the answer in the formats of the common chat templates, however cut."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.chat_format import chat_format
from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.reply import Reply
from synapse_cli.backends.tool_calls import offered, read_calls

WEATHER = json.dumps(
    {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    }
)
STOP = json.dumps({"type": "function", "function": {"name": "stop"}})
PARIS = '{"arguments":{"city":"Paris"},"name":"get_weather"}'
PARIS_2 = '{"arguments":{"city":"Paris","days":2},"name":"get_weather"}'
HALT = '{"arguments":{},"name":"stop"}'


@dataclass(frozen=True)
class Case:
    """What a model writes under a template, and what that means."""

    name: str
    template: str
    written: str
    text: str = ""
    thought: str = ""
    calls: tuple[str, ...] = ()
    begun: bool = False


HARMONY = "<|channel|> <|message|>"
CASES = [
    Case("qwen", "<think>", "<think>\nHm.\n</think>\n\nFour.", "Four.", "Hm."),
    Case("deepseek r1, begun by its template", "<think>", "Hm.\n</think>\n\nFour.", "Four.", "Hm.", begun=True),
    Case("an empty thought before a real one", "<think>", "<think>\n\n</think>\n<think>Hm</think>Four.", "Four.", "Hm"),
    Case("no thought at all", "<think>", "Four, < five.", "Four, < five."),
    Case("a mark in the middle of an answer", "<think>", "Write <think> so.", "Write <think> so."),
    Case("magistral", "[THINK]", "[THINK]Hm.[/THINK]Four.", "Four.", "Hm."),
    Case("command", "<|START_THINKING|> <|START_RESPONSE|> <|END_RESPONSE|>",
         "<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Four.<|END_RESPONSE|>", "Four.", "Hm."),
    Case("seed", "<seed:think>", "<seed:think>Hm.</seed:think>Four.", "Four.", "Hm."),
    Case("gemma 4", "<|channel>thought", "<|channel>thought\nHm.\n<channel|>Four.", "Four.", "Hm."),
    Case("gemma 4, with empty thoughts", "<|channel>thought <channel|>",
         "<|channel>thought\n<channel|>Four.<|channel>thought\n<channel|><channel|>", "Four."),
    Case("apriel", "Here are my reasoning steps:\n [BEGIN FINAL RESPONSE] [END FINAL RESPONSE]",
         "One.\n[BEGIN FINAL RESPONSE]\nFour.\n[END FINAL RESPONSE]", "Four.\n", "One.", begun=True),
    Case("granite", "<think> <response> </response>", "<think>Hm.</think><response>Four.</response>", "Four.", "Hm."),
    Case("gpt-oss", HARMONY, "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final"
         "<|message|>Four.", "Four.", "Hm."),
    Case("gpt-oss, told to answer at once", HARMONY, "Four.", "Four.", begun=True),
    Case("gpt-oss, without any channel", HARMONY, "Four.", "Four."),
    Case("gpt-oss, with a preamble", HARMONY, "<|channel|>commentary<|message|>I look. <|end|><|start|>assistant"
         "<|channel|>final<|message|>Four.<|return|>", "I look. Four."),
    Case("gpt-oss calls", HARMONY, "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary "
         'to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris"}<|call|>', "", "Hm.", (PARIS,)),
    Case("gpt-oss calls, the other way round", HARMONY, " to=functions.stop<|channel|>commentary json<|message|>{}",
         calls=(HALT,)),
    Case("gpt-oss, a channel within a header", HARMONY, "<|channel|>commentary to=assistant<|channel|>analysis"
         "<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Four.", "Four.", "Hm."),
    Case("hermes", "<tool_call>", 'I look.\n<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n'
         '</tool_call>\n<tool_call>{"name":"stop","arguments":{}}</tool_call>', "I look.", calls=(PARIS, HALT)),
    Case("hermes after a thought", "<think> <tool_call>", "<think>Hm.</think>\n\n<tool_call>"
         '{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>', "", "Hm.", (PARIS,)),
    Case("hermes without its end", "<tool_call>", '<tool_call>{"name": "stop", "arguments": {}}', calls=(HALT,)),
    Case("qwen coder", "<tool_call>", "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
         "<parameter=days>\n2\n</parameter>\n</function>\n</tool_call>", calls=(PARIS_2,)),
    Case("qwen coder without the beginning", "<tool_call> <function=", "I look.\n<function=stop>\n</function>\n"
         "</tool_call>\n<tool_call>\n<function=stop>\n</function>\n</tool_call>", "I look.", calls=(HALT, HALT)),
    Case("seed calls", "<seed:tool_call>", "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Paris\n"
         "</parameter>\n</function></seed:tool_call>",
         calls=('{"arguments":{"city":"Paris\\n"},"name":"get_weather"}',)),
    Case("lfm, thinking of a call", "<think> <|tool_call_start|>", "<think><|tool_call_start|>[stop()]<|tool_call_end|>"
         "?</think>No.", "No.", "<|tool_call_start|>[stop()]<|tool_call_end|>?"),
    Case("deepseek of 2026", "\uff5cDSML\uff5c", "<\uff5cDSML\uff5cfunction_calls>\n"
         '<\uff5cDSML\uff5cinvoke name="get_weather">\n<\uff5cDSML\uff5cparameter name="city" string="true">Paris'
         "</\uff5cDSML\uff5cparameter>\n"
         "</\uff5cDSML\uff5cinvoke>\n</\uff5cDSML\uff5cfunction_calls>", calls=(PARIS,)),
    Case("kimi, in the middle of a thought", "<think> <|tool_calls_section_begin|> <|tool_call_begin|>", "<think>Hm."
         "<|tool_calls_section_begin|><|tool_call_begin|>functions.stop:0<|tool_call_argument_begin|>{}<|tool_call_end|>"
         "<|tool_calls_section_end|>", "", "Hm.", (HALT,)),
    Case("kimi without a section", "<think> <|tool_calls_section_begin|> <|tool_call_begin|>", "<think>Hm."
         "<|tool_call_begin|>functions.stop:0<|tool_call_argument_begin|>{}<|tool_call_begin|>functions.stop:1"
         "<|tool_call_argument_begin|>{}", "", "Hm.", (HALT, HALT)),
    Case("glm", "<tool_call>", "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
         "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>", calls=(PARIS_2,)),
    Case("minimax", "<minimax:tool_call>", '<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">'
         "Paris</parameter>\n</invoke>\n</minimax:tool_call>", calls=(PARIS,)),
    Case("llama", "ipython", '{"name": "get_weather", "parameters": {"city": "Paris"}}', calls=(PARIS,)),
    Case("llama, python tag", "<|python_tag|>", '<|python_tag|>{"name": "stop", "parameters": {}}; '
         '{"name": "get_weather", "parameters": {"city": "Paris"}}', calls=(HALT, PARIS)),
    Case("mistral", "[TOOL_CALLS]", '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "a"}]',
         calls=(PARIS,)),
    Case("mistral of 2025", "[TOOL_CALLS] [ARGS]",
         '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}[TOOL_CALLS]stop[CALL_ID]x9[ARGS]{}', calls=(PARIS, HALT)),
    Case("granite calls", "<|tool_call|>", '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]',
         calls=(PARIS,)),
    Case("phi", "<|tool_call|>", '<|tool_call|>[{"name": "stop", "arguments": {}}]<|/tool_call|>', calls=(HALT,)),
    Case("nemotron", "<TOOLCALL>", '<TOOLCALL>[{"name": "stop", "arguments": {}}]</TOOLCALL>', calls=(HALT,)),
    Case("command calls", "<|START_ACTION|>", '<|START_ACTION|>[\n{"tool_call_id": "0", "tool_name": "get_weather", '
         '"parameters": {"city": "Paris"}}\n]<|END_ACTION|>', calls=(PARIS,)),
    Case("apertus", "<|tools_prefix|>", '<|tools_prefix|>[{"get_weather": {"city": "Paris"}}]<|tools_suffix|>',
         calls=(PARIS,)),
    Case("kimi", "<|tool_calls_section_begin|>", "<|tool_calls_section_begin|><|tool_call_begin|>"
         'functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}'
         "<|tool_call_end|><|tool_calls_section_end|>", calls=(PARIS,)),
    Case("deepseek", "<\uff5ctool\u2581calls\u2581begin\uff5c>",
         "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function"
         '<\uff5ctool\u2581sep\uff5c>get_weather\n```json\n{"city": "Paris"}\n```<\uff5ctool\u2581call\u2581end\uff5c>'
         "<\uff5ctool\u2581calls\u2581end\uff5c>", calls=(PARIS,)),
    Case("deepseek of 2025", "<\uff5ctool\u2581calls\u2581begin\uff5c>",
         "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>get_weather"
         '<\uff5ctool\u2581sep\uff5c>{"city": "Paris"}<\uff5ctool\u2581call\u2581end\uff5c>'
         "<\uff5ctool\u2581calls\u2581end\uff5c>", calls=(PARIS,)),
    Case("lfm", "<|tool_call_start|>",
         '<|tool_call_start|>[get_weather(city="Paris", days=2), stop()]<|tool_call_end|>', calls=(PARIS_2, HALT)),
    Case("gemma 3", "```tool_code", '```tool_code\nprint(get_weather(city="Paris"))\n```', calls=(PARIS,)),
    Case("gemma 4 calls", "<|tool_call>", '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2}<tool_call|>',
         calls=(PARIS_2,)),
    Case("functionary", "<function=", '<function=get_weather>{"city": "Paris"}</function>', calls=(PARIS,)),
    Case("minicpm", "<function name=", '<function name="get_weather"><param name="city">Paris</param></function>',
         calls=(PARIS,)),
    Case("firefunction", "functools[", 'functools[{"name": "stop", "arguments": {}}]', calls=(HALT,)),
]  # fmt: skip
MALFORMED = [
    Case("no json", "", "Look: <tool_call>{name: get_weather}</tool_call> so.", "Look: <tool_call>{name: get_weather}"
         "</tool_call> so."),
    Case("a tool that was not offered", "", '<tool_call>{"name": "rm", "arguments": {}}</tool_call>',
         '<tool_call>{"name": "rm", "arguments": {}}</tool_call>'),
    Case("cut off", "", ' <tool_call>{"name": "get_weather", "argum', ' <tool_call>{"name": "get_weather", "argum'),
    Case("arguments that are a list", "[TOOL_CALLS]", "[TOOL_CALLS]get_weather[ARGS][1]", "[TOOL_CALLS]get_weather"
         "[ARGS][1]"),
    Case("python that does something", "<|tool_call_start|>", '<|tool_call_start|>[stop(x=open("f"))]<|tool_call_end|>',
         '<|tool_call_start|>[stop(x=open("f"))]<|tool_call_end|>'),
]  # fmt: skip


def _heard(case: Case, cuts: list[int], tools: tuple[str, ...] = (WEATHER, STOP)) -> tuple[str, Reply]:
    reply = Reply(chat_format(case.template), begun=case.begun, tools=offered(tools))
    raw = case.written.encode()
    out: list[str] = []
    pieces = Pieces([], out.append, reply=reply)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        pieces.add(raw[start:end])
    whole = pieces.finish()
    assert "".join(out) == whole
    return whole, reply


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reply_is_taken_apart(case: Case) -> None:
    text, reply = _heard(case, [])

    assert (text, reply.thought.strip(), tuple(reply.calls)) == (case.text, case.thought, case.calls)
    assert reply.warnings == []


@settings(max_examples=12, deadline=None)
@pytest.mark.parametrize("case", [*CASES, *MALFORMED], ids=lambda case: case.name)
@given(cuts=st.lists(st.integers(0, 999), max_size=30))
def test_a_reply_means_the_same_however_it_is_cut(case: Case, cuts: list[int]) -> None:
    text, reply = _heard(case, cuts)

    assert (text, reply.thought.strip(), tuple(reply.calls)) == (case.text, case.thought, case.calls)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_reply_means_the_same_byte_by_byte(case: Case) -> None:
    text, reply = _heard(case, list(range(len(case.written.encode()))))

    assert (text, reply.thought.strip(), tuple(reply.calls)) == (case.text, case.thought, case.calls)


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_a_call_that_is_none_stays_in_the_text_and_is_said(case: Case) -> None:
    text, reply = _heard(case, [])

    assert text == case.text
    assert reply.calls == []
    assert len(reply.warnings) == 1


def test_without_tools_nothing_is_taken_for_a_call() -> None:
    for case in (case for case in CASES if case.name in {"hermes", "llama", "qwen coder"}):
        text, reply = _heard(case, [], tools=())

        assert text == case.written
        assert reply.calls == []


def test_an_answer_that_begins_like_a_call_is_an_answer() -> None:
    for written in ('{"sum": 4}', "[1, 2]", "{} is empty", "[TOOLS] are off", "[", "{"):
        assert _heard(Case("", "[TOOL_CALLS]", written), [])[0] == written


@given(text=st.text(st.sampled_from('{}[]":,<>|/tool_calname fx=()1\n\\'), max_size=60))
def test_no_text_breaks_the_reading_of_calls(text: str) -> None:
    calls = read_calls(text, offered((WEATHER, STOP)))

    assert calls is None or all(json.loads(call).keys() == {"name", "arguments"} for call in calls)


@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 100_000, "(" * 5_000, 'stop(x="\\d")', "<function=" * 9_000])
def test_a_hostile_call_is_no_call(text: str) -> None:
    calls = read_calls(text, offered((WEATHER, STOP)))

    assert calls is None or calls == ['{"arguments":{"x":"\\\\d"},"name":"stop"}']
