"""Refuse a profile: every problem on one line that a terminal can be shown, and not more than can be read."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.core.errors import Problem, ProfileError

_MOST = 200


def refusal(problems: Sequence[Problem], hint: str = "") -> ProfileError:
    """The error that holds these problems; the text in them may be a stranger's."""
    told = [_clean(problem) for problem in problems[:_MOST]]
    if len(problems) > _MOST:
        last = problems[-1]
        told.append(Problem(last.file, "the file", f"{len(problems) - _MOST} more mistakes", "none"))
    return ProfileError(tuple(told), hint)


def _clean(problem: Problem) -> Problem:
    parts = (problem.file, problem.where, problem.found, problem.expected, problem.hint)
    return Problem(*("".join(letter if letter.isprintable() else "?" for letter in part) for part in parts))
