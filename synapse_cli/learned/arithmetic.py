"""What number does this expression say? Sums, products, powers and roots, read and never executed."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = Fraction | float

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(sqrt|pi|[-+*/^()]))")
_LONGEST = 200
_LARGEST_POWER = 512
_LARGEST = 10**40
"""Bounds: an answer is read by whoever asked for it, and written by anybody."""


def value(text: str) -> Number | None:
    """The number that an expression says, exact where it can be; None where it is none, or too large to work out.

    Knows `+ - * / ^ ( ) sqrt pi`, decimals, and factors that stand side by side (`2sqrt(3)`, `2(3+1)`).
    """
    tokens = _tokens(text)
    if not tokens:
        return None
    try:
        found, rest = _sum(tokens, 0)
    except (ArithmeticError, ValueError, IndexError, RecursionError):
        return None
    return found if rest == len(tokens) and _is_sayable(found) else None


def _tokens(text: str) -> list[str]:
    """The words of an expression; none where it holds anything else."""
    found, at = [], 0
    if len(text) > _LONGEST or not (text := text.rstrip()):
        return []
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return []
        found.append(match.group(1) or match.group(2))
        at = match.end()
    return found


def _sum(tokens: list[str], at: int) -> tuple[Number, int]:
    total, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        term, after = _product(tokens, at + 1)
        total, at = (total + term if tokens[at] == "+" else total - term), after
    return total, at


def _product(tokens: list[str], at: int) -> tuple[Number, int]:
    total, at = _signed(tokens, at)
    while at < len(tokens) and tokens[at] not in "+-)":
        is_beside = tokens[at] not in "*/^"
        if is_beside and tokens[at][0] in "0123456789.":
            raise ValueError("two numbers side by side")
        factor, after = _signed(tokens, at if is_beside else at + 1)
        total, at = (total / factor if tokens[at] == "/" else total * factor), after
    return total, at


def _signed(tokens: list[str], at: int) -> tuple[Number, int]:
    if tokens[at] in "+-":
        found, after = _signed(tokens, at + 1)
        return (-found if tokens[at] == "-" else found), after
    base, at = _atom(tokens, at)
    if at < len(tokens) and tokens[at] == "^":
        exponent, at = _signed(tokens, at + 1)
        return _power(base, exponent), at
    return base, at


def _atom(tokens: list[str], at: int) -> tuple[Number, int]:
    word = tokens[at]
    if word == "pi":
        return math.pi, at + 1
    if word == "sqrt":
        inner, after = _atom(tokens, at + 1)
        return _root(inner), after
    if word == "(":
        inner, after = _sum(tokens, at + 1)
        if tokens[after] != ")":
            raise ValueError("an open bracket")
        return inner, after + 1
    return Fraction(word), at + 1


def _power(base: Number, exponent: Number) -> Number:
    if not -_LARGEST_POWER <= exponent <= _LARGEST_POWER or not -_LARGEST <= base <= _LARGEST:
        raise OverflowError
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        return base ** int(exponent)
    if float(base) < 0:
        raise ValueError("no real number")
    return math.pow(base, exponent)


def _root(inner: Number) -> Number:
    if isinstance(inner, Fraction) and inner >= 0:
        upper, lower = math.isqrt(inner.numerator), math.isqrt(inner.denominator)
        if upper * upper == inner.numerator and lower * lower == inner.denominator:
            return Fraction(upper, lower)
    return math.sqrt(inner)


def _is_sayable(number: Number) -> bool:
    if isinstance(number, Fraction):
        return number.numerator.bit_length() < 4096 and number.denominator.bit_length() < 4096
    return math.isfinite(number)
