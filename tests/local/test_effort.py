"""How much a local model thinks is asked for by effort, and what it thinks never gets into its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, UsageError

from .asking import asked, open_model
from .spoken_gguf import speak
from .tiny_gguf import CHATML, write

TURNS = CHATML.partition("{% if add_generation_prompt")[0]
QWEN = (
    TURNS + "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
DEEPSEEK = TURNS + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
CHANNELS = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>", "<|return|>")
OSS = (
    "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}"
    "<|start|>system<|message|>Reasoning: {{ reasoning_effort }}<|end|>"
    "{% for message in messages %}<|start|>{{ message.role }}<|message|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{# then <|channel|> #}{% endif %}"
)
TOLD = ["analysis of it", "<|message|>", "Let me see.", "<|end|>", "<|start|>assistant<|channel|>final<|message|>",
        "Four."]  # fmt: skip


def test_a_thought_is_apart_and_counted(tmp_path: Path) -> None:
    model = open_model(speak(tmp_path / "m.gguf", ["<think>", "Let me", " see.", "</think>", "\n\nFour."]))
    out: list[str] = []

    answer = model.complete(asked("2+2?"), Control(), out.append)

    assert (answer.text, answer.thinking, out) == ("Four.", "Let me see.", ["Four."])
    assert (answer.usage.output, answer.usage.reasoning, answer.finish) == (5, 4, "stop")


def test_control_marks_that_have_no_text_are_heard(tmp_path: Path) -> None:
    template = CHATML + "{# [THINK] [/THINK] #}"
    script = ["[THINK]", "Hm.", "[/THINK]", "Four."]
    model = open_model(speak(tmp_path / "m.gguf", script, template=template, marks=["[THINK]", "[/THINK]"]))

    answer = model.complete(asked("2+2?"), Control())

    assert (answer.text, answer.thinking) == ("Four.", "Hm.")


def test_a_model_that_writes_in_channels_is_understood(tmp_path: Path) -> None:
    model = open_model(speak(tmp_path / "m.gguf", ["<|channel|>", *TOLD], template=OSS, marks=CHANNELS))

    answer = model.complete(asked("2+2?"), Control())

    assert (answer.text, answer.thinking) == ("Four.", "Let me see.")
    assert answer.confidence == pytest.approx(1.0, abs=1e-3)


def _prompt(path: Path, effort: str | None, **rest: Any) -> str:
    """The prompt as the model reads it."""
    from synapse_cli.backends.gguf import read_header
    from synapse_cli.backends.llamacpp_prompt import prepare, wishes
    from synapse_cli.backends.llamacpp_vocabulary import open_vocabulary

    request = asked("2+2?", p_effort=effort, **rest)
    vocabulary, template = open_vocabulary(str(path)), read_header(str(path)).chat_template
    return prepare(vocabulary, template, request.messages, Control(), wishes(request, None)).text


@pytest.mark.parametrize(
    ("template", "effort", "end"),
    [
        (QWEN, None, "assistant\n<think>\n\n</think>\n\n"),
        (QWEN, "none", "assistant\n<think>\n\n</think>\n\n"),
        (QWEN, "low", "assistant\n"),
        (DEEPSEEK, None, "assistant\n<think>\n"),
        (DEEPSEEK, "none", "assistant\n<think>\n\n</think>\n\n"),
        (DEEPSEEK, "high", "assistant\n<think>\n"),
        (OSS, None, "Reasoning: medium<|start|>user 2+2?<|start|>assistant"),
        (OSS, "minimal", "Reasoning: low<|start|>user 2+2?<|start|>assistant"),
        (OSS, "high", "Reasoning: high<|start|>user 2+2?<|start|>assistant"),
        (OSS, "none", "2+2?<|start|>assistant<|channel|>final<|message|>"),
    ],
)
def test_effort_reaches_the_template_in_the_words_it_knows(
    tmp_path: Path, template: str, effort: str | None, end: str
) -> None:
    path = speak(tmp_path / "m.gguf", ["Four."], template=template, marks=CHANNELS)

    text = _prompt(path, effort)

    assert text.replace("<|end|>", "").replace("user<|message|>", "user ").endswith(end)


def test_a_bound_answer_is_thought_about_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = speak(tmp_path / "m.gguf", ["Four."], template=QWEN)

    assert _prompt(path, "low", grammar='root ::= "x"').endswith("assistant\n<think>\n")
    assert _prompt(path, None, grammar='root ::= "x"').endswith("</think>\n\n")


def test_what_binds_an_answer_does_not_bind_the_thought_before_it(tmp_path: Path) -> None:
    model = open_model(speak(tmp_path / "m.gguf", ["I could say no", "</think>", "\n\n", "yes"], template=DEEPSEEK))

    for bound in ({"grammar": 'root ::= "yes" | "no"'}, {"schema": json.dumps({"enum": ["yes", 2]})}):
        answer = model.complete(asked("well?", **bound), Control())

        assert answer.thinking == "I could say no"
        assert answer.text.strip('"') in {"yes", "no", "2"}
        assert answer.finish == "stop"


def test_labels_are_compared_where_the_answer_begins_and_not_within_a_thought(tmp_path: Path) -> None:
    thinker = speak(tmp_path / "a.gguf", ["ham", "</think>", "spam"], template=DEEPSEEK)
    channels = speak(tmp_path / "b.gguf", ["<|channel|>", *TOLD], template=OSS, marks=CHANNELS)

    for path in (thinker, channels):
        answer = open_model(path).complete(asked("which?", choices=("ham", "spam")), Control())

        assert answer.text in {"ham", "spam"}
        assert (answer.thinking, answer.usage.reasoning) == ("", 0)


def test_a_thought_that_finds_no_end_is_cut_and_the_answer_still_comes(tmp_path: Path) -> None:
    endless = write(tmp_path / "m.gguf", template=DEEPSEEK)

    answer = open_model(endless).complete(asked("why?", p_max_tokens=200, p_temperature=2, p_seed=1), Control())

    assert 100 <= answer.usage.reasoning <= 160
    assert answer.thinking
    assert answer.text
    assert answer.usage.output == 200 or answer.finish == "stop"


def test_a_low_effort_is_a_short_thought(tmp_path: Path) -> None:
    endless = open_model(write(tmp_path / "m.gguf", template=DEEPSEEK, context=8192))

    def thought(effort: str) -> int:
        request = asked("why?", p_max_tokens=700, p_temperature=2, p_seed=1, p_effort=effort)
        return endless.complete(request, Control()).usage.reasoning

    assert thought("minimal") <= 300 < thought("low")


def test_a_model_without_thoughts_says_that_effort_changes_nothing(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf"))

    answer = model.complete(asked("2+2?", p_effort="high", p_max_tokens=4), Control())

    assert [note for note in answer.warnings if "does not think" in note]


def test_a_model_has_an_effort_of_its_own_that_a_request_outdoes(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf"), effort="high")

    assert model.complete(asked("2+2?", p_max_tokens=4), Control()).warnings
    assert not model.complete(asked("2+2?", p_max_tokens=4, p_effort="none"), Control()).warnings


def test_an_effort_that_nobody_knows_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="effort is 'much'"):
        open_model(write(tmp_path / "m.gguf")).complete(asked("2+2?", p_effort="much"), Control())


# --- tools ---

WEATHER = json.dumps({"name": "get_weather", "parameters": {"properties": {"city": {"type": "string"}}}})
TOOLED = "{% if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}" + CHATML


@pytest.mark.parametrize("template", [CHATML, TOOLED, "{{ raise_exception('no tools') if tools }}" + CHATML])
def test_tools_are_told_by_the_template_or_else_in_the_system_prompt(tmp_path: Path, template: str) -> None:
    path = speak(tmp_path / "m.gguf", ["Four."], template=template)

    text = _prompt(path, None, tools=(WEATHER,), system="Be brief.")

    assert text.count("get_weather") == 1
    assert "Be brief." in text
    assert ("<tool_call>" in text) == (template != TOOLED)
    assert text.endswith("<|im_start|>assistant\n")


def test_a_call_comes_back_as_a_call(tmp_path: Path) -> None:
    script = ["I look.", "\n<tool_call>", '{"name": "get_weather", ', '"arguments": {"city": "Paris"}}', "</tool_call>"]
    model = open_model(speak(tmp_path / "m.gguf", script))
    out: list[str] = []

    answer = model.complete(asked("weather?", tools=(WEATHER,)), Control(), out.append)

    assert answer.tool_calls == ('{"arguments":{"city":"Paris"},"name":"get_weather"}',)
    assert (answer.text, out, answer.finish, answer.warnings) == ("I look.", ["I look."], "tool_calls", ())


def test_a_call_behind_a_control_mark_comes_back_as_a_call(tmp_path: Path) -> None:
    template = CHATML + "{# tools: [TOOL_CALLS] [ARGS] #}"
    script = ["[TOOL_CALLS]", "get_weather", "[ARGS]", '{"city": "Paris"}']
    model = open_model(speak(tmp_path / "m.gguf", script, template=template, marks=["[TOOL_CALLS]", "[ARGS]"]))

    answer = model.complete(asked("weather?", tools=(WEATHER,)), Control())

    assert answer.tool_calls == ('{"arguments":{"city":"Paris"},"name":"get_weather"}',)
    assert (answer.text, answer.finish) == ("", "tool_calls")


def test_a_call_that_went_wrong_stays_text_with_a_warning(tmp_path: Path) -> None:
    script = ["<tool_call>", '{"name": "get_weather", ', '"arguments": Paris}', "</tool_call>"]
    model = open_model(speak(tmp_path / "m.gguf", script))

    answer = model.complete(asked("weather?", tools=(WEATHER,)), Control())

    assert (answer.text, answer.tool_calls, answer.finish) == ("".join(script), (), "stop")
    assert len(answer.warnings) == 1


def test_tools_and_what_binds_an_answer_are_not_had_together(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "m.gguf"))

    with pytest.raises(BadRequest, match="not both"):
        model.complete(asked("weather?", tools=(WEATHER,), grammar='root ::= "x"'), Control())


@pytest.mark.parametrize("tool", ["{", "[]", "{}", '{"name": 3}'])
def test_a_tool_that_is_none_is_a_usage_error(tmp_path: Path, tool: str) -> None:
    with pytest.raises(UsageError, match="a tool"):
        open_model(write(tmp_path / "m.gguf")).complete(asked("weather?", tools=(tool,)), Control())
