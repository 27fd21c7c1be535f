"""From pairs to a file: what is learned, proved and kept depends on the pairs, and on nothing else."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from synapse_cli.core.errors import InputError
from synapse_cli.lab.similarity import measure
from synapse_cli.lab.similarity.calibrate import Calibration, bare_cosines, calibrate, scored
from synapse_cli.lab.similarity.certify import Aim, Scored
from synapse_cli.lab.similarity.pairs import digest, parted, read
from synapse_cli.learned.file import to_bytes
from synapse_cli.learned.similarity import Similarity, load, save, to_learned
from tests.semantic_cache.made import pairs, table, vector, write

AIM = Aim(0.1, 0.95)


@pytest.fixture(scope="module")
def found() -> Calibration:
    """A calibration on some hundred pairs, one in fifty wrongly labelled."""
    given = pairs(700, noise=0.02)
    return calibrate(given, table(given), "made here", AIM)  # type: ignore[arg-type]  # float64 where float32 is named


@pytest.fixture(scope="module")
def similarity(found: Calibration) -> Similarity:
    assert found.similarity is not None
    return found.similarity


def test_what_is_proved_holds_on_other_pairs_and_beats_the_cosine(found: Calibration, similarity: Similarity) -> None:
    others = pairs(400, seed=9)
    vectors = table(others)

    point = measure.at(scored(others, vectors, similarity), similarity.threshold)  # type: ignore[arg-type]  # as above
    alone = measure.most_hits(bare_cosines(others, vectors), 0.1)  # type: ignore[arg-type]  # as above

    assert found.judge == "verifier"
    assert point.wrong <= 0.1 * point.hits
    assert point.hits > alone.hits


def test_the_order_of_rows_changes_no_byte_of_the_file(tmp_path: Path) -> None:
    given = pairs(690, noise=0.02)
    shuffled = given[:]
    random.Random(2).shuffle(shuffled)
    one, two = (read([str(write(tmp_path / name, rows))]) for name, rows in (("a", given), ("b", shuffled)))

    made = [calibrate(each, table(each), "made here", AIM).similarity for each in (one, two)]  # type: ignore[arg-type]  # as above

    assert digest(given) == digest(shuffled)
    assert made[0] is not None
    assert made[1] is not None
    assert to_bytes(to_learned(made[0])) == to_bytes(to_learned(made[1]))


def test_a_file_says_of_pairs_what_was_said_before_it_was_written(similarity: Similarity, tmp_path: Path) -> None:
    path = str(tmp_path / "made.similarity")

    sha256 = save(path, similarity)
    again = load(path)

    assert again.sha256 == sha256
    assert again.promise == similarity.promise
    for pair in pairs(20, seed=5):
        one, two = vector(pair.first), vector(pair.second)
        before, after = (each.judge(pair.first, pair.second, one, two) for each in (similarity, again))
        assert after.score == pytest.approx(before.score, abs=1e-5)


def test_a_flipped_byte_is_refused_wherever_it_is(similarity: Similarity, tmp_path: Path) -> None:
    path = tmp_path / "made.similarity"
    save(str(path), similarity)
    whole = path.read_bytes()
    chance = random.Random(6)

    for _ in range(25):
        at = chance.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
        with pytest.raises(InputError):
            load(str(path))


def test_trees_that_would_be_walked_for_ever_are_refused(similarity: Similarity, tmp_path: Path) -> None:
    verifier = similarity.verifier
    assert verifier is not None
    looped = replace(verifier.trees, left=[0] * len(verifier.trees.left))
    path = str(tmp_path / "looped.similarity")
    save(path, replace(similarity, verifier=replace(verifier, trees=looped)))

    with pytest.raises(InputError, match="do not fit together"):
        load(path)


def test_vectors_of_another_encoder_are_refused(similarity: Similarity) -> None:
    with pytest.raises(ValueError, match="vectors of 3 numbers"):
        similarity.judge("how is it", "how was it", [1.0, 0.0, 0.0], [1.0, 0.0, 0.0])


def test_few_pairs_prove_by_the_cosine_or_not_at_all() -> None:
    given = pairs(60)

    found = calibrate(given, table(given), "made here", AIM)  # type: ignore[arg-type]  # as above

    assert found.trained_on == 0
    assert found.judge == "cosine"


def test_labels_that_mean_nothing_certify_nothing() -> None:
    given = pairs(300, noise=0.5)

    found = calibrate(given, table(given), "made here", Aim(0.05, 0.95))  # type: ignore[arg-type]  # as above

    assert found.similarity is None
    assert found.more is None


def test_pairs_that_share_a_prompt_are_on_one_side() -> None:
    given = [replace(pair, first=f"{number % 60} {pair.first[:3]}") for number, pair in enumerate(pairs(300))]

    learning, held_out = parted(given, 1 / 3)

    assert len(learning) + len(held_out) == 300
    texts = [{text for pair in part for text in (pair.first, pair.second)} for part in (learning, held_out)]
    assert not texts[0] & texts[1]


def test_the_author_of_pairs_may_say_which_are_for_training() -> None:
    given = [replace(pair, split="train" if number % 4 else "test") for number, pair in enumerate(pairs(80))]

    learning, held_out = parted(given, 1 / 3)

    assert (len(learning), len(held_out)) == (60, 20)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"a": "x"}', "line 2: b: found nothing"),
        ('{"a": "x", "b": "y", "dup": 2}', "line 2: dup: found 2"),
        ('{"a": 1, "b": "y", "dup": 1}', "line 2: a: found 1"),
        ("[1]", "line 2: found list"),
        ("{", "line 2: no JSON"),
    ],
)
def test_a_bad_row_is_named_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"a": "x", "b": "y", "dup": true}\n' + line + "\n", encoding="utf-8")

    with pytest.raises(InputError, match=said):
        read([str(path)])


def test_the_area_under_the_curve_counts_ties_half() -> None:
    mixed = [Scored(score, same) for score, same in ((0.9, True), (0.5, True), (0.5, False), (0.1, False))]

    assert measure.auc(mixed) == pytest.approx(3.5 / 4)
    assert measure.auc(mixed[:2]) is None


def test_the_curve_ends_with_every_pair_and_never_loses_hits() -> None:
    chance = random.Random(8)
    drawn = [Scored(chance.random(), chance.random() < 0.5) for _ in range(500)]

    points = measure.curve("any", drawn).points

    assert points[-1].hits == 500
    assert [point.hits for point in points] == sorted(point.hits for point in points)
    assert points[-1].recall == 1
