"""The suite of the Check port, over every check of the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Check
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.registry import BUILT_IN, load
from synapse_cli.core.verdict import Verdict
from tests.checks import little

OPTIONS: dict[str, dict[str, Json]] = {
    "agree": {"with": "b"},
    "choices": {"values": ["a", "b"]},
    "command": {"argv": ["sh", "-c", "grep -q a"]},
    "confidence": {"min": 0.5},
    "critique": {"model": "b"},
    "grounded": {"min": 0.5},
    "json": {},
    "judge": {"model": "b"},
    "length": {"max": 10},
    "refusal": {},
    "regex": {"pattern": "a"},
    "schema": {"inline": {"type": "integer"}},
    "scorer": {"file": "little.scorer", "min": 0.5},
    "self_check": {"model": "b"},
    "syntax": {"language": "python"},
}
"""Right options for each kind."""
ODD = ["", " ", "\0", "a\n" * 3, "\ud800", "\u202e\u0000\x1b[2J", "[" * 5000, "```\n```", "a" * 100_000]
ASKED = Request(messages=(Message("user", "?"),))


@pytest.fixture(params=sorted(BUILT_IN["checks"]))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _beside_a_scorer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OPTIONS name by a relative path lies in the working folder."""
    little.write(str(tmp_path / "little.scorer"))
    monkeypatch.chdir(tmp_path)


def _parse(kind: str, values: dict[str, Json]) -> tuple[Check, int]:
    options = Options({"kind": kind, **values}, file="p.toml", where="cascades.c.accept[0]")
    check: Check = load("checks", kind).parse(options)
    return check, len(options.finish())


def test_every_built_in_check_is_in_this_suite() -> None:
    assert set(OPTIONS) == set(BUILT_IN["checks"])


def test_a_check_says_its_kind_and_what_it_binds(kind: str) -> None:
    check, problems = _parse(kind, OPTIONS[kind])

    assert problems == 0
    assert check.kind == kind
    assert check.binds in {"validity", "doubt"}


def test_an_unknown_key_is_a_problem_with_its_place(kind: str) -> None:
    options = Options({**OPTIONS[kind], "nonsense": 1}, file="p.toml", where="cascades.c.accept[0]")
    load("checks", kind).parse(options)

    assert [problem.where for problem in options.finish()] == ["cascades.c.accept[0].nonsense"]


@pytest.mark.parametrize("value", [None, True, 7, -1.5, "", "text", [], [1], {}, {"a": 1}])
def test_any_value_under_any_key_is_read_or_reported_and_never_raises(kind: str, value: Json) -> None:
    for key in [*OPTIONS[kind], "if_missing", "min", "max", "unit", "negate", "timeout_s", "file", "inline"]:
        check, _ = _parse(kind, {**OPTIONS[kind], key: value})
        assert check.kind == kind


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_no_answer_makes_a_check_raise_and_its_reason_is_one_line(kind: str, text: str) -> None:
    check, _ = _parse(kind, OPTIONS[kind])
    completion = Completion(text=text, finish="stop", usage=Usage(1, 1), cost=None, confidence=None)

    verdict = check.judge(ASKED, completion, Control())

    assert isinstance(verdict, Verdict)
    assert verdict.rule == kind
    assert verdict.passed or verdict.reason
    assert verdict.reason.isprintable()
    assert len(verdict.reason) <= 250


def test_the_same_answer_gets_the_same_verdict(kind: str) -> None:
    completion = Completion(text="a", finish="stop", usage=Usage(1, 1), cost=None, confidence=0.7)

    verdicts = {_parse(kind, OPTIONS[kind])[0].judge(ASKED, completion, Control()) for _ in range(3)}

    assert len(verdicts) == 1


def test_equal_options_make_equal_checks_and_they_cannot_be_changed(kind: str) -> None:
    first, _ = _parse(kind, OPTIONS[kind])
    second, _ = _parse(kind, OPTIONS[kind])

    assert first == second
    with pytest.raises((AttributeError, TypeError)):
        first.kind = "other"  # type: ignore[misc]  # that it cannot be is the point
