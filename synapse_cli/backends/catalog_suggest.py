"""Which small models are worth trying here? From a dated list: by task, memory and licence, with the command to run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from synapse_cli.core.errors import UsageError

_OVERHEAD = 1.15
"""Of the weights: window, vocabulary and computing, at the windows that people use."""
_LEAST_OVERHEAD = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One model of the list."""

    name: str
    repo: str
    source: str
    """What `pull` takes, without the quantization."""
    billions: float
    """Parameters."""
    licence: str
    window: int
    tasks: tuple[str, ...]
    sizes: Mapping[str, int]
    """Bytes by quantization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A model that fits, in the finest quantization that does."""

    model: Known
    quantization: str
    size: int
    need: int
    """Bytes of memory, about."""

    @property
    def command(self) -> str:
        """What fetches it."""
        if self.model.source == "minilm":
            return "synapse models pull minilm"
        return f"synapse models pull {self.model.source}:{self.quantization}"


def checked() -> str:
    """The day on which the list was checked."""
    return str(_list()["checked"])


def tasks() -> list[str]:
    """The tasks that the list knows."""
    return sorted({task for model in known() for task in model.tasks})


def known() -> list[Known]:
    """Every model of the list."""
    models = _list()["models"]
    assert isinstance(models, list)
    return [_known(each) for each in models]


def suggest(*, task: str | None, memory: int, licence: str | None) -> list[Suggestion]:
    """Return what fits, the most capable first. Raises UsageError for a task or licence that the list does not have."""
    models = known()
    _check(task, licence, models)
    fitting = []
    for model in models:
        wanted = task in model.tasks if task else "embedding" not in model.tasks
        if wanted and (licence is None or model.licence.startswith(licence.lower())):
            best = _finest(model, memory)
            if best is not None:
                fitting.append(best)
    return sorted(fitting, key=lambda each: (-each.model.billions, each.model.name))


def _finest(model: Known, memory: int) -> Suggestion | None:
    for quantization, size in sorted(model.sizes.items(), key=lambda item: -item[1]):
        need = max(round(size * _OVERHEAD), size + _LEAST_OVERHEAD)
        if need <= memory:
            return Suggestion(model=model, quantization=quantization, size=size, need=need)
    return None


def _check(task: str | None, licence: str | None, models: list[Known]) -> None:
    if task is not None and task not in tasks():
        raise UsageError(f"the list has no task {task!r}", "one of " + ", ".join(tasks()))
    licences = sorted({model.licence for model in models})
    if licence is not None and not any(each.startswith(licence.lower()) for each in licences):
        raise UsageError(f"the list has no licence {licence!r}", "one of " + ", ".join(licences))


def _list() -> dict[str, object]:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "catalog_known.json")
    with open(path, encoding="utf-8") as file:
        found: dict[str, object] = json.load(file)
    return found


def _known(entry: Mapping[str, object]) -> Known:
    tasks_, sizes = entry["tasks"], entry["sizes_mb"]
    assert isinstance(tasks_, list)
    assert isinstance(sizes, dict)
    return Known(
        name=str(entry["name"]),
        repo=str(entry["repo"]),
        source=str(entry.get("source") or entry["repo"]),
        billions=float(str(entry["parameters"])),
        licence=str(entry["licence"]),
        window=int(str(entry["window"])),
        tasks=tuple(map(str, tasks_)),
        sizes={str(name): int(size) * 1_000_000 for name, size in sizes.items()},
    )
