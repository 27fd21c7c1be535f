"""Where Synapse's folders are, told without importing platformdirs (a third of a memo's whole allowance).

The rule is platformdirs' own, and a test holds the two equal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing costs a memo hit as much as Python itself; mypy takes the name for true
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    Kind = Literal["config", "cache", "state"]

_UNIX = {"config": ".config", "cache": ".cache", "state": ".local/state"}
_MACOS = {
    "config": "Library/Application Support",
    "cache": "Library/Caches",
    "state": "Library/Application Support",
}


def folder(kind: Kind, env: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the absolute path of one of Synapse's folders.

    Raises OSError where the environment does not say enough to know it.
    """
    override = env.get(f"SYNAPSE_{kind.upper()}_DIR")
    if override:
        return os.path.join(os.getcwd(), override)
    if platform == "win32":
        return _windows(kind, env)
    named = env.get(f"XDG_{kind.upper()}_HOME", "")
    if named.startswith("/"):
        return os.path.join(named, "synapse")
    return os.path.join(_home(env), (_MACOS if platform == "darwin" else _UNIX)[kind], "synapse")


def models(env: Mapping[str, str]) -> str:
    """Return the absolute path of the store of downloaded models. Raises OSError as `folder` does.

    Not the cache: what `rollback` needs must not go when somebody clears that.
    """
    override = env.get("SYNAPSE_MODELS_DIR")
    return os.path.join(os.getcwd(), override) if override else os.path.join(folder("state", env), "models")


def make_private(path: str) -> None:
    """Make a folder that only its owner can enter, where it is missing, and so those above it. Raises OSError."""
    if os.path.isdir(path):
        return
    above = os.path.dirname(path)
    if above not in ("", path):
        make_private(above)  # `os.makedirs` would leave these open to all
    try:
        os.mkdir(path, mode=0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def _windows(kind: Kind, env: Mapping[str, str]) -> str:
    base = env.get("WIN_PD_OVERRIDE_LOCAL_APPDATA", "").strip() or env.get("LOCALAPPDATA", "")
    if not base:
        raise OSError("LOCALAPPDATA is not set")
    return os.path.join(os.path.normpath(base), "synapse", *(["Cache"] if kind == "cache" else []))


def _home(env: Mapping[str, str]) -> str:
    home = env.get("HOME", "")
    if not home.startswith("/"):
        import pwd

        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError as error:
            raise OSError("HOME is not set and this user has no home folder") from error
    return home.rstrip("/") or "/"
