"""The content address of a request: the same for the same, another for anything that changes an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.cache.key import digest, request_key
from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Message, Request

BASE = Request(
    messages=(Message("system", "be brief"), Message("user", "hello")),
    params={"temperature": 0, "stop": ["\n"]},
    choices=("yes", "no"),
    schema='{"type":"string"}',
    grammar='root ::= "a"',
    tools=('{"name":"f"}', '{"name":"g"}'),
    template_version="1",
)
SETTINGS = {"base_url": "http://127.0.0.1:1", "context": 4096}
OTHERS = {
    "a word": replace(BASE, messages=(BASE.messages[0], Message("user", "hello "))),
    "a role": replace(BASE, messages=(Message("user", "be brief"), BASE.messages[1])),
    "order of messages": replace(BASE, messages=BASE.messages[::-1]),
    "messages run together": replace(BASE, messages=(Message("user", "be briefhello"),)),
    "a parameter": replace(BASE, params={**BASE.params, "temperature": 1}),
    "one more parameter": replace(BASE, params={**BASE.params, "seed": 1}),
    "choices": replace(BASE, choices=("no", "yes")),
    "schema": replace(BASE, schema=None),
    "grammar": replace(BASE, grammar=None),
    "tools": replace(BASE, tools=BASE.tools[::-1]),
    "template": replace(BASE, template_version="2"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _shuffled(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shuffled(item) for name, item in reversed(value.items())}
    return [_shuffled(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("what", OTHERS)
def test_whatever_changes_an_answer_changes_the_key(what: str) -> None:
    assert request_key("m", OTHERS[what], SETTINGS) != request_key("m", BASE, SETTINGS)


def test_model_and_settings_are_part_of_the_key() -> None:
    keys = {
        request_key("m", BASE, SETTINGS),
        request_key("n", BASE, SETTINGS),
        request_key("m", BASE, {**SETTINGS, "context": 8192}),
        request_key("m", BASE, {}),
    }

    assert len(keys) == 4


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_names_does_not_matter_at_any_depth(params: dict[str, object]) -> None:
    turned = _shuffled(params)

    assert isinstance(turned, dict)
    assert digest(params) == digest(turned)
    assert request_key("m", replace(BASE, params=params), turned) == request_key(
        "m", replace(BASE, params=turned), params
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")], {"a": b"bytes"}])
def test_what_json_cannot_say_is_a_usage_error(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be written as JSON"):
        request_key("m", replace(BASE, params={"temperature": value}), {})


def test_a_text_that_is_no_unicode_has_a_key_all_the_same() -> None:
    assert len(request_key("m", replace(BASE, messages=(Message("user", "\ud800"),)), {})) == 64
