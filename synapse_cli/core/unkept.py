"""How is it said that something could not be kept: in one line, however many files a full disk or a lock has hit?"""

from __future__ import annotations

from collections.abc import Sequence

_STRANGER_PATH = ": '"
"""How the operating system's errors name a file: here often a draft's, which says nothing to anybody."""


class Unkept(str):
    """A warning about a file that holds what is only a help: what it is, why it is no use, and what that means."""

    __slots__ = ("effect", "what", "why")

    what: str
    why: str
    effect: str

    @classmethod
    def of(cls, what: str, error: BaseException | str, effect: str, *, use: str = "used", hint: str = "") -> Unkept:
        """`what` cannot be used (or written): the error in its own words, and then the effect."""
        why = _reason(error)
        made = cls(f"{what} cannot be {use}: {why}: {effect}" + (f" ({hint})" if hint else ""))
        made.what, made.why, made.effect = what, why, effect
        return made


def gathered(warnings: Sequence[str]) -> list[str]:
    """The same warnings, those of things that could not be kept in one line where the first of them stood."""
    unkept = [warning for warning in warnings if isinstance(warning, Unkept)]
    if len(unkept) < 2:
        return list(warnings)
    what, why, effect = (dict.fromkeys(getattr(one, part) for one in unkept) for part in ("what", "why", "effect"))
    line = f"{_listed(list(what))} cannot be used: {', '.join(why)}: {'; '.join(effect)}"
    return [line if one is unkept[0] else one for one in warnings if one is unkept[0] or not isinstance(one, Unkept)]


def _reason(error: BaseException | str) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition(_STRANGER_PATH)[0]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
