"""Decide which file is the profile: named, of the project, the user's own, or the built-in one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from synapse_cli.core import places
from synapse_cli.core.errors import Problem, ProfileError
from synapse_cli.core.witness import Witness

PROJECT_FILE = "synapse.toml"


class Found(NamedTuple):
    """A profile's file, and whether somebody else may have written it."""

    path: str
    """Absolute."""
    name: str
    is_stranger: bool = False
    """True where it was found by walking up from the working directory: nobody named it."""


def find(choice: str | None, *, cwd: str, env: Mapping[str, str], witness: Witness) -> Found:
    """The file that `choice` (--profile), the environment, the project or the user names; else the built-in default.

    Raises ProfileError where a profile was named that is not there.
    """
    if choice is not None:
        return _named(choice, "--profile", cwd, env, witness)
    if env.get("SYNAPSE_PROFILE"):
        return _named(env["SYNAPSE_PROFILE"], "SYNAPSE_PROFILE", cwd, env, witness)
    return of_project(cwd, witness) or _named("default", "the default", cwd, env, witness)


def of_project(cwd: str, witness: Witness) -> Found | None:
    """The nearest synapse.toml, from a folder upwards."""
    folder = os.path.abspath(cwd)
    while True:
        path = os.path.join(folder, PROJECT_FILE)
        if os.path.lexists(path):
            return Found(path, _name_of(path), is_stranger=True)
        witness.looked_for(path)
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def shipped_folder() -> str:
    """Folder of the profiles that come with Synapse: inside a wheel, or the repository's own."""
    here = os.path.dirname(os.path.abspath(__file__))
    packaged = os.path.join(here, "shipped")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(os.path.dirname(here)), "profiles")


def user_folder(env: Mapping[str, str]) -> str:
    """Folder of the user's own profiles."""
    try:
        folder = places.folder("config", env)
    except OSError:  # the short rule does not know; platformdirs may
        from synapse_cli.profile.paths import config_dir

        folder = str(config_dir(env))
    return os.path.join(folder, "profiles")


def named(env: Mapping[str, str]) -> dict[str, str]:
    """Every profile that can be chosen by name, with its path; the user's hide the shipped ones of the same name."""
    return dict(sorted({**shipped(), **_in(user_folder(env))}.items()))


def shipped() -> dict[str, str]:
    """Name and path of each profile that comes with Synapse."""
    return _in(shipped_folder())


def _in(folder: str) -> dict[str, str]:
    files = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return {file[:-5]: os.path.join(folder, file) for file in files if file.endswith(".toml")}


def is_path(choice: str) -> bool:
    """Whether a choice names a file rather than one of the known profiles."""
    return choice.endswith(".toml") or "/" in choice or os.sep in choice


def _named(choice: str, asked_by: str, cwd: str, env: Mapping[str, str], witness: Witness) -> Found:
    if is_path(choice):
        path = os.path.abspath(os.path.join(cwd, os.path.expanduser(choice)))
        return Found(path, _name_of(path))
    for folder in (user_folder(env), shipped_folder()):
        path = os.path.join(folder, f"{choice}.toml")
        if os.path.lexists(path):
            return Found(path, choice)
        witness.looked_for(path)
    raise _unknown(choice, asked_by, named(env))


def _name_of(path: str) -> str:
    folder, file = os.path.split(path)
    return os.path.basename(folder) or "synapse" if file == PROJECT_FILE else os.path.splitext(file)[0]


def _unknown(choice: str, asked_by: str, known: Mapping[str, str]) -> ProfileError:
    import difflib

    close = difflib.get_close_matches(choice, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "a path ends in .toml or has a slash"
    expected = "one of " + ", ".join(known) if known else "a path"
    return ProfileError((Problem(asked_by, "name", f"no profile named {choice!r}", expected, hint),))
