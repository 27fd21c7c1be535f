"""Start with circuits that copy and compare, instead of waiting for training to find them.

In 600 steps from random weights no copying emerged. So two heads are set by hand (an
induction circuit; Olsson et al., 2022). The first layer's looks one token back and
writes that token's name beside the current one. The second layer's looks for places where the name
written there is that of the current token, so that it finds what followed last time, and brings its
name along. As the head is the input matrix, a name raises the logits of its word. All other heads
above the first layer start with keys equal to queries, so that a token looks at what is like it
(mimetic initialization; Trockman and Kolter, 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor

from synapse_cli.lab.nano import vectors
from synapse_cli.lab.nano.model import Nano

HEAD = 4
# The last principal components carry the least meaning: the previous token's name goes there.
NAME_AT = vectors.MEANING
BACK_AT = vectors.MEANING - vectors.NAME
CONSTANT = vectors.MEANING + vectors.NAME + vectors.FLAGS - 1
# Strengths, worked out for normed inputs of unit mean square and seen to copy random tokens.
LOOK_BACK, WRITE_BACK, MATCH, BRING = 3.5, 2.0, 2.2, 4.0
FAST_PAIRS, SLOW_FROM = 6, 18


@torch.no_grad()  # type: ignore[untyped-decorator]  # torch is no dependency of the gate
def install(model: Nano) -> None:
    """Put the two heads into the first two layers, and likeness into the others."""
    for block in list(model.blocks)[1:]:
        queries, keys, _ = block.qkv.view(3, -1, model.shape.width)
        keys.copy_(queries)
    size = model.shape.width // model.shape.heads
    rows = slice(HEAD * size, (HEAD + 1) * size)
    first, second = model.blocks[0], model.blocks[1]
    for name in ("out", "down"):
        getattr(first, name)[BACK_AT : NAME_AT + vectors.NAME] = 0.0
    query, key, value = first.qkv.view(3, -1, model.shape.width)
    for part, weights in ((query, _one_back(model, size)), (key, _one_back(model, size, asked=False))):
        part[rows] = 0.0
        part[rows, CONSTANT] = weights
    value[rows] = 0.0
    value[rows][: vectors.NAME, NAME_AT : NAME_AT + vectors.NAME] = torch.eye(vectors.NAME)
    first.out[:, rows] = 0.0
    first.out[BACK_AT : BACK_AT + vectors.NAME, rows.start : rows.start + vectors.NAME] = WRITE_BACK * torch.eye(
        vectors.NAME
    )
    query, key, value = second.qkv.view(3, -1, model.shape.width)
    slow = torch.nn.init.orthogonal_(torch.empty(size - 2 * SLOW_FROM, vectors.NAME)) * MATCH
    for part, at in ((query, NAME_AT), (key, BACK_AT)):
        part[rows] = 0.0
        part[rows][2 * SLOW_FROM :, at : at + vectors.NAME] = slow
    value[rows] = 0.0
    value[rows][: vectors.NAME + vectors.FLAGS, NAME_AT : NAME_AT + vectors.NAME + vectors.FLAGS] = torch.eye(
        vectors.NAME + vectors.FLAGS
    )
    second.out[:, rows] = 0.0
    brought = slice(rows.start, rows.start + vectors.NAME + vectors.FLAGS)
    second.out[NAME_AT : NAME_AT + vectors.NAME + vectors.FLAGS, brought] = BRING * torch.eye(
        vectors.NAME + vectors.FLAGS
    )


def _one_back(model: Nano, size: int, *, asked: bool = True) -> Tensor:
    """A constant's weights in each pair of a head, such that rotary positions agree one token back."""
    weights = torch.zeros(size)
    speeds = model.shape.rope_base ** (-torch.arange(0, size, 2) / size)
    turn = -speeds[:FAST_PAIRS] if asked else torch.zeros(FAST_PAIRS)
    weights[0 : 2 * FAST_PAIRS : 2] = LOOK_BACK * turn.cos()
    weights[1 : 2 * FAST_PAIRS : 2] = LOOK_BACK * turn.sin()
    return weights
