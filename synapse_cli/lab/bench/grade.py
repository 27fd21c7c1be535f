"""How good is an answer? One score in [0, 1] by a rule that is named beside the prompt, or with `--grade`."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from synapse_cli.core.completion import NO_USAGE, Completion
from synapse_cli.core.control import Control
from synapse_cli.core.errors import UsageError
from synapse_cli.core.options import Options
from synapse_cli.core.ports import Check
from synapse_cli.core.prompt import Json, Request

Kind = Literal["exact", "contains", "regex", "choices", "number", "json", "schema", "command", "judge"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NEEDS_EXPECTED = frozenset({"exact", "contains", "choices", "number"})
_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:[,'\u202f\u00a0]\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d{1,3})?%?")
_EXACTLY = 1e-9


@dataclass(frozen=True, slots=True)
class Grade:
    """A rule: `KIND`, or `KIND=ARGUMENT` (a pattern, a tolerance, a command, a judging model)."""

    kind: Kind
    argument: str | None = None
    rubric: str | None = None
    """What a judge goes by."""

    def __str__(self) -> str:
        told = self.kind if self.argument is None else f"{self.kind}={self.argument}"
        return told if self.rubric is None else f"{told} by {hashlib.sha256(self.rubric.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, as far as a grade needs it."""

    expected: Json = None
    choices: tuple[str, ...] = ()
    schema: Json = None


def parse(text: str, where: str = "--grade") -> Grade:
    """Read `KIND` or `KIND=ARGUMENT`. Raises UsageError with the nearest kind."""
    kind, equals, argument = text.partition("=")
    known = next((each for each in KINDS if each == kind.strip().lower()), None)
    if known is None:
        import difflib

        close = difflib.get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {close[0]}?" if close else "one of " + ", ".join(KINDS)
        raise UsageError(f"{where}: there is no grade {kind!r}", hint)
    grade = Grade(known, argument if equals else None)
    _check_argument(grade, where)
    return grade


def implied(question: Question) -> Grade | None:
    """The rule where none was named: labels and schemas speak for themselves, an expected text is meant exactly."""
    if question.choices and question.expected is not None:
        return Grade("choices")
    if isinstance(question.expected, dict):
        return Grade("json")
    if isinstance(question.expected, int | float) and not isinstance(question.expected, bool):
        return Grade("number")
    if question.expected is not None:
        return Grade("exact")
    return Grade("schema") if question.schema is not None else None


def lacks(grade: Grade, question: Question) -> str | None:
    """What a rule needs and an item does not have; None where nothing is missing."""
    if grade.kind in _NEEDS_EXPECTED and question.expected is None:
        return "an expected answer"
    if grade.kind == "regex" and grade.argument is None:
        return _pattern_fault(question.expected)
    if grade.kind == "schema" and grade.argument is None and question.schema is None:
        return "a schema"
    if grade.kind == "choices" and not question.choices:
        return "choices"
    return None


def _pattern_fault(expected: Json) -> str | None:
    if not isinstance(expected, str):
        return "a pattern: regex=PATTERN, or the expected column"
    try:
        re.compile(expected)
    except (re.error, RecursionError, OverflowError) as error:
        return f"a pattern that can be searched ({error})"
    return None


def score(grade: Grade, question: Question, answer: str, control: Control) -> float | None:
    """1 for a right answer, 0 for a wrong one; None where it cannot be told (a command that did not start).

    What a judge says is asked elsewhere (`judged`): it takes a call.
    """
    match grade.kind:
        case "exact":
            return _any(question.expected, lambda wanted: answer.strip() == wanted.strip())
        case "contains":
            return _any(question.expected, lambda wanted: wanted.strip().casefold() in answer.casefold())
        case "number":
            return _any(question.expected, lambda wanted: _is_number(answer, wanted, grade.argument))
        case "choices":
            return _any(question.expected, lambda wanted: _is_label(answer, wanted))
        case "json":
            return _json(answer, question.expected)
        case _:
            return _checked(_check(grade, question), question, answer, control)


def _any(expected: Json, holds: Callable[[str], bool]) -> float:
    """One expected answer, or a list of which any will do."""
    wanted: Sequence[Json] = expected if isinstance(expected, list) else [expected]
    return float(any(holds(each if isinstance(each, str) else json.dumps(each)) for each in wanted))


