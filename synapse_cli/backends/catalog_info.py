"""What is this model? Its header, read without loading it, and what it would need; or what its repository has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synapse_cli.backends.catalog_choose import Choice, Need, choose, models_of
from synapse_cli.backends.catalog_hub import Repository
from synapse_cli.backends.catalog_source import Hub
from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_memory import estimate
from synapse_cli.backends.llamacpp_settings import DEFAULT_WINDOW
from synapse_cli.core.errors import BackendError, SynapseError
from synapse_cli.core.files import file_sha256

WINDOWS = (2048, 8192, 32_768, 131_072)
"""Tokens for which the need is told, as far as the model goes."""

_FAMILIES = (
    ("<|channel|>", "harmony"),
    ("<|start_header_id|>", "llama 3"),
    ("<start_of_turn>", "gemma"),
    ("<|START_OF_TURN_TOKEN|>", "command"),
    ("<|start_of_role|>", "granite"),
    ("<\uff5cUser\uff5c>", "deepseek"),
    ("<|im_start|>", "chatml"),
    ("<|end|>", "phi"),
    ("[INST]", "mistral"),
    ("<|user|>", "zephyr"),
)
"""What of a template tells its family, the surest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a file says of itself. None is unknown."""

    path: str
    size: int
    sha256: str | None
    name: str | None
    architecture: str
    writes: bool
    """Whether it writes text, rather than making vectors."""
    parameters: int
    quantization: str | None
    window: int | None
    template: str | None
    """The family of its chat template."""
    licence: str | None
    tokenizer: str | None
    vocabulary: int
    tensors: int
    parts: int
    needs: dict[int, int]
    """Bytes of memory by window."""


def describe(header: Header, sha256: str | None) -> Described:
    """Say what a header says, and what it would need."""
    return Described(
        path=header.path,
        size=header.size,
        sha256=sha256,
        name=header.name,
        architecture=header.architecture,
        writes=not header.is_encoder,
        parameters=sum(math.prod(tensor.shape) for tensor in header.layout.values()),
        quantization=header.quantization,
        window=header.context_length,
        template=_family(header.chat_template),
        licence=_text(header, "general.license") or _text(header, "general.license.name"),
        tokenizer=_tokenizer(header),
        vocabulary=header.vocabulary,
        tensors=header.tensors,
        parts=len(header.parts),
        needs=_needs(header),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that its repository has and this machine has not."""

    repo: str
    commit: str
    licence: str | None
    models: tuple[Choice, ...]
    chosen: Choice | None
    """What `pull` would take; None where nothing fits."""
    described: Described | None
    """What its header says, read from its first bytes; None of a split model, whose parts tell only together."""
    why_not: str = ""


def offer(source: Hub, memory: int) -> Offer:
    """Ask the hub what it has. Raises SynapseError as `catalog_hub.look` does."""
    from synapse_cli.backends.catalog_hub import look, peek

    found = look(source.repo, source.revision)
    try:
        chosen, why_not = choose(source, found, memory, need_in(found)), ""
    except BackendError as error:
        chosen, why_not = None, error.message
    described = None
    if chosen is not None and len(chosen.files) == 1:
        file = chosen.files[0]
        described = describe(peek(source.repo, file, found.commit), file.sha256)
    return Offer(
        repo=source.repo,
        commit=found.commit,
        licence=found.licence,
        models=tuple(models_of(found)),
        chosen=chosen,
        described=described,
        why_not=why_not,
    )


def need_in(found: Repository) -> Need:
    """What tells the memory that a model of a repository would take, from its first bytes; else from its size."""
    from synapse_cli.backends.catalog_hub import peek

    def need(model: Choice) -> int:
        if len(model.files) > 1:
            return model.size * 11 // 10
        try:
            header = peek(found.repo, model.files[0], found.commit)
        except SynapseError:
            return model.size * 11 // 10  # what is wrong with it is said when it is fetched
        return estimate(header, min(header.context_length or DEFAULT_WINDOW, DEFAULT_WINDOW)).total

    return need


def sha256_of(header: Header) -> str | None:
    """The hash of a whole file, remembered where it was told before; None of a split model."""
    if len(header.parts) > 1:
        return None
    try:
        return file_sha256(header.path)
    except OSError:
        return None


def _family(template: str | None) -> str | None:
    if template is None:
        return None
    return next((family for mark, family in _FAMILIES if mark in template), "its own")


def _tokenizer(header: Header) -> str | None:
    kind, pre = _text(header, "tokenizer.ggml.model"), _text(header, "tokenizer.ggml.pre")
    return f"{kind} ({pre})" if kind and pre else kind


def _text(header: Header, key: str) -> str | None:
    value = header.metadata.get(key)
    return value if isinstance(value, str) and value else None


def _needs(header: Header) -> dict[int, int]:
    most = header.context_length or WINDOWS[0]
    windows = sorted({window for window in WINDOWS if window < most} | {most})
    return {window: estimate(header, window).total for window in windows}


def default_memory() -> int:
    """What a model may take where nobody said: most of what is free, and never more than half of the machine."""
    from synapse_cli.backends.machine import available
    from synapse_cli.profile.survey import memory_bytes

    free = available()
    half = memory_bytes() // 2
    return half if free is None else min(half, free * 8 // 10)
