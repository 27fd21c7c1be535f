import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.context.compose import compose, messages
from synapse_cli.context.inputs import Input
from synapse_cli.context.templates import render
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Message
from synapse_cli.profile.model import Template

GREET = Template(
    name="greet",
    prompt="Say {{ word }} in {{lang}}:\n{{ input }}",
    system="You are {{ who }}.",
    defaults={"lang": "French", "who": "kind"},
)


def test_holes_are_filled_from_parameters_then_defaults_then_the_input():
    assert render(GREET, {"word": "hi", "who": "terse"}, "text") == ("You are terse.", "Say hi in French:\ntext")


def test_a_missing_parameter_is_named_with_how_to_give_it():
    with pytest.raises(UsageError, match="needs word") as caught:
        render(GREET, {}, "text")

    assert caught.value.hint == "give -p word=…"


def test_an_unknown_parameter_is_named_with_the_nearest_one():
    with pytest.raises(UsageError, match="no parameter 'wrod'") as caught:
        render(GREET, {"word": "x", "wrod": "y"}, "")

    assert caught.value.hint == "did you mean 'word'?"


def test_input_is_no_parameter():
    with pytest.raises(UsageError, match="stands for stdin and files"):
        render(GREET, {"word": "x", "input": "y"}, "")


@settings(deadline=None)
@given(st.text())
def test_a_value_is_never_rendered_again(value):
    _, prompt = render(
        Template(name="t", prompt="[{{ a }}|{{ input }}]"), {"a": value + "{{ input }}{{ a }}"}, "{{ a }}" + value
    )

    assert prompt == f"[{value}{{{{ input }}}}{{{{ a }}}}|{{{{ a }}}}{value}]"


@pytest.mark.parametrize("text", ["{ a }", "{{a b}}", "{{ }}", "{{1}}", "{% a %}", "{{ a.b }}"])
def test_other_braces_are_plain_text(text):
    assert render(Template(name="t", prompt=text), {}, "") == (None, text)


def test_a_model_is_sent_the_system_message_first():
    assert messages("p", "s") == (Message("system", "s"), Message("user", "p"))
    assert messages("p", None) == messages("p", "") == (Message("user", "p"),)


def test_words_and_input_without_a_place_in_the_template_are_not_lost():
    given_ = Input(text="w\n\na", words="w", attached="a")

    assert compose(given_, None, {}, None).prompt == "w\n\na"
    assert compose(given_, Template(name="t", prompt="T {{ input }}\n"), {}, None).prompt == "T a\n\nw"
    assert compose(given_, Template(name="t", prompt="T"), {}, None).prompt == "T\n\nw\n\na"


def test_a_system_prompt_of_the_command_line_wins_over_the_templates():
    given_ = Input(text="w", words="w", attached="")
    template = Template(name="t", prompt="T", system="S", version="7")

    assert compose(given_, template, {}, "mine").messages[0].content == "mine"
    assert compose(given_, template, {}, None).messages[0].content == "S"
    assert compose(given_, template, {}, None).template_version == "7"
