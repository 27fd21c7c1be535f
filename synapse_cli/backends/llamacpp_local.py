"""What is a local model right now: its file, how it is opened, what it takes, and its engine?

The file is looked at before each request: one that was replaced is loaded anew, one that was damaged is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synapse_cli.backends.catalog_paths import model_path
from synapse_cli.backends.gguf import Header, Stamp, check_tokens, read_header, stamp
from synapse_cli.backends.llamacpp_pool import Wanted, pool
from synapse_cli.backends.llamacpp_settings import Settings, settings
from synapse_cli.core.control import Control
from synapse_cli.profile.model import PROMPT_LOOKUP, Model

if TYPE_CHECKING:
    from synapse_cli.backends.llamacpp_engine import Engine


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a file, as it was at one moment, is loaded."""

    wanted: Wanted
    placed: Settings
    """With the layers that its devices take; what they have free must not make another engine of it."""
    notes: tuple[str, ...]
    """What to say once, when it is loaded."""


class LocalModel:
    """A model of the profile whose file is on this machine. Safe from several threads."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._header: Header | None = None
        self._planned: _Plan | None = None
        self._draft = _draft(model)

    def header(self) -> Header:
        """What the file says of itself, read anew where it has changed."""
        path = model_path(self._model)
        header = self._header
        if header is None or header.path != path or stamp(header.parts) != header.stamp:
            header = self._header = read_header(path)
        return header

    @contextmanager
    def lend(self, control: Control) -> Iterator[tuple[Header, Engine, tuple[str, ...]]]:
        """The model's engine for one answer, and what to say of it if it was loaded for this one."""
        header = self.header()
        seen = header.stamp + stamp(self._beside())
        plan = self._planned
        if plan is None or plan.wanted.stamp != seen:
            plan = self._planned = self._plan(header, seen)
        notes: list[str] = []

        def load() -> Engine:
            from synapse_cli.backends.llamacpp_engine import Engine

            check_tokens(header.path)
            notes.extend(plan.notes)
            return Engine(plan.placed, control)

        with pool().lend(plan.wanted, load, control) as engine, engine.in_use():
            yield header, engine, tuple(notes)

    def _beside(self) -> tuple[str, ...]:
        """Files that its answers hang on beside its own."""
        drafts = self._draft.header().parts if self._draft else ()
        return (*(adapter.file for adapter in self._model.lora), *drafts)

    def _plan(self, header: Header, seen: Stamp) -> _Plan:
        from synapse_cli.backends.llamacpp_devices import devices, place, without_device
        from synapse_cli.backends.llamacpp_lora import check_adapters
        from synapse_cli.backends.llamacpp_memory import estimate

        model = self._model
        draft = self._draft.header() if self._draft else None
        opened, found = replace(settings(model, header), draft=draft.path if draft else ""), devices()
        placed = place(opened, header, found)
        need = estimate(header, opened.window, seats=opened.seats, gpu_layers=placed.gpu_layers)
        wanted = Wanted(
            name=model.name,
            key=opened,
            header=header,
            stamp=seen,
            window=opened.window,
            need=need.with_weights(check_adapters(model.lora, header) + _draft_bytes(draft, opened)),
            keep_alive_s=model.keep_alive_s,
        )
        return _Plan(wanted, placed, without_device(model, found))


def _draft(model: Model) -> LocalModel | None:
    """The model that guesses ahead."""
    if model.draft in (None, PROMPT_LOOKUP):
        return None
    return LocalModel(Model(name=str(model.draft), backend=model.backend, source=model.draft_source))


def _draft_bytes(draft: Header | None, opened: Settings) -> int:
    from synapse_cli.backends.llamacpp_memory import estimate

    return 0 if draft is None else estimate(draft, opened.window, seats=1).total
