"""A person at a shell: an empty home, the `synapse` of this environment, and bash, which runs what they type."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BIN = Path(sys.executable).parent
_END = "\x1e"
ROOT = Path(__file__).resolve().parents[2]
HOME, PLACE = "/home/you", "/opt/synapse"
"""How the home folder and the place where Synapse is installed are written in documents."""


class Shell:
    """One session: what a command sets is there for the next. stdin is empty, stderr goes where stdout goes."""

    def __init__(self, root: Path, *, told_of_nano: bool = True) -> None:
        self.home = root / "home"
        self.folder = self.home / "work"
        self.folder.mkdir(parents=True)
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "SYNAPSE_HOSTS": "off",
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
            "TERM": "dumb",
            # `pip install ./plugin` of a document is real, but goes into this home, and asks no index
            "PYTHONPATH": str(self.home / "site"),
            "PIP_TARGET": str(self.home / "site"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        }
        if told_of_nano:
            state = self.home / ".local" / "state" / "synapse"
            state.mkdir(parents=True, mode=0o700)
            (state / "told-nano").touch()

    def write(self, name: str, text: str) -> Path:
        """Put a file into the working folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def type(self, commands: Sequence[str]) -> list[str]:
        """Run the commands in one bash, and return what each printed."""
        keep_status = f"__status=$?; printf '{_END}'; (exit $__status)"
        script = "\n".join(["exec 2>&1", *(f"{command}\n{keep_status}" for command in commands)])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=300,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace").replace(str(self.home), HOME).replace(str(ROOT), PLACE)
        printed = said.split(_END)
        assert len(printed) == len(commands) + 1, f"the shell ended early: {printed}"
        return printed[:-1]
