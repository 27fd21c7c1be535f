"""Do the numbers of a header hang together? llama.cpp asserts some of them, and so would end the whole process.

Each rule stands for an assertion of llama.cpp 0.5 that a mutated file has reached.
"""

from __future__ import annotations

import math

from synapse_cli.backends.gguf_bytes import BadBytes, Fields

MOST_LAYERS, _MOST_EXPERTS = 512, 1024
_ROPE_SCALINGS = frozenset({"none", "linear", "yarn", "longrope"})
_EPSILONS = ("layer_norm_epsilon", "layer_norm_rms_epsilon", "group_norm_epsilon")
_WEIGHTS = (".weight", ".bias", ".lora_a", ".lora_b")
_VECTOR_KINDS = frozenset({0, 1, 30})
"""Types of a tensor of one dimension that its neighbours can be added to: F32, F16, BF16."""
_WHOLE_KINDS = frozenset({24, 25, 26, 27, 28})
"""Whole numbers and doubles: no weights."""


def check_numbers(fields: Fields) -> None:
    """Raise BadBytes for a number that llama.cpp would not survive."""
    architecture = fields.text("general.architecture") or ""
    _check_layers(fields, architecture)
    _check_experts(fields, architecture)
    for name in _EPSILONS:
        value = fields.metadata.get(f"{architecture}.attention.{name}")
        if isinstance(value, float) and not (math.isfinite(value) and value >= 0):
            raise BadBytes(f"its {name} is {value}")
    scaling = fields.text(f"{architecture}.rope.scaling.type")
    if scaling is not None and scaling not in _ROPE_SCALINGS:
        raise BadBytes(f"its rope.scaling.type is {scaling!r}, which nobody knows")
    check_kinds(fields)


def check_kinds(fields: Fields) -> None:
    """Raise BadBytes for weights of a type that nothing can be computed with."""
    for name, tensor in fields.layout.items():
        is_vector = len(tensor.shape) == 1
        if name.endswith(_WEIGHTS) and (
            tensor.kind in _WHOLE_KINDS or (is_vector and tensor.kind not in _VECTOR_KINDS)
        ):
            raise BadBytes(f"tensor {name!r} has the type {tensor.kind}, in which no weights are kept")


def check_vocabulary(tokens: list[bytes]) -> None:
    """Raise BadBytes where a token stands in the vocabulary twice."""
    if len(set(tokens)) < len(tokens):
        seen: set[bytes] = set()
        twice = next(token for token in tokens if token in seen or seen.add(token))  # type: ignore[func-returns-value]  # `add` says nothing, which is false
        raise BadBytes(f"the token {twice.decode('utf-8', 'replace')!r} stands in its vocabulary twice")


def _check_layers(fields: Fields, architecture: str) -> None:
    layers = fields.whole(f"{architecture}.block_count")
    if layers is not None and not 0 < layers <= MOST_LAYERS:
        raise BadBytes(f"it claims {layers:,} layers")
    more = fields.whole(f"{architecture}.nextn_predict_layers") or 0
    if layers is not None and more > layers:
        raise BadBytes(f"it claims {more:,} of {layers} layers for prediction")


def _check_experts(fields: Fields, architecture: str) -> None:
    def count(key: str) -> int:
        each = fields.lists.get(f"{architecture}.{key}")
        return max(each, default=0) if each is not None else fields.whole(f"{architecture}.{key}") or 0

    experts, used = count("expert_count"), count("expert_used_count")
    groups, groups_used = count("expert_group_count"), count("expert_group_used_count")
    fits = used <= experts <= _MOST_EXPERTS and (used > 0) == (experts > 0) and groups <= max(experts - 1, 0)
    if fits and groups > 1:
        fits = experts % groups == 0 and 0 < groups_used < groups
    if not fits:
        raise BadBytes(f"it claims {experts:,} experts of which {used:,} are used, in {groups:,} groups")
