"""Which token comes next? The parameters of a local answer, and the choice by them."""

from __future__ import annotations

import difflib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.core.errors import BadAnswer, UsageError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Logits = npt.NDArray[np.float32]

_REPEAT_WINDOW = 64
"""Tokens that `repeat_penalty` looks back at, llama.cpp's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How to choose. Temperature 0 always takes the likeliest token, so that equal prompts give equal answers."""

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    contextual_calibration: bool | None = None
    """None leaves it to the model file."""


_RANGES: dict[str, tuple[type, float, float]] = {
    "temperature": (float, 0, 100),
    "top_k": (int, 0, math.inf),
    "top_p": (float, 0, 1),
    "min_p": (float, 0, 1),
    "repeat_penalty": (float, 0.1, 10),
    "seed": (int, -math.inf, math.inf),
    "max_tokens": (int, 1, math.inf),
    "contextual_calibration": (bool, 0, 1),
}
_IGNORED = ("logprobs", "effort", "reasoning_effort")
"""Parameters that are for others: confidence is always measured, and effort belongs to the prompt."""


def parse(params: Mapping[str, Json]) -> Sampling:
    """Read the parameters of a request; raises UsageError for an unknown one or a wrong value."""
    values: dict[str, object] = {}
    for name, value in params.items():
        if name in _IGNORED or value is None:
            continue
        if name == "stop":
            values[name] = _stops(value)
        elif name in _RANGES:
            values[name] = _number(name, value)
        else:
            raise _unknown(name)
    return Sampling(**values)  # type: ignore[arg-type]  # each value was checked by its name above


def _stops(value: Json) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise UsageError(f"stop is {value!r}", "give a text, or a list of texts that are not empty")
    return tuple(str(text) for text in texts)


def _number(name: str, value: Json) -> bool | int | float:
    kind, least, most = _RANGES[name]
    if isinstance(value, str):
        value = _from_text(kind, value)
    if kind is bool:
        if isinstance(value, bool):
            return value
    elif not isinstance(value, bool) and isinstance(value, (int, float)):
        number = float(value)
        if math.isfinite(number) and least <= number <= most and (kind is float or number == int(number)):
            return number if kind is float else int(value)
    upper = "" if most == math.inf else f" to {most:g}"
    span = "" if least == -math.inf else f" from {least:g}{upper}" + (" up" if not upper else "")
    expected = "true or false" if kind is bool else f"a {'whole ' if kind is int else ''}number{span}"
    raise UsageError(f"{name} is {value!r}", f"give {expected}")


def _from_text(kind: type, text: str) -> Json:
    """What `--param k=v` may have left as text."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        return text


def _unknown(name: str) -> UsageError:
    known = sorted([*_RANGES, "stop"])
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return UsageError(f"llama.cpp models have no parameter {name!r}", f"{hint}known: {', '.join(known)}")


class Chooser:
    """Chooses token after token for one answer; its state is the random generator."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = random.Random(sampling.seed)  # noqa: S311  # no secret hangs on it

    @property
    def takes_best(self) -> bool:
        """Whether it always takes the likeliest token, whatever was written before."""
        sampling = self._sampling
        return sampling.repeat_penalty == 1.0 and (sampling.temperature == 0.0 or sampling.top_k == 1)

    def choose(self, logits: Logits, answer: Sequence[int]) -> int:
        """The next token; those that may not come have a logit of minus infinity."""
        import numpy as np

        sampling = self._sampling
        if sampling.repeat_penalty != 1.0 and answer:
            logits = _penalised(logits, answer[-_REPEAT_WINDOW:], sampling.repeat_penalty)
        if sampling.temperature == 0.0 or sampling.top_k == 1:
            return int(logits.argmax())
        order, chances = _candidates(logits, sampling)
        drawn = self._random.random() * float(chances.sum())
        place = int(np.searchsorted(np.cumsum(chances), drawn, side="right"))
        return int(order[min(place, len(order) - 1)])


def _penalised(logits: Logits, recent: Sequence[int], penalty: float) -> Logits:
    import numpy as np

    logits = logits.copy()
    seen = np.unique(np.asarray(recent))
    logits[seen] = np.where(logits[seen] > 0, logits[seen] / penalty, logits[seen] * penalty)
    return logits


def _candidates(logits: Logits, sampling: Sampling) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Tokens from likely to unlikely that survive top_k, top_p and min_p, with their unnormalised chances.

    The cuts look at the model's own probabilities and the temperature comes after them, as in llama.cpp.
    """
    import numpy as np

    keep = len(logits) if sampling.top_k <= 0 else min(sampling.top_k, len(logits))
    order = np.argpartition(-logits, keep - 1)[:keep] if keep < len(logits) else np.arange(len(logits))
    order = order[np.lexsort((order, -logits[order]))]
    heights = logits[order].astype(np.float64)
    chances = np.exp(heights - heights[0])
    chances /= chances.sum()
    before = np.cumsum(chances) - chances
    kept = (before < sampling.top_p) & (chances >= sampling.min_p * chances[0]) & (chances > 0)
    kept[0] = True
    order, heights = order[kept], heights[kept]
    return order, np.exp((heights - heights[0]) / sampling.temperature)


def log_chance(logits: Logits, token: int) -> float:
    """Log-probability of a token; tokens with a logit of minus infinity have no share."""
    import numpy as np

    top = float(logits.max())
    return float(logits[token]) - top - math.log(float(np.exp(logits - np.float32(top)).sum(dtype=np.float64)))


_SHORTLIST = 128
"""Tokens a grammar is asked about first; asking it about a whole vocabulary costs more than a small model's decode."""
_TAIL = 1e-3
"""The shortlist decides where everything outside it weighs at most this share of what it allows."""


def constrain(logits: Logits, allowed: Callable[[npt.NDArray[np.int32]], npt.NDArray[np.bool_]]) -> Logits:
    """Logits with minus infinity for what may not come next."""
    import numpy as np

    every = np.arange(len(logits), dtype=np.int32)
    if len(logits) > 2 * _SHORTLIST:
        order = np.argpartition(-logits, _SHORTLIST).astype(np.int32)
        short, tail = order[:_SHORTLIST], order[_SHORTLIST:]
        kept = short[allowed(short)]
        weights = np.exp(logits - logits.max())
        inside = float(weights[kept].sum())
        if inside > 0.0 and float(weights[tail].sum()) <= _TAIL * inside:
            return _only(logits, kept)
    kept = every[allowed(every)]
    if not len(kept):
        raise BadAnswer("no token of this model can continue what the schema asks for", "use another model")
    return _only(logits, kept)


def _only(logits: Logits, kept: npt.NDArray[np.int32]) -> Logits:
    import numpy as np

    rest = np.full_like(logits, -np.inf)
    rest[kept] = logits[kept]
    return rest
