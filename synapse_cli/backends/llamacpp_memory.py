"""How much memory does a model take, told from its header, and what of it would fit?

Follows llama.cpp 0.5's own sums: weights as they stand in the file, a KV cache of 16 bits in steps of 256 tokens,
states of recurrent layers in 32, and the largest moment of the computation. Against what llama.cpp lays out for ten
real shapes the sum is off by 3 % at most (`tests/local/test_memory.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_layout import (
    BATCH,
    OUTPUTS,
    PARKED,
    PARKED_EACH,
    SHARE,
    STEP,
    is_recurrent,
    is_repacked,
    seats_of,
)

_BESIDE = 64_000_000
"""Bytes of KV cache for other requests than one that fills its window: eight short ones even of a model of 8B."""
_MOST_WINDOWS = 3
LEAST_WINDOW = 512
"""Tokens; a smaller window is not worth proposing."""
_OVERHEAD = 4_000_000
"""Bytes of graph and thread, whatever the model; numpy and llama.cpp take 30 MB once, which are no model's."""
_VOCABULARY_ENTRY = 180
"""Bytes per token of the vocabulary in llama.cpp's tables: 22 MB were measured for 151,936."""
_FLOAT, _HALF = 4, 2
_SSM_FLOATS = 7
"""Floats per token and inner value that a state space layer has in flight: 6.5 measured."""

BITS_PER_WEIGHT = {
    "BF16": 16.0, "Q8_0": 8.5, "Q6_K": 6.57, "Q5_K_M": 5.70, "Q4_K_M": 4.90, "Q4_0": 4.60, "Q3_K_M": 4.00, "Q2_K": 3.20,
}  # fmt: skip
"""Of whole files, larger than of a single block because embeddings and a few tensors are kept finer."""


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a loaded model takes."""

    weights: int
    cache: int
    """What it remembers of the prompts: the KV cache, or the states of recurrent layers."""
    compute: int
    """The largest moment of the computation, with its outputs."""
    other: int
    """Vocabulary, thread and graph."""
    kept: int = 0
    """Prompts that are kept because they may come again: less would do."""

    @property
    def least(self) -> int:
        """What it cannot do without."""
        return self.weights + self.cache + self.compute + self.other

    @property
    def total(self) -> int:
        """All that it may come to."""
        return self.least + self.kept

    def with_weights(self, more: int) -> Need:
        """The same with so many bytes more of weights."""
        return replace(self, weights=self.weights + more)

    def __str__(self) -> str:
        parts = (
            ("weights", self.weights),
            ("window", self.cache),
            ("computing", self.compute + self.other),
            ("kept prompts", self.kept),
        )
        return f"{size(self.total)} (" + ", ".join(f"{what} {size(bytes_)}" for what, bytes_ in parts if bytes_) + ")"


@dataclass(frozen=True, slots=True)
class Fit:
    """What would fit into a budget: each is None where it alone cannot help."""

    window: int | None
    """The largest window, everything else as it is."""
    quantization: str | None
    """The finest one that is coarser than the file's, at the wanted window."""
    quantized: int = 0
    """Bytes that the model would then take."""
    together: bool = False
    """Whether it takes both at once."""

    def __str__(self) -> str:
        ways = []
        if self.window:
            ways.append(f"lower context to {self.window}")
        if self.quantization:
            ways.append(f"get the model as {self.quantization} (about {size(self.quantized)})")
        return (" and " if self.together else ", or ").join(ways)


def estimate(
    header: Header,
    window: int,
    *,
    seats: int | None = None,
    cells: int | None = None,
    outputs: int = OUTPUTS,
    gpu_layers: int = 0,
) -> Need:
    """Tell what a model takes of this machine's own memory, with a window of so many tokens and so many requests.

    What graphics devices hold is not in it; `gpu_layers` of -1 is all layers.
    """
    seats = seats_of(header) if seats is None else seats
    cells = cells_of(header, window) if cells is None else cells
    away, cache_away = _on_devices(header, cells, gpu_layers, seats)
    return Need(
        weights=_weights(header) - away,
        cache=cache_bytes(header, cells, seats) - cache_away,
        compute=_compute(header, cells, seats, outputs),
        other=_OVERHEAD + header.vocabulary * _VOCABULARY_ENTRY,
        kept=_parked(header, window, seats),
    )


