"""Where Synapse keeps things: configuration, cache and state, by platformdirs or the user's SYNAPSE_*_DIR."""

from __future__ import annotations

import os
from pathlib import Path

_APP = "synapse"


def config_dir() -> Path:
    """Folder of the user's profiles and trust list."""
    return _folder("SYNAPSE_CONFIG_DIR", "user_config_path")


def cache_dir() -> Path:
    """Folder of answers, memos and compiled profiles: safe to delete."""
    return _folder("SYNAPSE_CACHE_DIR", "user_cache_path")


def state_dir() -> Path:
    """Folder of the ledger."""
    return _folder("SYNAPSE_STATE_DIR", "user_state_path")


def _folder(variable: str, function: str) -> Path:
    override = os.environ.get(variable)
    if override:
        return Path(override).absolute()
    import platformdirs

    path: Path = getattr(platformdirs, function)(_APP, appauthor=False)
    return path


def private_folder(path: Path) -> Path:
    """Create a folder that only its owner can enter (0700 from creation on). Raises OSError."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """Create an empty file that only its owner can read (0600 from creation on) where there is none. Raises OSError."""
    if not path.exists():
        private_folder(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return path
