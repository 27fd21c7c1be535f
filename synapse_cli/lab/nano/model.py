"""The network: a llama decoder in PyTorch, laid out so that its tensors go to GGUF as they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of a model. Rows are multiples of 32, as Q8_0 wants them."""

    vocabulary: int
    frozen: int
    free: int
    layers: int = 6
    heads: int = 5
    hidden: int = 832
    rope_base: float = 10_000.0
    window: int = 1_024

    @property
    def width(self) -> int:
        """The size of the residual stream."""
        return self.frozen + self.free


class Block(nn.Module):  # type: ignore[misc]  # torch is no dependency of the gate
    """One layer: attention over the past, then a gated feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attn_norm = nn.Parameter(torch.ones(width))
        self.ffn_norm = nn.Parameter(torch.ones(width))
        self.qkv = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.out = nn.Parameter(torch.zeros(width, width))
        self.gate_up = nn.Parameter(torch.randn(2 * shape.hidden, width) * width**-0.5)
        self.down = nn.Parameter(torch.zeros(width, shape.hidden))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Add what this layer finds to the stream `x` (batch, time, width)."""
        batch, time, width = x.shape
        h = functional.linear(rms_norm(x, self.attn_norm), self.qkv.to(x.dtype))
        q, k, v = h.view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = attend(rotate(q, cos, sin), rotate(k, cos, sin), v)
        x = x + functional.linear(y.transpose(1, 2).reshape(batch, time, width), self.out.to(x.dtype))
        gate, up = functional.linear(rms_norm(x, self.ffn_norm), self.gate_up.to(x.dtype)).chunk(2, dim=-1)
        return x + functional.linear(functional.silu(gate) * up, self.down.to(x.dtype))


class Nano(nn.Module):  # type: ignore[misc]  # likewise
    """Token ids to hidden states; the head is the input matrix, so a copied token needs no learning."""

    def __init__(self, shape: Shape, vectors: Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("frozen", vectors[:, : shape.frozen].clone())
        self.free = nn.Parameter(vectors[:, shape.frozen :].clone())
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.full((shape.width,), 0.1))
        size = shape.width // shape.heads
        angles = torch.arange(shape.window)[:, None] * shape.rope_base ** (-torch.arange(0, size, 2) / size)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def matrix(self) -> Tensor:
        """The input and output matrix: frozen meaning and name beside the learned part."""
        return torch.cat([self.get_buffer("frozen"), self.free], dim=1)

    def hidden(self, ids: Tensor, matrix: Tensor) -> Tensor:
        """The normed last state of each position, in the dtype of `matrix`."""
        x = functional.embedding(ids, matrix)
        time = ids.shape[1]
        cos, sin = (self.get_buffer(n)[:time].to(x.dtype) for n in ("cos", "sin"))
        for block in self.blocks:
            x = block(x, cos, sin)
        return rms_norm(x, self.norm)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, written out.

    On a CPU in bfloat16 at these lengths the fused kernel's backward pass took six times as long
    (62 ms against 10 ms for 64 sequences of 96 tokens).
    """
    time = q.shape[2]
    future = torch.full((time, time), float("-inf"), dtype=q.dtype).triu(1)
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(-1, -2)) + future
    return torch.matmul(scores.softmax(-1), v)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Scale each vector to unit mean square, as llama does."""
    return functional.rms_norm(x, (x.shape[-1],), weight.to(x.dtype), eps=1e-5)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position in adjacent pairs: the order that llama.cpp's `llama` architecture reads."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
