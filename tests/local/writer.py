"""A process that writes by schemas and grammars: one that an engine cannot bear kills it, and not the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("schema_writer.py")


class Writer:
    """The process, with one model; it answers line by line."""

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def write(self, asked: dict[str, object], seed: int = 1) -> dict[str, Any]:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**asked, "seed": seed}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"the process died of {json.dumps(asked)}: {process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._process.stdout.close()
