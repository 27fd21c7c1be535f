"""Read one option table of a profile, and remember everything that is wrong with it.

Built-in checks and plugins use the same reader, so that all their mistakes are reported at once and alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from synapse_cli.core.errors import Problem
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table"}


class Options:
    """A table of options with its place in the file; `problems` grows as it is read."""

    def __init__(self, values: Mapping[str, Json], *, file: str = "", where: str = "") -> None:
        self.values = values
        self.file = file
        self.where = where
        self.problems: list[Problem] = []
        self._known: list[str] = ["kind"]

    def text(self, key: str, default: str | None = None) -> str | None:
        """The text under `key`."""
        return self._typed(key, str, default)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """The true or false under `key`."""
        value = self._typed(key, bool, default)
        return default if value is None else value

    def whole(self, key: str, default: int | None = None, *, least: int | None = None) -> int | None:
        """The whole number under `key`, at least `least`."""
        value = self._typed(key, int, default)
        if value is not None and least is not None and value < least:
            self.problem(key, repr(value), f"a whole number of at least {least}")
            return default
        return value

    def number(
        self, key: str, default: float | None = None, *, least: float | None = None, most: float | None = None
    ) -> float | None:
        """The number under `key`, within [least, most]."""
        value = self._typed(key, float, default)
        if value is None:
            return default
        if (least is not None and value < least) or (most is not None and value > most):
            self.problem(key, repr(value), f"a number from {least} to {most}")
            return default
        return value

    def one_of(self, key: str, allowed: Sequence[str], default: str) -> str:
        """The text under `key`, which must be one of `allowed`."""
        value = self.text(key, default) or default
        if value not in allowed:
            self.problem(key, repr(value), "one of " + ", ".join(allowed), _nearest(value, allowed))
            return default
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under `key`; empty where it is missing."""
        value = self._typed(key, list, None)
        if value is None:
            return ()
        if not all(isinstance(item, str) for item in value):
            self.problem(key, repr(value), "a list of texts")
            return ()
        return tuple(str(item) for item in value)

    def path(self, key: str) -> Path | None:
        """The path under `key`, made absolute from the file that names it."""
        value = self.text(key)
        if value is None:
            return None
        from pathlib import Path

        return Path(self.file).parent / Path(value).expanduser() if self.file else Path(value).expanduser()

    def value(self, key: str) -> Json:
        """Whatever stands under `key`, unread."""
        self._known.append(key)
        return self.values.get(key)

    def require(self, key: str) -> None:
        """Report `key` where it is missing."""
        if key not in self.values:
            self.problem(key, "nothing", "a value: this rule needs it")

    def problem(self, key: str, found: str, expected: str, hint: str = "") -> None:
        """Remember one mistake."""
        self.problems.append(Problem(self.file, f"{self.where}.{key}" if key else self.where, found, expected, hint))

    def finish(self) -> tuple[Problem, ...]:
        """Every problem, unknown keys included. Call it when all keys have been read."""
        for key in self.values:
            if key not in self._known:
                expected = "one of " + ", ".join(sorted(set(self._known) - {"kind"}))
                self.problem(key, "an unknown key", expected, _nearest(key, self._known))
        return tuple(self.problems)

    def _typed(self, key: str, kind: type[T], default: T | None) -> T | None:
        self._known.append(key)
        if key not in self.values:
            return default
        value = self.values[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.problem(key, repr(value), _NAMES[kind])
            return default
        return value


def _nearest(name: str, names: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else ""
