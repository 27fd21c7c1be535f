"""Which files of a repository are meant: the one that is named, a quantization, or the best that fits in memory?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from synapse_cli.backends.catalog_hub import RemoteFile, Repository
from synapse_cli.backends.catalog_source import Hub
from synapse_cli.backends.llamacpp_memory import size as said
from synapse_cli.core.errors import ModelMissing, ModelUnusable

_SPLIT = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_QUANTIZATION = re.compile(
    r"(?:^|[-._/])((?:UD-)?I?Q\d(?:_[0-9A-Z]+)*|BF16|FP16|F16|F32|MXFP4|TQ\d_0)(?=[-._/]|$)", re.IGNORECASE
)
_NOT_A_MODEL = re.compile(r"mmproj|imatrix|ggml-vocab|(^|[-/.])lora[-.]", re.IGNORECASE)
_BITS = re.compile(r"(?:UD-)?I?Q(\d)")
_MOST_BITS = 8
"""More bits than these cost memory and time, and answer no better."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The files of one model, in order, and why it was these."""

    files: tuple[RemoteFile, ...]
    why: str

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size or 0 for file in self.files)

    @property
    def quantization(self) -> str | None:
        """As its name says."""
        return quantization_of(self.files[0].name)


Need: TypeAlias = Callable[[Choice], int]
"""Tells the bytes of memory that a model would take."""


def choose(source: Hub, found: Repository, memory: int, need: Need) -> Choice:
    """Return the files that the source means; `memory` is what a model may take where it names no quantization.

    `need` is asked only then, of the largest file first. Raises ModelMissing, with what there is, where the repository
    has nothing of the kind, ModelUnusable where nothing fits.
    """
    models = models_of(found)
    if source.file is not None:
        return _named(source.file, found, models)
    if not models:
        hint = "look for a repository whose name ends in GGUF"
        raise ModelMissing(f"{source.repo} has no GGUF file", hint)
    if source.quantization is not None:
        return _quantized(source.quantization, source.repo, models)
    if len(models) == 1:
        return Choice(models[0].files, "the only model there")
    return _fitting(source.repo, models, memory, need)


def models_of(found: Repository) -> list[Choice]:
    """Every model of a repository, smallest first; the parts of a split one are one model."""
    groups: dict[str, list[RemoteFile]] = {}
    for file in sorted(found.files, key=lambda file: file.name):
        if file.name.lower().endswith(".gguf") and not _NOT_A_MODEL.search(file.name):
            part = _SPLIT.fullmatch(file.name)
            groups.setdefault(part[1] if part else file.name, []).append(file)
    return sorted((Choice(tuple(files), "") for files in groups.values()), key=lambda each: each.size)


def quantization_of(name: str) -> str | None:
    """The quantization that a file's name tells, such as Q4_K_M; the last one, since names tell others before."""
    found = _QUANTIZATION.findall(re.sub(r"(-\d{5}-of-\d{5})?\.gguf$", "", name, flags=re.IGNORECASE))
    return found[-1].upper().replace("FP16", "F16") if found else None


def _named(name: str, found: Repository, models: Sequence[Choice]) -> Choice:
    for model in models:
        if name in {file.name for file in model.files}:
            _require_whole(model)
            return Choice(model.files, "the file that was named")
    alone = next((file for file in found.files if file.name == name), None)
    if alone is not None:
        return Choice((alone,), "the file that was named")
    names = [model.files[0].name for model in models]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.3)
    hint = f"did you mean {close[0]}?" if close else _there_is(names)
    raise ModelMissing(f"{found.repo} has no file {name}", hint)


def _quantized(wanted: str, repo: str, models: Iterable[Choice]) -> Choice:
    models = list(models)
    for model in models:
        if model.quantization == wanted.replace("FP16", "F16"):
            _require_whole(model)
            return Choice(model.files, f"the {wanted} that was asked for")
    there = [model.quantization or model.files[0].name for model in models]
    close = difflib.get_close_matches(wanted, there, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise ModelMissing(f"{repo} has no {wanted}", hint + _there_is(there))


def _fitting(repo: str, models: Sequence[Choice], memory: int, need: Need) -> Choice:
    """The largest that fits, of at most 8 bits a weight."""
    whole = [model for model in models if _is_whole(model)]
    modest = [model for model in whole if _bits(model) <= _MOST_BITS] or whole
    why = f"the largest of {len(modest)} that fits in {said(memory)}"
    needed = 0
    for model in reversed(modest):
        needed = need(model) if model.size <= memory else model.size
        if needed <= memory:
            return Choice(model.files, why)
        why = f"the largest of {len(modest)} that fits in {said(memory)}; {_called(model)} would need {said(needed)}"
    raise ModelUnusable(
        f"no file of {repo} fits in {said(memory)}: the smallest would need {said(needed)}",
        f"choose a smaller model, or name one anyway: hf:{repo}:{modest[0].quantization or '…'}",
    )


def _called(model: Choice) -> str:
    return model.quantization or model.files[0].name


def _bits(model: Choice) -> int:
    found = _BITS.match(model.quantization or "")
    return int(found[1]) if found else 4 if model.quantization == "MXFP4" else 16


def _require_whole(model: Choice) -> None:
    if not _is_whole(model):
        raise ModelUnusable(f"parts of the split model {model.files[0].name} are missing in the repository")


def _is_whole(model: Choice) -> bool:
    part = _SPLIT.fullmatch(model.files[0].name)
    return part is None or len(model.files) == int(part[3])


def _there_is(names: Sequence[str]) -> str:
    shown = ", ".join(names[:12])
    return f"there is: {shown}" + (f" and {len(names) - 12} more" if len(names) > 12 else "")
