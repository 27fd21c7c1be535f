"""Which models have ended their host, how often in a row, and is one set aside for it?

Counted per model, file and settings: whoever changes one of these starts anew, and so does an answer.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from synapse_cli.core.errors import ModelUnusable

MOST = 2
"""Deaths in a row after which a model is not asked any more."""
_FOLDER = "deaths"


class Deaths(NamedTuple):
    """How often in a row, and how the last one was."""

    times: int
    how: str


def recorded(folder: str, mark: str) -> Deaths | None:
    """What is counted for a model, or None: the usual case costs one look."""
    try:
        with open(os.path.join(folder, _FOLDER, mark), encoding="utf-8") as file:
            return Deaths(*json.load(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return None


def record(folder: str, mark: str, how: str) -> None:
    """Count one more."""
    before = recorded(folder, mark)
    path = os.path.join(folder, _FOLDER, mark)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        scratch = f"{path}.{os.getpid()}"
        with open(scratch, "w", encoding="utf-8") as file:
            json.dump([before.times + 1 if before else 1, how], file)
        os.replace(scratch, path)
    except OSError:
        return  # what cannot be counted is not refused


def forget(folder: str, mark: str) -> None:
    """A model has answered: it starts anew."""
    try:
        os.unlink(os.path.join(folder, _FOLDER, mark))
    except OSError:
        return


def refusal(name: str, found: Deaths) -> ModelUnusable:
    """What is said of a model that is set aside."""
    return ModelUnusable(
        f"{name} is set aside: {found.how}, {found.times} times in a row",
        "change its file or its settings, or ask it all the same with --force",
    )