def cells_of(header: Header, window: int) -> int:
    """Tokens that fit in memory beside one window's: for requests side by side and for prompts that come again."""
    bytes_each = max(1, cache_bytes(header, STEP, 0) // STEP)
    beside = min(_MOST_WINDOWS * window, _BESIDE // bytes_each)
    cells = -(-(window + beside) // STEP) * STEP
    # by all the cells and not by one window, llama.cpp decides how such a model tells places in a long text
    short = header.shape("rope.scaling.original_context_length") or 0
    return min(cells, short) if window <= short else cells


def fit(header: Header, window: int, budget: int, *, seats: int | None = None) -> Fit:
    """Tell what of a model would fit into `budget` bytes: a smaller window, a coarser file, or both."""
    smaller = _largest_window(header, window, budget, seats)
    need = estimate(header, window, seats=seats).total
    coarser = next(((name, need - saved) for name, saved in _savings(header) if need - saved <= budget), None)
    if smaller or coarser:
        return Fit(smaller, *(coarser or (None, 0)))
    for name, saved in _savings(header):
        if both := _largest_window(header, window, budget + saved, seats):
            return Fit(both, name, estimate(header, both, seats=seats).total - saved, together=True)
    return Fit(None, None)


def gpu_bytes(header: Header, window: int, layers: int, *, seats: int | None = None) -> int:
    """Bytes on graphics devices that take the last `layers` layers; one more than there are takes the output too."""
    seats, cells = seats_of(header) if seats is None else seats, cells_of(header, window)
    return sum(_on_devices(header, cells, layers, seats)) + _compute(header, cells, seats, OUTPUTS)


def fitting_layers(header: Header, window: int, free: int, *, seats: int | None = None) -> int:
    """How many layers fit into the free memory of graphics devices; -1 for all."""
    count = (header.shape("block_count") or 0) + 1
    if gpu_bytes(header, window, count, seats=seats) <= free:
        return -1
    fits = (layers for layers in range(count - 1, 0, -1) if gpu_bytes(header, window, layers, seats=seats) <= free)
    return next(fits, 0)


def _on_devices(header: Header, cells: int, layers: int, seats: int) -> tuple[int, int]:
    """Bytes of weights and of the cache that graphics devices hold."""
    if not layers:
        return 0, 0
    count = header.shape("block_count") or 0
    first = 0 if layers < 0 else max(count + 1 - layers, 0)
    weights = sum(tensor.size for name, tensor in header.layout.items() if _layer_of(name, count) >= first)
    return weights, cache_bytes(header, cells, seats) * max(0, count - first) // max(1, count)


def cache_bytes(header: Header, tokens: int, seats: int) -> int:
    """Bytes that remember the prompts: per token in attention layers, per request in recurrent ones."""
    heads, state = _attentive_heads(header), _state(header)
    key, value = _head_widths(header)
    cells = -(-tokens // STEP) * STEP
    recurrent = len(heads) if header.architecture == "falcon-h1" else heads.count(0)  # its layers are both
    return _HALF * cells * (key + value) * sum(heads) + _FLOAT * seats * recurrent * state


def size(bytes_: int) -> str:
    """Say bytes for people."""
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if bytes_ >= one:
            number = bytes_ / one
            return f"{number:.1f} {unit}" if number < 100 else f"{number:,.0f} {unit}"
    return f"{bytes_ / 1e3:.0f} kB"


def _weights(header: Header) -> int:
    """Tensors as they stand; where the output is the embeddings and is repacked, they are kept in both forms."""
    embeddings = header.layout.get("token_embd.weight")
    twice = embeddings is not None and "output.weight" not in header.layout and is_repacked(embeddings.kind)
    return header.weights + (embeddings.size if embeddings is not None and twice else 0)


def _parked(header: Header, window: int, seats: int) -> int:
    """Prompts kept outside the KV cache, so that they need not be read again."""
    each = min(PARKED_EACH, cache_bytes(header, window, 0))
    return 0 if is_recurrent(header) else min(PARKED, (-(-seats // SHARE) - 1) * each)


def _compute(header: Header, cells: int, seats: int, outputs: int) -> int:
    """The larger of the widest layer and the outputs, for a full batch."""
    cells = -(-cells // STEP) * STEP
    batch = min(BATCH, cells)
    width = header.shape("embedding_length") or 0
    outputs = min(outputs, batch)
    masks = 2 if header.shape("attention.sliding_window") else 1
    mask = _HALF * batch * cells * masks if any(header.per_layer("attention.head_count")) else 0
    layer = mask + _FLOAT * batch * _widest(header) + _FLOAT * seats * _state(header) * 6 // 5
    said = _FLOAT * (outputs * header.vocabulary + 2 * batch * width)
    return max(layer, said) + _FLOAT * max(outputs, seats) * header.vocabulary


def _widest(header: Header) -> int:
    """Floats per token that the widest layer has in flight."""
    width = header.shape("embedding_length") or 0
    heads = max(header.per_layer("attention.head_count"), default=0)
    key, value = _head_widths(header)
    dense = 3 * max(header.per_layer("feed_forward_length"), default=0) + 4 * width
    used, expert = header.shape("expert_used_count") or 0, header.shape("expert_feed_forward_length") or 0
    state_space = _SSM_FLOATS * (header.shape("ssm.inner_size") or 0)
    return max(dense, 2 * used * (width + expert), 2 * width + heads * (key + value), state_space)


def _attentive_heads(header: Header) -> tuple[int, ...]:
    """Key and value heads of each layer; none where a layer is recurrent instead."""
    heads = header.per_layer("attention.head_count_kv")
    if not any(heads) and not _state(header):
        heads = header.per_layer("attention.head_count")
    if interval := header.shape("full_attention_interval"):
        return tuple(each if (layer + 1) % interval == 0 else 0 for layer, each in enumerate(heads))
    return heads


def _head_widths(header: Header) -> tuple[int, int]:
    heads = max(header.per_layer("attention.head_count"), default=0)
    width = (header.shape("embedding_length") or 0) // heads if heads else 0
    return header.shape("attention.key_length") or width, header.shape("attention.value_length") or width


def _state(header: Header) -> int:
    """Floats that a recurrent layer remembers of one request; 0 where no layer is recurrent."""
    width = header.shape("embedding_length") or 0
    if wkv := header.shape("wkv.head_size"):
        return (header.shape("token_shift_count") or 2) * width + width * wkv
    if short := header.shape("shortconv.l_cache"):
        return width * (short - 1)
    inner, state = header.shape("ssm.inner_size") or 0, header.shape("ssm.state_size") or 0
    kernel, groups = header.shape("ssm.conv_kernel") or 0, header.shape("ssm.group_count") or 0
    return max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner


def _largest_window(header: Header, window: int, budget: int, seats: int | None) -> int | None:
    """By halves, and then in steps: a window that is a round number is easier to keep in mind."""
    for candidate in range(-(-window // STEP) * STEP - STEP, LEAST_WINDOW - 1, -STEP):
        if estimate(header, candidate, seats=seats).total <= budget:
            rounded = 1 << (candidate.bit_length() - 1)
            return rounded if rounded >= LEAST_WINDOW else candidate
    return None


def _savings(header: Header) -> Iterator[tuple[str, int]]:
    """Coarser quantizations, the finest first, and the bytes that each spares."""
    values = sum(math.prod(tensor.shape) for tensor in header.layout.values())
    present = 8 * header.weights / values if values else 0.0
    for name, bits in BITS_PER_WEIGHT.items():
        if bits < present - 0.2:
            yield name, header.weights - int(values * bits / 8)


def _layer_of(name: str, count: int) -> int:
    """The layer that a tensor belongs to; the output is the one behind the last, the embeddings stay on the host."""
    if name.startswith("blk."):
        number = name.split(".", 2)[1]
        return int(number) if number.isdigit() else -1
    return count if name.startswith("output") else -1
