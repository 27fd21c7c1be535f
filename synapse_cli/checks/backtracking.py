"""Could this pattern take for ever on a text of this length?

Python's `re` backtracks: `(a+)+$` takes 2^n steps on n letters, holds the interpreter lock while it does, and
hears neither a signal nor another thread. `steps` is an upper bound for the paths that it may try: the product,
over everything in the pattern where it can choose, of the number of choices. Below `FEW` a search is over in about
a second and runs here; above, `checks.regex` hands it to a child process that can be killed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

FEW = 10_000_000
"""Steps. CPython tries some 20 to 100 million a second."""
MANY = float("inf")

_ONE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "RANGE", "CATEGORY", "AT", "FAILURE"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})


def steps(pattern: str, length: int) -> float:
    """Bound the steps of searching `pattern` in `length` characters; infinite where the bound cannot be told."""
    try:
        from re import _parser  # type: ignore[attr-defined]  # private since 3.11, so its absence is provided for

        parsed = _parser.parse(pattern)
    except (ImportError, AttributeError, re.error, RecursionError, OverflowError):
        return MANY
    starts = 1 if _is_anchored(parsed) else length + 1
    return starts * _sequence(parsed, length) + length


def _is_anchored(parsed: Any) -> bool:  # a private class of the parser
    """Whether the pattern can only match at the very beginning."""
    anchors = {"AT_BEGINNING_STRING"} if parsed.state.flags & re.MULTILINE else {"AT_BEGINNING_STRING", "AT_BEGINNING"}
    return len(parsed) > 0 and str(parsed[0][0]) == "AT" and str(parsed[0][1]) in anchors


def _sequence(items: Iterable[tuple[object, object]], length: int) -> float:
    product = 1.0
    for operation, argument in items:
        product *= _choices(str(operation), argument, length)
    return product


def _choices(operation: str, argument: object, length: int) -> float:
    if operation in _ONE:
        return 1.0
    if operation in _REPEATS and isinstance(argument, tuple):
        least, most, body = argument
        return _repeat(int(least), min(int(most), length), _sequence(body, length), length)
    if operation == "BRANCH" and isinstance(argument, tuple):
        return sum(_sequence(arm, length) for arm in argument[1])
    if operation == "SUBPATTERN" and isinstance(argument, tuple):
        return _sequence(argument[-1], length)
    if operation in {"ASSERT", "ASSERT_NOT"} and isinstance(argument, tuple):
        return _sequence(argument[1], length)
    if operation == "ATOMIC_GROUP":
        return _sequence(argument, length)  # type: ignore[arg-type]  # a parsed sequence, by the parser's own table
    if operation == "GROUPREF":
        return float(length + 1)
    return MANY


def _repeat(least: int, most: int, inside: float, length: int) -> float:
    """Choices of a repeat: how often, and at each turn whatever its body may choose."""
    if most < least:
        return 1.0
    spread = float(most - least + 1)
    if inside <= 1.0:
        return spread
    try:
        return spread * inside ** min(most, length)
    except OverflowError:
        return MANY
