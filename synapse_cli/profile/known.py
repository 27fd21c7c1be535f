"""List the profiles there are, write one, and make one the user's default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from synapse_cli.core.errors import InputError, ProfileError, UsageError
from synapse_cli.core.prompt import Json
from synapse_cli.core.witness import Witness
from synapse_cli.profile import find as finding
from synapse_cli.profile.origin import Danger, Source
from synapse_cli.profile.paths import write_private

_BY_USE = "# Written by `synapse profile use`; run it again to follow another profile."


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One profile that can be followed."""

    name: str
    path: str
    origin: Literal["project", "user", "shipped"]
    active: bool
    """Whether `synapse run` follows it here, without --profile."""

    def as_json(self) -> dict[str, Json]:
        """The row as lists print it."""
        return asdict(self)


def known(*, cwd: str, env: Mapping[str, str]) -> list[Known]:
    """The project's profile, if there is one, then every profile with a name; a broken choice makes none active."""
    active = _active(cwd, env)
    rows = []
    without = {key: value for key, value in env.items() if key != "SYNAPSE_PROFILE"}
    nearest = finding.find(None, cwd=cwd, env=without, witness=Witness())
    if nearest.is_stranger:
        rows.append(Known(name=nearest.name, path=nearest.path, origin="project", active=nearest.path == active))
    for name, path in finding.named(env).items():
        origin: Literal["user", "shipped"] = "user" if path.startswith(finding.user_folder(env)) else "shipped"
        rows.append(Known(name=name, path=path, origin=origin, active=path == active))
    return rows


def write_default(env: Mapping[str, str], text: str, *, force: bool) -> str:
    """Write the user's default profile and return its path. Raises UsageError where there is one already."""
    path = os.path.join(finding.user_folder(env), "default.toml")
    _refuse_overwriting(path, force)
    return _written(path, text)


def write_project(cwd: str, text: str, *, force: bool) -> str:
    """Write ./synapse.toml and return its path. Raises UsageError where there is one already."""
    path = os.path.join(os.path.abspath(cwd), finding.PROJECT_FILE)
    _refuse_overwriting(path, force)
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}") from error
    return path


def use(choice: str, *, cwd: str, env: Mapping[str, str], force: bool) -> str:
    """Make a profile the user's default and return the default's path.

    Raises ProfileError where it is wrong, UsageError where it would replace a default that the user wrote.
    """
    from synapse_cli.profile.load import load_found

    found = finding.find(choice, cwd=cwd, env=env, witness=Witness())
    load_found(found, env=env, witness=Witness(), use_compiled=False)
    path = os.path.join(finding.user_folder(env), "default.toml")
    if os.path.realpath(found.path) == os.path.realpath(path):
        return path
    if not _is_by_use(path):
        _refuse_overwriting(path, force)
    return _written(path, f"{_BY_USE}\n{_following(found.path)}")


def project_file(path: str | None, *, cwd: str) -> str:
    """The profile to trust: the one that is named, or the project's. Raises UsageError where there is none."""
    if path is not None:
        target = os.path.abspath(os.path.join(cwd, os.path.expanduser(path)))
        return os.path.join(target, finding.PROJECT_FILE) if os.path.isdir(target) else target
    found = finding.of_project(cwd, Witness())
    if found is None:
        raise UsageError("there is no synapse.toml here or above", "name the file: synapse trust PATH")
    return found.path


def asks_for(path: str) -> tuple[tuple[Source, ...], tuple[Danger, ...]]:
    """The files of a profile, and everything in them that needs trust. Raises ProfileError where one is unreadable."""
    from synapse_cli.profile import relative, sources, trust
    from synapse_cli.profile.refusal import refusal

    read = sources.read(path, Witness())
    if read.problems:
        raise refusal(read.problems)
    relative.resolve(read)
    return tuple(read.files), tuple(trust.dangers(read))


def _active(cwd: str, env: Mapping[str, str]) -> str | None:
    try:
        return finding.find(None, cwd=cwd, env=env, witness=Witness()).path
    except ProfileError:
        return None


def _refuse_overwriting(path: str, force: bool) -> None:
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path!r} is there already", "--force overwrites it; --print shows what would be written")


def _written(path: str, text: str) -> str:
    try:
        write_private(Path(path), text)
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error.strerror}") from error
    return path


def _is_by_use(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().rstrip("\n") == _BY_USE
    except (OSError, UnicodeDecodeError):
        return False


def _following(path: str) -> str:
    """The line that follows a profile; one of ours by its name, since the folder it lies in may move."""
    import json

    folder, file = os.path.split(path)
    target = f"builtin:{file.removesuffix('.toml')}" if folder == finding.shipped_folder() else path
    return f"extends = [{json.dumps(target, ensure_ascii=False)}]\n"
