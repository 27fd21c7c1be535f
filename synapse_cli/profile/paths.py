"""Where Synapse keeps things: configuration, cache and state, by platformdirs or the user's SYNAPSE_*_DIR."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_APP = "synapse"


def config_dir(env: Mapping[str, str] | None = None) -> Path:
    """Folder of the user's profiles and trust list."""
    return _folder("SYNAPSE_CONFIG_DIR", "user_config_path", ("XDG_CONFIG_HOME", ".config"), env)


def cache_dir(env: Mapping[str, str] | None = None) -> Path:
    """Folder of answers, memos and compiled profiles: safe to delete."""
    return _folder("SYNAPSE_CACHE_DIR", "user_cache_path", ("XDG_CACHE_HOME", ".cache"), env)


def state_dir(env: Mapping[str, str] | None = None) -> Path:
    """Folder of the ledger."""
    return _folder("SYNAPSE_STATE_DIR", "user_state_path", ("XDG_STATE_HOME", ".local/state"), env)


def _folder(variable: str, function: str, xdg: tuple[str, str], env: Mapping[str, str] | None) -> Path:
    env = os.environ if env is None else env
    override = env.get(variable)
    if override:
        return Path(override).absolute()
    home, base = env.get("HOME", ""), env.get(xdg[0], "")
    if sys.platform == "linux" and home.startswith("/"):  # as platformdirs says, without the milliseconds it costs
        return Path(base, _APP) if base.startswith("/") else Path(home, xdg[1], _APP)
    import platformdirs

    path: Path = getattr(platformdirs, function)(_APP, appauthor=False)
    return path


def private_folder(path: Path) -> Path:
    """Create a folder that only its owner can enter (0700 from creation on). Raises OSError."""
    if not path.is_dir():
        private_folder(path.parent)  # XDG asks for 0700 of the folders above too, where they are missing
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """Create an empty file that only its owner can read (0600 from creation on) where there is none. Raises OSError."""
    if not path.exists():
        private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only; a reader sees the old or the new. Raises OSError."""
    private_folder(path.parent)
    scratch = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    handle = os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(scratch, path)
    except OSError:
        scratch.unlink(missing_ok=True)
        raise