def _is_label(answer: str, wanted: str) -> bool:
    from synapse_cli.core.fold import fold

    return fold(answer) == fold(wanted)


def _is_number(answer: str, wanted: str, tolerance: str | None) -> bool:
    """Whether the last number of the answer, where results stand, is the one that is expected."""
    found, meant = _last_number(answer), _last_number(wanted)
    if found is None or meant is None:
        return False
    return abs(found - meant) <= _slack(tolerance, meant) + _EXACTLY * max(abs(found), abs(meant))


def _slack(tolerance: str | None, meant: float) -> float:
    if tolerance is None:
        return 0.0
    if tolerance.endswith("%"):
        return abs(meant) * float(tolerance[:-1]) / 100
    return float(tolerance)


def _last_number(text: str) -> float | None:
    found = [match.group() for match in _NUMBER.finditer(text) if re.search(r"\d", match.group())]
    if not found:
        return None
    bare = re.sub(r"[,'\u202f\u00a0]", "", found[-1]).replace("\u2212", "-")
    value = float(bare.removesuffix("%"))
    return value if math.isfinite(value) else None


def _json(answer: str, expected: Json) -> float:
    """Whether the answer is JSON, and the very value that is expected, whatever the order of its keys."""
    from synapse_cli.checks import fenced

    try:
        value, _ = fenced.read(answer)
        wanted = fenced.read(expected)[0] if isinstance(expected, str) else expected
    except fenced.NotJson:
        return 0.0
    return float(expected is None or _canonical(value) == _canonical(wanted))


def _canonical(value: Json) -> str:
    """One text a value: 1 and 1.0 are the same number, true and 1 are not."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value)


def _check(grade: Grade, question: Question) -> Check:
    """The accept rule of the same name: patterns that never end, schemas and programs are bounded there."""
    from synapse_cli.core.registry import load

    options: dict[str, Json] = {}
    if grade.kind == "regex":
        expected = question.expected
        options["pattern"] = grade.argument if grade.argument is not None else str(expected)
    elif grade.kind == "schema":
        options["inline"] = question.schema
    elif grade.kind == "command":
        options["argv"] = [word.replace("{expected}", _as_text(question.expected)) for word in _words(grade)]
    read = Options(options, where=str(grade.kind))
    check: Check = load("checks", grade.kind).parse(read)  # type: ignore[attr-defined]  # the registry holds Checks
    if read.problems:
        raise UsageError(f"grade {grade}: {read.problems[0]}", "see synapse bench -h")
    return check


def _checked(check: Check, question: Question, answer: str, control: Control) -> float | None:
    schema = None if question.schema is None else json.dumps(question.schema, sort_keys=True)
    request = Request(messages=(), choices=question.choices, schema=schema)
    said = Completion(text=answer, finish="stop", usage=NO_USAGE, cost=None)
    verdict = check.judge(request, said, control)
    return float(verdict.passed) if verdict.evaluated else None


def _check_argument(grade: Grade, where: str) -> None:
    argument = grade.argument
    if grade.kind == "number" and argument is not None:
        if not re.fullmatch(r"\d+(\.\d+)?(e-?\d{1,2})?%?", argument):
            hint = "number=0.01 is that much, number=1% is a part of what is expected"
            raise UsageError(f"{where}: {argument!r} is no tolerance", hint)
    elif grade.kind == "command" and not _words(grade):
        raise UsageError(f"{where}: command needs a program", "--grade 'command=python grade.py {expected}'")
    elif grade.kind == "judge" and not (argument or "").strip():
        raise UsageError(f"{where}: judge needs a model", "--grade judge=MODEL, or --judge MODEL --rubric TEXT")
    elif grade.kind == "regex" and argument is not None:
        _check(grade, Question())
    elif argument is not None and grade.kind not in {"number", "command", "regex", "judge"}:
        raise UsageError(f"{where}: {grade.kind} takes no argument", f"write {grade.kind} alone")


def program(rule: Grade) -> str | None:
    """The program that a rule runs; None for a rule that runs none."""
    return _words(rule)[0] if rule.kind == "command" else None


def _words(grade: Grade) -> list[str]:
    import shlex

    try:
        return shlex.split(grade.argument or "")
    except ValueError as error:
        raise UsageError(
            f"--grade: {grade.argument!r} cannot be split into words: {error}", "close the quote"
        ) from None


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
