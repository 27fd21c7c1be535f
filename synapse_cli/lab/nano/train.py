"""Train the network: two phases on right answers, then a short one on its own errors."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from synapse_cli.lab.nano import batches, circuits, copying, vectors, vocab
from synapse_cli.lab.nano.model import Nano, Shape
from synapse_cli.lab.nano.muon import optimizers


@dataclass(frozen=True)
class Plan:
    """One phase. It ends after `steps` or `minutes`; the learning rate falls with whichever is nearer."""

    name: str
    steps: int
    matrix_lr: float
    other_lr: float
    seed: int
    tokens: int = 4_096
    warmup: int = 100
    # The rate is constant, then falls in a line over this last share of the phase.
    decay: float = 0.5
    floor: float = 0.05
    held_rate: float = 0.0
    average: float = 0.995
    copy_every: int = 0
    minutes: float = float("inf")


# The shipped file took these steps at 4,000 to 5,800 tokens a second on two busy cores; more of MAIN is better.
FIRST = Plan("first", steps=850, matrix_lr=0.02, other_lr=0.004, seed=11, copy_every=8, decay=0.01, floor=1.0)
MAIN = Plan("main", steps=2_850, matrix_lr=0.01, other_lr=0.003, seed=21, warmup=30, decay=0.8)
DOUBT = Plan(
    "doubt", steps=620, matrix_lr=0.003, other_lr=0.0008, seed=12, warmup=20, decay=0.9, held_rate=0.5, average=0.98
)
# Half of these are learned, through the widest matrix: small batches keep them cheap.
COPY_TOKENS = 1_536
SAMPLED = 1_536
# What the second loss counts beside the first.
UNDERSTANDING = 2.0
SAVE_EVERY, SAY_EVERY = 100, 50


def fresh(work: Path) -> Nano:
    """An untrained network over the saved vectors."""
    import numpy as np

    torch.manual_seed(1)
    matrix = torch.from_numpy(np.load(work / "vectors.npy"))
    model = Nano(Shape(len(matrix), vectors.MEANING + vectors.NAME, vectors.FREE), matrix)
    circuits.install(model)
    return model


def load(work: Path, name: str) -> Nano:
    """The network as a phase left it, averaged over its last steps."""
    model = fresh(work)
    saved = torch.load(work / f"{name}.pt", weights_only=True)
    model.load_state_dict(saved["average"])
    return model


def source(work: Path, plan: Plan) -> Iterator[batches.Batch]:
    """The batches of a phase, every `copy_every`th of them pure copying."""
    tokenizer = vocab.load(work)
    colon, newline = tokenizer.encode(":").ids[0], tokenizer.encode("\n").ids[0]
    copies = copying.stream(tokenizer.get_vocab_size(), colon, newline, plan.seed, COPY_TOKENS)
    for count, batch in enumerate(batches.background(work, plan.seed, plan.tokens, plan.held_rate), 1):
        yield batch
        if plan.copy_every and count % plan.copy_every == 0:
            yield next(copies)


def run(model: Nano, work: Path, plan: Plan) -> None:
    """Carry out one phase and save `NAME.pt` in `work`, now and then and at the end."""
    opts = optimizers(model, plan.matrix_lr, plan.other_lr)
    base = [group["lr"] for opt in opts for group in opt.param_groups]
    average = {name: p.detach().clone() for name, p in model.state_dict().items()}
    unsure = vocab.SPECIAL.index(vocab.UNSURE)
    started, seen, losses = time.monotonic(), 0, []
    for step, batch in enumerate(source(work, plan)):
        progress = max(step / plan.steps, (time.monotonic() - started) / 60 / plan.minutes)
        rate = min(1.0, (step + 1) / plan.warmup, max(plan.floor, (1 - progress) / plan.decay))
        for group, lr in zip((g for opt in opts for g in opt.param_groups), base, strict=True):
            group["lr"] = lr * rate
        losses.append(learn(model, opts, batch, unsure))
        seen += int(batch.ids.size)
        blend = min(plan.average, (1 + step) / (10 + step))
        for name, p in model.state_dict().items():
            average[name].lerp_(p.detach(), 1 - blend) if p.is_floating_point() else None
        if step % SAY_EVERY == 0:
            speed = seen / (time.monotonic() - started)
            recent = losses[-SAY_EVERY:]
            print(
                f"{plan.name} {step} loss {sum(recent) / len(recent):.3f} rate {rate:.2f} {speed:.0f} tokens/s",
                file=sys.stderr,
                flush=True,
            )
        if step % SAVE_EVERY == 0 or progress >= 1:
            temporary = work / f"{plan.name}.pt.new"
            torch.save({"average": average, "step": step, "tokens": seen}, temporary)
            temporary.replace(work / f"{plan.name}.pt")
        if progress >= 1:
            return


def learn(model: Nano, opts: list[torch.optim.Optimizer], batch: batches.Batch, unsure: int) -> float:
    """One step; the loss over the answers."""
    matrix = model.matrix().bfloat16()
    hidden = model.hidden(torch.from_numpy(batch.ids), matrix).flatten(0, 1)[torch.from_numpy(batch.places)]
    rows, bias, column = rivals(batch, len(matrix), unsure)
    logits = functional.linear(hidden, matrix[rows]).float() + bias
    targets, weights = (
        doubted(logits.detach(), batch, column, unsure)
        if batch.held.any()
        else (torch.from_numpy(batch.targets), torch.from_numpy(batch.weights))
    )
    losses = functional.cross_entropy(logits, column[targets], reduction="none")
    loss = (losses * weights).sum() / weights.sum() + UNDERSTANDING * misunderstanding(hidden, batch)
    loss.backward()
    for opt in opts:
        opt.step()
        opt.zero_grad(set_to_none=True)
    return float(loss.detach())


def misunderstanding(hidden: Tensor, batch: batches.Batch) -> Tensor:
    """How far the state before an answer points from the encoder's vector of the text.

    Label vectors lie in the same space, so pointing there is most of choosing a label. One bit per
    label taught this far too slowly: after 850 steps without it, choices were still at chance.
    """
    firsts = torch.from_numpy(batch.firsts)
    wanted = torch.from_numpy(batch.meanings)[torch.from_numpy(batch.owners)[firsts]]
    known = wanted.any(dim=1)
    if not known.any():
        return torch.zeros(())
    states = hidden[firsts][known][:, : vectors.MEANING].float()
    return (1 - functional.cosine_similarity(states, wanted[known])).mean()


def rivals(batch: batches.Batch, vocabulary: int, unsure: int) -> tuple[Tensor, Tensor, Tensor]:
    """The tokens that a step tells apart: all of the batch, and some others that stand for the rest.

    Scores over the whole vocabulary took a fifth of each step. Returns the tokens, what to add to
    their logits (a sampled token counts for all that it stands for), and each token's column.
    """
    present = torch.zeros(vocabulary, dtype=torch.bool)
    present[torch.from_numpy(batch.ids).flatten()] = True
    present[torch.from_numpy(batch.targets)] = True
    present[unsure] = True
    absent = (~present).nonzero().flatten()
    sampled = absent[torch.randperm(len(absent))[:SAMPLED]]
    rows = torch.cat([present.nonzero().flatten(), sampled])
    bias = torch.zeros(len(rows))
    bias[len(rows) - len(sampled) :] = math.log(max(1, len(absent)) / max(1, len(sampled)))
    column = torch.zeros(vocabulary, dtype=torch.long)
    column[rows] = torch.arange(len(rows))
    return rows, bias, column


def doubted(logits: Tensor, batch: batches.Batch, column: Tensor, unsure: int) -> tuple[Tensor, Tensor]:
    """Targets and weights in which each held-back item that the model gets wrong has the answer "unsure"."""
    targets, weights = torch.from_numpy(batch.targets).clone(), torch.from_numpy(batch.weights).clone()
    owners, firsts = torch.from_numpy(batch.owners), torch.from_numpy(batch.firsts)
    told = logits.clone()
    told[:, column[unsure]] = float("-inf")
    is_open = torch.zeros(len(batch.ids), dtype=torch.bool)
    is_open[owners[firsts & (targets == unsure)]] = True
    wrong = torch.zeros(len(batch.ids), dtype=torch.bool)
    wrong[owners[told.argmax(-1) != column[targets]]] = True
    wrong &= torch.from_numpy(batch.held) & ~is_open
    lost = wrong[owners]
    targets[lost & firsts] = unsure
    weights[lost & firsts] = 1.0
    weights[lost & ~firsts] = 0.0
    return targets, weights
