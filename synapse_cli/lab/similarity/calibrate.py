"""Which judge, and which threshold, may a semantic cache trust? The one that is proved and lets through most.

Two are tried, and share what the confidence leaves for error: the cosine under the rules of what must be equal, proved
on all pairs; and the learned verifier, proved on those it has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synapse_cli.lab.similarity import certify, pairs, train
from synapse_cli.lab.similarity.certify import Aim, Proof, Scored
from synapse_cli.lab.similarity.pairs import Pair
from synapse_cli.learned.similarity import Promise, Similarity, Verifier

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Table = Mapping[str, npt.NDArray[np.float32]]
    """The vector of each text."""

TRAINING_SHARE = 1 / 3
"""The proof needs labels more than the verifier does: with half of the Quora pairs a third proved twice as often."""
_OF_ERROR = 0.75
"""The cosine's share of it: at 95 % one wrong hit among 60 then proves 10 %; with half of it, one among 70. The
verifier, whose hits are many or none, loses little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What came of it, the cosine alone beside it."""

    similarity: Similarity | None
    """None where nothing could be proved."""
    judge: str
    """"verifier" or "cosine": whose threshold it is, or who came nearest."""
    proof: Proof
    alone: Proof
    """The bare cosine, without rules, proved on all pairs at the whole confidence."""
    pairs: int
    trained_on: int
    """0 where there were too few to learn from."""
    base_rate: float
    data: str
    more: int | None
    """About how many pairs more would prove something; None where it is proved, or no number would."""


def calibrate(given: Sequence[Pair], vectors: Table, encoder: str, aim: Aim) -> Calibration:
    """Learn, prove, choose. `given` is in an order of its own, so that nothing depends on that of a file's rows.

    Raises EngineMissing without scikit-learn.
    """
    learning, held_out = pairs.parted(given, TRAINING_SHARE)
    learns = train.are_enough(learning) and len(held_out) > 0
    error = 1 - aim.confidence
    by_cosine = Aim(aim.max_wrong, 1 - error * _OF_ERROR) if learns else aim
    by_verifier = Aim(aim.max_wrong, 1 - error * (1 - _OF_ERROR))
    ruled = scored(given, vectors, Similarity(encoder=encoder, threshold=0.0))
    proofs = {"cosine": certify.prove(ruled, certify.by_rank(ruled, len(ruled), by_cosine), by_cosine)}
    verifier, more = None, certify.needed(ruled, by_cosine)
    if learns:
        verifier, seen, proofs["verifier"], verified = _verified(learning, held_out, vectors, encoder, by_verifier)
        wanted = [every for every in (more, certify.needed([*seen, *verified], by_verifier)) if every is not None]
        more = min(wanted, default=None)
    judge, proof = max(proofs.items(), key=lambda named: _worth(named[1]))
    base_rate = sum(pair.same for pair in given) / len(given)
    data = pairs.digest(given)
    found = None
    if proof.threshold is not None:
        promise = Promise(
            max_wrong=aim.max_wrong,
            confidence=aim.confidence,
            pairs=proof.pairs,
            hits=proof.hits,
            wrong=proof.wrong,
            base_rate=base_rate,
        )
        found = Similarity(
            encoder=encoder,
            threshold=proof.threshold,
            verifier=verifier if judge == "verifier" else None,
            promise=promise,
            data=data,
        )
    bare = bare_cosines(given, vectors)
    return Calibration(
        similarity=found,
        judge=judge,
        proof=proof,
        alone=certify.prove(bare, certify.by_rank(bare, len(bare), aim), aim),
        pairs=len(given),
        trained_on=len(learning) if learns else 0,
        base_rate=base_rate,
        data=data,
        more=None if found is not None or more is None else max(1, more - len(given)),
    )


def scored(given: Sequence[Pair], vectors: Table, similarity: Similarity) -> list[Scored]:
    """What the judge says of each pair, exactly as a look-up hears it."""
    as_numbers = {text: vectors[text].tolist() for pair in given for text in (pair.first, pair.second)}
    return [
        Scored(
            similarity.judge(pair.first, pair.second, as_numbers[pair.first], as_numbers[pair.second]).score, pair.same
        )
        for pair in given
    ]


def bare_cosines(given: Sequence[Pair], vectors: Table) -> list[Scored]:
    """What the cosine says without any rule: what others' semantic caches go by."""
    from synapse_cli.learned.similarity import cosine_of

    return [
        Scored(max(0.0, cosine_of(vectors[pair.first].tolist(), vectors[pair.second].tolist())), pair.same)
        for pair in given
    ]


def _verified(
    learning: Sequence[Pair], held_out: Sequence[Pair], vectors: Table, encoder: str, aim: Aim
) -> tuple[Verifier, list[Scored], Proof, list[Scored]]:
    """The verifier, what it says of the training part (unseen), its proof, and what it says of the other part."""
    import numpy as np

    from synapse_cli.learned.exact_parts import difference

    rows = np.array([vectors[text] for pair in learning for text in (pair.first, pair.second)])
    verifier, scores = train.train(learning, rows)
    seen = [
        Scored(0.0 if difference(pair.first, pair.second) else score, pair.same)
        for pair, score in zip(learning, scores, strict=True)
    ]
    verified = scored(held_out, vectors, Similarity(encoder=encoder, threshold=0.0, verifier=verifier))
    return verifier, seen, certify.prove(verified, certify.by_promise(seen, len(verified), aim), aim), verified


def _worth(proof: Proof) -> tuple[bool, float]:
    """Proved ones first, then by the share of pairs that are hits."""
    return proof.threshold is not None, proof.hits / max(1, proof.pairs)
