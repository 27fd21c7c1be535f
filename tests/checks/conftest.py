"""Parse and run checks as a cascade does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from synapse_cli.core.completion import Completion, Usage
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Problem
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Aid, Check
from synapse_cli.core.prompt import Json, Message, Request
from synapse_cli.core.registry import load
from synapse_cli.core.verdict import Verdict

Judge = Callable[..., Verdict]
Parse = Callable[[str, Mapping[str, Json]], tuple[Check, tuple[Problem, ...]]]


def _parse(kind: str, options: Mapping[str, Json], file: str = "") -> tuple[Check, tuple[Problem, ...]]:
    reader = Options({"kind": kind, **options}, file=file, where="cascades.c.accept[0]")
    check = load("checks", kind).parse(reader)
    return check, reader.finish()


@pytest.fixture
def parse() -> Parse:
    return _parse


@pytest.fixture
def judge() -> Judge:
    def run(
        kind: str,
        options: Mapping[str, Json],
        text: str,
        *,
        choices: tuple[str, ...] = (),
        schema: str | None = None,
        control: Control | None = None,
        file: str = "",
        **completion: object,
    ) -> Verdict:
        check, problems = _parse(kind, options, file)
        assert problems == ()
        request = Request(messages=(Message("user", "?"),), choices=choices, schema=schema)
        facts = {"finish": "stop", "usage": Usage(3, 2), "cost": None, **completion}
        return check.judge(request, Completion(text=text, **facts), control or Control())

    return run


@pytest.fixture
def judge_with() -> Judge:
    def run(
        kind: str,
        options: Mapping[str, Json],
        text: str,
        aid: Aid,
        *,
        prompt: str = "?",
        choices: tuple[str, ...] = (),
        schema: str | None = None,
        params: Mapping[str, Json] | None = None,
        **completion: object,
    ) -> Verdict:
        check, problems = _parse(kind, options)
        assert problems == ()
        request = Request(messages=(Message("user", prompt),), choices=choices, schema=schema, params=params or {})
        facts = {"finish": "stop", "usage": Usage(3, 2), "cost": None, **completion}
        return check.judge_with(request, Completion(text=text, **facts), Control(), aid)

    return run
