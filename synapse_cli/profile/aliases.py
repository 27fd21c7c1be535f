"""Which model does a user's own short name mean? Written by `synapse models add` and `alias`, read by `-m`.

A name of the profile comes before an alias of the same name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

from synapse_cli.core import places
from synapse_cli.core.errors import InputError, Problem, ProfileError, UsageError
from synapse_cli.core.witness import Witness

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+-]*")
_TAKEN = frozenset({"nano", "minilm"})


def path(env: Mapping[str, str]) -> str:
    """The file of aliases."""
    return os.path.join(places.folder("config", env), "aliases.json")


def known(env: Mapping[str, str], witness: Witness | None = None) -> dict[str, str]:
    """Every alias with what it means. Raises ProfileError where the file is damaged."""
    at = path(env)
    try:
        with open(at, encoding="utf-8") as file:
            table = json.load(file)
        if witness is not None:
            witness.read(at)
    except (FileNotFoundError, NotADirectoryError):
        if witness is not None:
            witness.looked_for(at)
        return {}
    except OSError as error:
        raise InputError(f"cannot read {at}: {error.strerror}", "check its mode") from error
    except ValueError as error:
        raise _damaged(at) from error
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise _damaged(at)
    return table


def write(name: str, target: str | None, env: Mapping[str, str]) -> str:
    """Give a name a meaning, or with None take it away; return the file. Raises UsageError for an odd name."""
    from pathlib import Path

    from synapse_cli.profile.paths import write_private

    check(name)
    names = known(env)
    if target is None:
        names.pop(name, None)
    else:
        names[name] = target
    at = path(env)
    try:
        write_private(Path(at), _as_json(names) + "\n")
    except OSError as error:
        raise InputError(f"cannot write {at}: {error.strerror}", "check the folder's mode") from error
    return at


def check(name: str) -> None:
    """Raise UsageError where a text cannot be a name."""
    if not _NAME.fullmatch(name) or name.endswith(".gguf"):
        raise UsageError(f"{name!r} cannot be a name", "letters, digits and _ - . : (no slash, no .gguf at the end)")
    if name in _TAKEN:
        raise UsageError(f"{name!r} is the name of a model that comes with Synapse", "choose another name")


def _as_json(names: Mapping[str, str]) -> str:
    """Readable, but for a path that is no UTF-8, which JSON can only escape."""
    text = json.dumps(dict(sorted(names.items())), indent=2, ensure_ascii=False)
    return text if _is_utf8(text) else json.dumps(dict(sorted(names.items())), indent=2)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _damaged(at: str) -> ProfileError:
    hint = "delete the file, and add the names again"
    return ProfileError((Problem(at, "the file", "something else", "names and what they mean, as JSON", hint),))
