"""Take optimizer steps: Muon for the matrices of the layers, AdamW for everything else.

Muon (K. Jordan, 2024) makes the momentum of a matrix orthogonal by five Newton-Schulz steps; the
two prototypes learned the same in about half the steps of AdamW alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Newton-Schulz coefficients of the published implementation.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrix with singular values near one."""
    a, b, c = COEFFICIENTS
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):  # type: ignore[misc]  # torch is no dependency of the gate
    """Momentum, made orthogonal block by block (`qkv` holds three matrices, `gate_up` two)."""

    def __init__(
        self, params: list[tuple[Tensor, int]], lr: float, momentum: float = 0.95, decay: float = 0.05
    ) -> None:
        groups = [{"params": [p], "parts": parts} for p, parts in params]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()  # type: ignore[untyped-decorator]  # likewise
    def step(self, closure: None = None) -> None:  # noqa: ARG002  # the base class names it
        """Move each matrix by its orthogonal momentum."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                buffer = state.setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(buffer, group["momentum"])
                p.mul_(1 - group["lr"] * group["decay"])
                for piece, target in zip(update.chunk(group["parts"]), p.chunk(group["parts"]), strict=True):
                    scale = max(1.0, piece.shape[0] / piece.shape[1]) ** 0.5
                    target.add_(orthogonal(piece), alpha=-group["lr"] * scale)


def optimizers(model: torch.nn.Module, matrix_lr: float, other_lr: float) -> list[torch.optim.Optimizer]:
    """The two optimizers of a model."""
    parts = {"qkv": 3, "gate_up": 2}
    matrices = [
        (p, parts.get(n.rsplit(".", 1)[-1], 1)) for n, p in model.named_parameters() if "blocks" in n and p.ndim == 2
    ]
    named = {id(p) for p, _ in matrices}
    others = [p for p in model.parameters() if id(p) not in named]
    return [Muon(matrices, lr=matrix_lr), torch.optim.AdamW(others, lr=other_lr, betas=(0.9, 0.98), weight_decay=0.0)]
