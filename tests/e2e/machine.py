"""A machine of one's own for each test: an empty home, a working folder, and the real `synapse` command."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SYNAPSE = str(Path(sys.executable).with_name("synapse"))
PATIENCE_S = 300
"""How long any one process may take on a busy machine with two cores; nothing here measures time."""

ECHO = """schema = 1
[models.echo]
backend = "scripted"
record = "~/calls.jsonl"
replies = [{ match = "", text = "an answer" }]
[routes.default]
use = "echo"
"""


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on stderr, line by line."""
        return self.err.splitlines()

    @property
    def json(self) -> Any:
        """What it printed, read as one JSON text."""
        return json.loads(self.out)


class Machine:
    """An empty home and a working folder. Nothing that a test does here is seen by another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.work = root / "work"
        self.config = self.home / ".config" / "synapse"
        self.cache = self.home / ".cache" / "synapse"
        self.state = self.home / ".local" / "state" / "synapse"
        self.calls_file = self.home / "calls.jsonl"
        for folder in (self.home, self.work):
            folder.mkdir(parents=True)
        self.env = {
            "HOME": str(self.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "SYNAPSE_HOSTS": "off",
            # Whoever tries to leave this machine meets a port where nobody listens.
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the working folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def use(self, profile: str) -> Path:
        """Make a profile the user's default."""
        path = self.config / "profiles" / "default.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(profile, encoding="utf-8")
        return path

    def says(self, text: str, **more: object) -> Path:
        """Make a profile the user's default whose only model answers this text to everything."""
        reply = {"match": "", "text": text, **more}
        return self.use(ECHO.replace('{ match = "", text = "an answer" }', toml_of(reply)))

    def synapse(self, *arguments: str, stdin: bytes | str | None = None, **options: Any) -> Done:
        """Run the command to its end; without `stdin` it has an empty one."""
        return self.process([SYNAPSE, *arguments], stdin=stdin, **options)

    def shell(self, script: str, **options: Any) -> Done:
        """Run a line of shell in the working folder."""
        return self.process(["bash", "-c", script], **options)

    def process(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Done:
        """Run any command with this machine's environment; `env` adds to it."""
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL}
        if stdin is not None:
            given = {"input": stdin.encode() if isinstance(stdin, str) else stdin}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given | options
        done = subprocess.run(
            command, cwd=cwd or self.work, env={**self.env, **(env or {})}, timeout=PATIENCE_S, check=False, **streams
        )
        return Done(done.returncode, done.stdout or b"", (done.stderr or b"").decode("utf-8", "replace"))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call that reached a scripted model which records to `~/calls.jsonl`."""
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text(encoding="utf-8").splitlines()]

    def ledger(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the ledger's file; nothing where there is none."""
        path = self.state / "ledger.sqlite3"
        if not path.exists():
            return []
        book = sqlite3.connect(path, timeout=10)
        try:
            return book.execute(query).fetchall()
        finally:
            book.close()

    @property
    def runs(self) -> list[tuple[int, str]]:
        """Exit code and source of the decision of each run, in order of time."""
        return self.ledger(
            "SELECT exit_code, source FROM runs LEFT JOIN decisions ON run = id ORDER BY started, runs.rowid"
        )


def toml_of(value: object) -> str:
    """One value as TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_of(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
