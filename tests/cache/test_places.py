"""The folders as the memo computes them are the folders as everybody else finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.core.places import folder, make_private, models

_ASK = """
import sys
from pathlib import Path
import platformdirs
from synapse_cli.core.places import folder
from synapse_cli.profile import paths
import os
for kind, ours, theirs in (
    ("config", paths.config_dir, platformdirs.user_config_path),
    ("cache", paths.cache_dir, platformdirs.user_cache_path),
    ("state", paths.state_dir, platformdirs.user_state_path),
):
    named = os.environ.get(f"SYNAPSE_{kind.upper()}_DIR")
    expected = Path(named).absolute() if named else theirs("synapse", appauthor=False)
    print(Path(folder(kind, os.environ)), ours(), expected)
"""
ENVIRONMENTS = {
    "nothing but a home": {"HOME": "/home/a"},
    "a home with a slash": {"HOME": "/home/a/"},
    "the root as home": {"HOME": "/"},
    "no home": {},
    "an empty home": {"HOME": ""},
    "a relative home": {"HOME": "home"},
    "XDG": {"HOME": "/home/a", "XDG_CACHE_HOME": "/x/c", "XDG_STATE_HOME": "/x/s", "XDG_CONFIG_HOME": "/x/k"},
    "XDG with a slash": {"HOME": "/home/a", "XDG_CACHE_HOME": "/x/c/"},
    "a relative XDG": {"HOME": "/home/a", "XDG_CACHE_HOME": "x/c", "XDG_STATE_HOME": "./s"},
    "an empty XDG": {"HOME": "/home/a", "XDG_CACHE_HOME": "", "XDG_STATE_HOME": " "},
    "our own": {"HOME": "/home/a", "XDG_CACHE_HOME": "/x/c", "SYNAPSE_CACHE_DIR": "/o/c", "SYNAPSE_STATE_DIR": "o/s"},
    "an empty one of our own": {"HOME": "/home/a", "SYNAPSE_CACHE_DIR": ""},
    "our own with dots": {"HOME": "/home/a", "SYNAPSE_CACHE_DIR": "../c", "SYNAPSE_CONFIG_DIR": "/a//b/./c"},
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no HOME and no XDG; its rule is tested below")
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_three_ways_to_ask_give_the_same_folder(name: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), **ENVIRONMENTS[name]}

    done = subprocess.run(
        [sys.executable, "-c", _ASK], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )

    for line in done.stdout.splitlines():
        memo, ours, theirs = line.split(" ")
        assert memo == ours == theirs
    assert len(done.stdout.splitlines()) == 3


def test_macos_keeps_caches_apart_from_the_rest() -> None:
    home = {"HOME": "/Users/a"}

    assert folder("cache", home, "darwin") == "/Users/a/Library/Caches/synapse"
    assert folder("state", home, "darwin") == "/Users/a/Library/Application Support/synapse"
    assert folder("cache", {**home, "XDG_CACHE_HOME": "/x"}, "darwin") == "/x/synapse"


def test_windows_keeps_everything_under_local_app_data() -> None:
    local = {"LOCALAPPDATA": "/c/Users/a/AppData/Local"}

    assert folder("cache", local, "win32") == "/c/Users/a/AppData/Local/synapse/Cache".replace("/", os.sep)
    assert folder("state", local, "win32") == "/c/Users/a/AppData/Local/synapse".replace("/", os.sep)
    with pytest.raises(OSError, match="LOCALAPPDATA"):
        folder("cache", {}, "win32")


def test_models_are_kept_with_the_state_or_where_the_user_says() -> None:
    home = {"HOME": "/home/a"}

    assert models(home) == "/home/a/.local/state/synapse/models"
    assert models({**home, "SYNAPSE_STATE_DIR": "/s"}) == "/s/models"
    assert models({**home, "SYNAPSE_MODELS_DIR": "/big/disk"}) == "/big/disk"
    assert models({**home, "SYNAPSE_MODELS_DIR": "here"}) == os.path.join(os.getcwd(), "here")


def test_a_private_folder_is_private_with_the_folders_above_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make_private(str(tmp_path / "a" / "b" / "c"))
    finally:
        os.umask(before)

    assert [(tmp_path / each).stat().st_mode & 0o777 for each in ("a", "a/b", "a/b/c")] == [0o700] * 3
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="file"):
        make_private(str(tmp_path / "file" / "d"))
