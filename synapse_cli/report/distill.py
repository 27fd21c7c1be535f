"""How is a student told of: what it may answer, what it learned from, and what to write into the profile?"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from synapse_cli.core.prompt import Json
from synapse_cli.profile.model import Profile, Route

Row = Mapping[str, Json]
_WORST = 12
"""Values shown at a terminal or in a pipe; --json has them all."""


def lines(told: Row) -> list[str]:
    """The figures, for people."""
    what = [f"route       {told['route']}", f"texts       {told['texts']}{_teachers(told)}", *_excluded(told)]
    promise = told["promise"]
    if not isinstance(promise, dict):
        return [*what, f"certified   nothing{_needed(told)}"]
    what.append(
        f"answers     {_share(promise['coverage'])} of texts ({promise['answered']} of {told['texts']}, unseen)"
    )
    what.append(f"agreement   {_share(promise['found'])} of these ({promise['disagreed']} are otherwise)")
    what.append(f"certified   {told['says']}")
    beside = told["by_words"]
    if told["encoder"] is not None:
        alone = _share(beside["coverage"]) if isinstance(beside, dict) else "nothing"
        what.append(f"reads       words, and {told['encoder']} where they are not sure (words alone: {alone})")
    else:
        what.append("reads       words alone")
    return what


def header() -> tuple[str, ...]:
    """Of the table of values."""
    return ("answer", "texts", "answered", "otherwise")


def cells(values: Sequence[Row]) -> tuple[list[tuple[str, ...]], int]:
    """The rows of the table, the worst first, and how many are left out."""
    ranked = sorted(values, key=lambda row: (-_whole(row["disagreed"]), _answered_share(row), _name(row)))
    shown = ranked[:_WORST]
    found: list[tuple[str, ...]] = [
        (_name(row), str(row["texts"]), _share(_answered_share(row)), str(row["disagreed"])) for row in shown
    ]
    return found, len(ranked) - len(shown)


def toml(profile: Profile, route: Route, path: str, encoder: str | None) -> list[str]:
    """The lines that make the student the first tier of the route."""
    name = _free(f"{route.name}-student", profile)
    found = [f"[models.{_key(name)}]", 'backend = "student"', f"source = {_text('file:' + os.path.abspath(path))}"]
    if encoder is not None:
        found.append(f"encoder = {_text(encoder)}")
    used = route.use or (route.fallback[0] if route.fallback else "")
    if used in profile.cascades:
        tiers = [name, *(tier for tier in profile.cascades[used].tiers if profile.models[tier].backend != "student")]
        return [*found, "", f"[cascades.{_key(used)}]", f"tiers = [{', '.join(map(_text, tiers))}]"]
    cascade = _free(f"{route.name}-cascade", profile)
    found += ["", f"[cascades.{_key(cascade)}]", f"tiers = [{_text(name)}, {_text(used)}]"]
    return [*found, "", f"[routes.{_key(route.name)}]", f"use = {_text(cascade)}"]


def _teachers(told: Row) -> str:
    teachers = told["teachers"]
    if not isinstance(teachers, dict) or not teachers:
        return ""
    return ", answered by " + ", ".join(f"{name} ({count})" for name, count in teachers.items())


def _excluded(told: Row) -> list[str]:
    excluded = told["excluded"]
    if not isinstance(excluded, dict) or not excluded:
        return []
    return ["left out    " + ", ".join(f"{count} {why}" for why, count in excluded.items())]


def _needed(told: Row) -> str:
    needed = told["needed_texts"]
    if not isinstance(needed, int):
        return ": too many of the surest answers are otherwise; more texts alone will not do"
    return f": about {needed:,} texts such as these would be enough"


def _name(row: Row) -> str:
    value = row["value"] if isinstance(row["value"], str) else json.dumps(row["value"], ensure_ascii=False)
    return str(value) if row["field"] is None else f"{row['field']}: {value}"


def _answered_share(row: Row) -> float:
    return _whole(row["answered"]) / max(1, _whole(row["texts"]))


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _share(value: Json) -> str:
    return f"{float(value):.1%}" if isinstance(value, int | float) else "?"


def _free(name: str, profile: Profile) -> str:
    """A name that neither a model nor a cascade has; the student's own, where it was pasted before."""
    known = profile.models.get(name)
    if known is not None and known.backend == "student":
        return name
    number, found = 2, name
    while found in profile.models or found in profile.cascades:
        number, found = number + 1, f"{name}-{number}"
    return found


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else _text(name)


def _text(value: str) -> str:
    """A text of TOML: JSON's escapes are among its own."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
