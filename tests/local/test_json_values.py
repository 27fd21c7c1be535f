"""Which tokens of a JSON answer carry its meaning."""

from __future__ import annotations

import pytest

from synapse_cli.backends.json_values import of_values


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (['{"mood"', ': "', "good", '"}'], [False, False, True, False]),
        (['{"n": ', "12", "}"], [False, True, False]),
        (['{"a', 'b": "', "x", '", "c": "', "y", '"}'], [False, False, True, False, True, False]),
        (['["', "p", '", "', "q", '"]'], [False, True, False, True, False]),
        (['{"a": {"b": "', "z", '"}, "k": ', "true", "}"], [False, True, False, True, False]),
        (['{"a": "say \\"', 'hi\\""}'], [True, True]),
        (["plain"], [True]),
        ([], []),
    ],
)
def test_only_values_count(tokens: list[str], expected: list[bool]) -> None:
    assert of_values([token.encode() for token in tokens]) == expected
