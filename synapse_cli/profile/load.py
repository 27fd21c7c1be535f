"""Load the profile that a run follows: find it, ask whether it is trusted, take it compiled or parse it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from synapse_cli.core.errors import Problem
from synapse_cli.core.witness import Witness
from synapse_cli.profile import compiled
from synapse_cli.profile.ad_hoc import ad_hoc_model
from synapse_cli.profile.find import Found, find
from synapse_cli.profile.model import Profile
from synapse_cli.profile.origin import Danger, Source

if TYPE_CHECKING:
    from synapse_cli.profile.sources import Sources

__all__ = ["ad_hoc_model", "load", "load_found"]


def load(
    choice: str | None,
    *,
    cwd: str | os.PathLike[str],
    env: Mapping[str, str],
    witness: Witness,
    use_compiled: bool = True,
) -> Profile:
    """The profile named by `choice` (--profile), else by the environment, the project, the user, or the built-in one.

    Raises ProfileError with every problem of every file of it. `witness` is told each file that was read and
    each path that was looked for in vain.
    """
    found = find(choice, cwd=os.fspath(cwd), env=env, witness=witness)
    return load_found(found, env=env, witness=witness, use_compiled=use_compiled)


def load_found(found: Found, *, env: Mapping[str, str], witness: Witness, use_compiled: bool = True) -> Profile:
    """The profile in a file that was found already. Raises ProfileError."""
    known = compiled.recall(found.path, env, witness) if use_compiled else None
    if known is None or not _is_free(found, known.files, known.dangers, env, witness):
        known, is_whole = _parsed(found, env, witness)
        if use_compiled and is_whole:
            compiled.keep(known, env)
    return _marked(known, found)


def _is_free(
    found: Found, files: tuple[Source, ...], dangers: tuple[Danger, ...], env: Mapping[str, str], witness: Witness
) -> bool:
    """Whether the profile may do all that it says: nothing it says needs trust, or it has it."""
    if not (found.is_stranger and dangers):
        return True
    from synapse_cli.profile.trust import is_trusted

    return is_trusted(files, env, witness)


def _parsed(found: Found, env: Mapping[str, str], witness: Witness) -> tuple[compiled.Compiled, bool]:
    """The profile from its TOML, and whether every rule of it could be judged. Raises ProfileError."""
    from synapse_cli.profile import relative, trust
    from synapse_cli.profile import sources as toml
    from synapse_cli.profile.refusal import refusal

    sources = toml.read(found.path, witness)
    if sources.problems:
        raise refusal(sources.problems)
    relative.resolve(sources)
    dangers = tuple(trust.dangers(sources))
    chain = tuple(sources.files)
    is_free = _is_free(found, chain, dangers, env, witness)
    profile, is_whole = _judged(found, sources, witness, () if is_free else dangers)
    return compiled.Compiled(profile, tuple(sources.files), dangers), is_whole


def _judged(found: Found, sources: Sources, witness: Witness, forbidden: tuple[Danger, ...]) -> tuple[Profile, bool]:
    """Check and build; plugins are imported only where nothing is forbidden. Raises ProfileError."""
    from synapse_cli.profile import build, cross
    from synapse_cli.profile.parse import parse
    from synapse_cli.profile.refusal import refusal

    table = parse(sources)
    warnings = cross.check(table, sources, may_import=not forbidden)
    profile = build.build(table, sources, witness, name=found.name)
    cross.check_schemas(profile, sources)
    problems = [*_in_file_order(sources), *(_not_allowed(danger) for danger in forbidden)]
    if problems:
        hint = f"read it, then see what it asks for and allow it: synapse trust {found.path}" if forbidden else ""
        raise refusal(problems, hint)
    return replace(profile, warnings=(*profile.warnings, *warnings)), not warnings


def _in_file_order(sources: Sources) -> list[Problem]:
    import re

    from synapse_cli.profile.sources import dotted

    places = {(file, dotted(where)): at for at, (where, file) in enumerate(sources.origin.items())}

    def place(problem: Problem) -> tuple[int, list[int]]:
        where = problem.where
        while where and (problem.file, where) not in places:
            where = where.rpartition("[" if where.endswith("]") else ".")[0]
        rest = problem.where.removeprefix(where)
        return places.get((problem.file, where), -1), [int(number) for number in re.findall(r"\[(\d+)\]", rest)]

    return sorted(sources.problems, key=place)


def _not_allowed(danger: Danger) -> Problem:
    expected = "nothing of the kind in a project's profile that you have not trusted"
    return Problem(danger.file, danger.where, f"a line that {danger.what}", expected)


def _marked(known: compiled.Compiled, found: Found) -> Profile:
    """The profile under the name it was asked for; a stranger's models say so."""
    profile = known.profile if known.profile.name == found.name else replace(known.profile, name=found.name)
    if not found.is_stranger or known.dangers:  # with dangers it came this far only because it is trusted
        return profile
    return replace(profile, models={name: replace(model, trusted=False) for name, model in profile.models.items()})
