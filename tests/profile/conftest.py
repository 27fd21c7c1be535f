"""A user of their own for every test: empty home, configuration, cache and state."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.core.witness import Witness
from synapse_cli.profile.load import load
from synapse_cli.profile.model import Profile


class User:
    """Somebody's machine: folders, an environment, and what they can do with Synapse."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = root / "work" / "project"
        self.config = root / "config"
        self.cache = root / "cache"
        for folder in (self.home, self.project, self.config, self.cache):
            folder.mkdir(parents=True)
        self.env = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "SYNAPSE_CONFIG_DIR": str(self.config),
            "SYNAPSE_CACHE_DIR": str(self.cache),
            "SYNAPSE_STATE_DIR": str(root / "state"),
        }
        self.witness = Witness()

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def load(self, choice: str | Path | None = None, *, use_compiled: bool = True) -> Profile:
        """Load a profile from the project's folder, as a run would."""
        named = None if choice is None else str(choice)
        self.witness = Witness()
        return load(named, cwd=self.project, env=self.env, witness=self.witness, use_compiled=use_compiled)

    def synapse(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the real command in the project's folder."""
        return self._start(["-m", "synapse_cli", *arguments], stdin)

    def python(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script of Python in the project's folder."""
        return self._start(["-c", script, *arguments], None)

    def at_terminal(self, *arguments: str, typed: str, after: str) -> tuple[str, int]:
        """Run the real command at a terminal of its own, and type something once it has asked."""
        import pty

        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.project)
            env = {**self.env, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "dumb"}
            os.execve(sys.executable, [sys.executable, "-m", "synapse_cli", *arguments], env)
        said = self._read_until(terminal, after)
        os.write(terminal, typed.encode())
        said += self._read_until(terminal, None, again=typed)
        os.close(terminal)
        return said, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    @staticmethod
    def _read_until(terminal: int, wanted: str | None, again: str = "") -> str:
        """Read what is said; what was typed is typed again where nothing follows: a key can fall between two states."""
        said = ""
        while wanted is None or wanted not in said:
            if again and not select.select([terminal], [], [], 5.0)[0]:
                os.write(terminal, again.encode())
                continue
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # Linux's way of saying that the other side has closed
                break
            if not piece:
                break
            said += piece.decode()
        return said

    def _start(self, arguments: list[str], stdin: str | None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project,
            env={**self.env, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.DEVNULL if stdin is None else None,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User(tmp_path)
