"""Asking models through the real command, and what must hold however bad they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.machine import Done, Machine


@dataclass(frozen=True)
class Asker:
    """A machine, and a model of which nothing is wrong."""

    machine: Machine
    good: Path
    hosted: bool

    def ask(self, path: Path | str, *flags: str, rest: str = "", **settings: Any) -> Done:
        """Ask a model, opened as a profile says; no cache, no record. `rest` stands below the model in the profile."""
        lines = [f"{key} = {value}" for key, value in settings.items()]
        profile = self.machine.write(
            "bad.toml",
            f'schema = 1\n[models.m]\nbackend = "llama.cpp"\nsource = "file:{path}"\n'
            + "".join(f"{line}\n" for line in lines)
            + f'[routes.default]\nuse = "m"\n{rest}\n',
        )
        run = ("run", "--profile", str(profile), "--no-cache", "--no-log", "--param", "max_tokens=3")
        return self.machine.synapse(*run, *flags, "say something")

    def answers_still(self) -> bool:
        """Whether the next request, to a good model, is answered."""
        return self.ask(self.good).code == 0


def is_one_clear_line(done: Done) -> bool:
    """One error, one hint, and nothing that an engine or Python wrote."""
    errors = [line for line in done.lines if line.startswith("synapse: error: ")]
    others = [line for line in done.lines if not line.startswith(("synapse: error: ", "synapse: hint: "))]
    return len(errors) == 1 and not others and not done.out
