"""How is a grammar written? Rules by construction: no syntax error, no loose name, no repeat beyond counting."""

from __future__ import annotations

from collections.abc import Sequence

from synapse_cli.backends.gbnf_tree import MOST_REPEATS

_MOST_RULES = 5000
_MOST_BYTES = 150_000
_LARGEST = 10**400
"""Beyond every number that JSON readers hold."""

DIGITS = "0123456789"


class TooLarge(Exception):
    """The grammar would be larger than is sensible to decode by."""


class Rules:
    """Collects rules; every method returns an expression that is safe to put anywhere in another."""

    def __init__(self) -> None:
        self._bodies: dict[str, str] = {}
        """Body -> name: equal bodies are one rule, so that nobody follows both."""
        self._size = 0

    def rule(self, body: str) -> str:
        """The name of a rule with this body."""
        name = self._bodies.get(body)
        if name is None:
            name = self._bodies[body] = f"r{len(self._bodies)}"
            self._size += len(body.encode())
            if len(self._bodies) > _MOST_RULES or self._size > _MOST_BYTES:
                raise TooLarge
        return name

    def either(self, options: Sequence[str]) -> str:
        """One of several."""
        distinct = list(dict.fromkeys(options))
        return distinct[0] if len(distinct) == 1 else self.rule(" | ".join(distinct))

    def repeat(self, expression: str, least: int, most: int | None) -> str:
        """Many times; without a bound, or with one beyond counting, there is no upper end."""
        name = self.rule(expression)
        if least > MOST_REPEATS:
            raise TooLarge
        if most is None or most > MOST_REPEATS:
            return self.rule(f"{name}*" if least == 0 else f"{name}{{{least},}}")
        if most == 0:
            return self.rule('""')
        return self.rule(f"{name}{{{least},{most}}}")

    def text(self, root: str) -> str:
        """The whole grammar."""
        lines = [f"root ::= {root}"]
        lines += [f"{name} ::= {body}" for body, name in self._bodies.items()]
        return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Exactly this text."""
    out = []
    for character in text:
        if character in '"\\':
            out.append("\\" + character)
        elif character == "\n":
            out.append("\\n")
        elif character < " " or character == "\x7f":
            out.append(f"\\x{ord(character):02x}")
        else:
            out.append(character)
    return '"' + "".join(out) + '"'


def whole_numbers(rules: Rules, least: int | None, most: int | None) -> str | None:
    """JSON integers from `least` to `most`; None where there are none. Open ends stop at sixteen digits."""
    if least is not None and most is not None and least > most:
        return None
    if max(abs(least or 0), abs(most or 0)) >= _LARGEST:
        raise TooLarge
    options = []
    if least is None or least < 0:
        upper = None if least is None else -least
        lower = 1 if most is None or most >= 0 else -most
        options += [f'"-" {part}' for part in _positive(lower, upper)]
    if (least is None or least <= 0) and (most is None or most >= 0):
        options.append('"0"')
    if most is None or most > 0:
        options += _positive(max(1, least or 1), most)
    return rules.either(options)


def _positive(least: int, most: int | None) -> list[str]:
    """Numbers from `least` (at least 1) to `most`, by number of digits and common beginnings."""
    if most is None:
        digits = len(str(least))
        rest = f"[1-9] [0-9]{{{digits},{max(digits, 15)}}}"
        return [*_same_length(str(least), "9" * digits), rest]
    options = []
    for digits in range(len(str(least)), len(str(most)) + 1):
        low = max(least, 10 ** (digits - 1))
        high = min(most, 10**digits - 1)
        options += _same_length(str(low), str(high))
    return options


def _same_length(low: str, high: str) -> list[str]:
    """Numbers between two of equal length."""
    if not low:
        return ['""']
    rest = len(low) - 1
    if set(low[1:]) <= {"0"} and set(high[1:]) <= {"9"}:
        return [f"[{low[0]}-{high[0]}]" + (f" [0-9]{{{rest}}}" if rest else "")]
    if low[0] == high[0]:
        return [f'"{low[0]}" {part}' for part in _same_length(low[1:], high[1:])]
    options = [f'"{low[0]}" {part}' for part in _same_length(low[1:], "9" * rest)]
    first, last = int(low[0]) + 1, int(high[0]) - 1
    if first <= last:
        options.append(f"[{first}-{last}] [0-9]{{{rest}}}")
    return options + [f'"{high[0]}" {part}' for part in _same_length("0" * rest, high[1:])]
