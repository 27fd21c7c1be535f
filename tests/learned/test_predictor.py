"""Who would answer well is learned from rows in any order, kept in a small file, and asked without numpy."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.core.errors import InputError
from synapse_cli.lab.predict.fit import Fitted, fit
from synapse_cli.learned import file, predictor, surface, words
from synapse_cli.learned.encoder import identity
from synapse_cli.learned.file import Learned
from synapse_cli.profile.model import Model

SUBJECTS = {
    "sums": "add the numbers {} and {} and tell the total",
    "proofs": "prove the lemma about rings {} and ideals {}",
    "dates": "when did king {} of region {} reign",
    "code": "def function_{}(x): return x[{}]",
    "poems": "write verses on autumn leaves {} and rivers {}",
    "health": "which tablets help fever {} after day {}",
}
"""Six subjects; the weak way can do the first three."""


def rows(many: int = 40) -> tuple[list[str], list[tuple[float, float]], list[str]]:
    """Prompts, scores of a weak and a strong way, and subjects."""
    source = np.random.default_rng(11)
    prompts, scores, tasks = [], [], []
    for number, (subject, form) in enumerate(SUBJECTS.items()):
        for at in range(many):
            prompts.append(form.format(at, at * 7 % 13))
            weak = float(source.random() < (0.9 if number < 3 else 0.2))
            scores.append((weak, float(source.random() < 0.92)))
            tasks.append(subject)
    return prompts, scores, tasks


def vectors(tasks: list[str]) -> np.ndarray:
    """A place for each subject, and some noise."""
    source = np.random.default_rng(3)
    middle = {subject: source.standard_normal(16) for subject in SUBJECTS}
    return np.stack([middle[task] + 0.3 * source.standard_normal(16) for task in tasks])


@lru_cache(maxsize=1)
def learned() -> Fitted:
    prompts, scores, tasks = rows()
    return fit(prompts, scores, tasks, vectors=vectors(tasks), encoder="an/encoder")


def test_it_knows_what_each_way_can_do() -> None:
    known = learned().predictor
    weak_sum, strong_sum = known.predict("add the numbers 99 and 5 and tell the total")
    weak_code, strong_code = known.predict("def function_99(x): return x[5]")

    assert weak_sum > 0.7
    assert weak_code < 0.5
    assert min(strong_sum, strong_code) > 0.7


def test_what_is_nearby_tells_where_words_do_not() -> None:
    _, _, tasks = rows()
    found = vectors(tasks)
    known = learned().predictor
    code = found[tasks.index("code")].tolist()
    total = found[tasks.index("sums")].tolist()

    unknown = "zzzz qqqq xxxx zzzz qqqq xxxx zzzz qqqq xxxx"
    assert known.predict(unknown, total)[0] > known.predict(unknown, code)[0] + 0.1


def test_rows_in_any_order_teach_the_same() -> None:
    prompts, scores, tasks = rows(12)
    found = vectors(tasks)
    order = np.random.default_rng(8).permutation(len(prompts))
    turned = fit(
        [prompts[at] for at in order],
        [scores[at] for at in order],
        [tasks[at] for at in order],
        vectors=found[order],
        encoder="an/encoder",
    )
    straight = fit(prompts, scores, tasks, vectors=found, encoder="an/encoder")

    assert _bytes(turned) == _bytes(straight)
    assert [turned.held_out[list(order).index(at)] for at in range(len(prompts))] == list(straight.held_out)


def test_a_file_keeps_what_it_says(tmp_path: Path) -> None:
    known = learned().predictor
    path = str(tmp_path / "p")
    file.write(path, Learned(kind="policy", about=known.about(), tensors=known.tensors("x.")))
    read = file.read(path, "policy")
    again = predictor.from_file(read.about, read.tensors, "x.")
    prompts, _, tasks = rows(3)

    for prompt, vector in zip(prompts, vectors(tasks).tolist(), strict=True):
        assert again.look(prompt) == known.look(prompt)
        assert again.look(prompt, vector) == known.look(prompt, vector)
    assert again.encoder == "an/encoder"
    assert again.without_vectors().encoder is None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=3000), st.booleans())
def test_chances_and_doubt_lie_within_0_and_1_whatever_is_asked(prompt: str, has_vector: bool) -> None:
    vector = [0.1] * 16 if has_vector else None

    look = learned().predictor.look(prompt, vector)

    assert len(look.chances) == 2
    assert all(0 <= each <= 1 and math.isfinite(each) for each in (*look.chances, look.doubt))
    assert learned().predictor.look(prompt, vector) == look


def test_a_prompt_of_another_kind_is_doubted_more() -> None:
    known = learned().predictor

    assert known.doubt("xylophone quorum bivouac") > known.doubt("add the numbers 3 and 4 and tell the total")


def test_held_out_chances_are_calibrated() -> None:
    """Of rows that were told a chance of about p, about a share p was answered well."""
    _, scores, _ = rows()
    for way in range(2):
        said = np.asarray([look.chances[way] for look in learned().held_out])
        got = np.asarray([score[way] for score in scores])
        low = said <= np.median(said)
        for part in (low, ~low):
            assert abs(said[part].mean() - got[part].mean()) < 0.08


def test_text_alone_is_decided_without_numpy(tmp_path: Path) -> None:
    known = learned().predictor.without_vectors()
    path = str(tmp_path / "p")
    file.write(path, Learned(kind="policy", about=known.about(), tensors=known.tensors()))
    code = (
        "import sys; from synapse_cli.learned import file, predictor; "
        "read = file.read(sys.argv[1], 'policy'); "
        "print(predictor.from_file(read.about, read.tensors).predict('add 1 and 2')); "
        "sys.exit('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(known.predict("add 1 and 2"))


def test_a_vector_of_another_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="a vector of 3 numbers, where 16 were learned"):
        learned().predictor.predict("a prompt", [1.0, 2.0, 3.0])


@pytest.mark.parametrize("part", ["lexical", "surface", "blend", "grams", "neighbours", "full_blend"])
def test_parts_that_do_not_fit_are_refused(part: str) -> None:
    known = learned().predictor
    about = json.loads(json.dumps(known.about()))
    about[part] = {}

    with pytest.raises((KeyError, TypeError, ValueError)):
        predictor.from_file(about, known.tensors())


def test_weights_of_another_size_are_refused() -> None:
    known = learned().predictor
    tensors = known.tensors()
    about = json.loads(json.dumps(known.about()))
    about["blend"]["weights"][0].pop()

    with pytest.raises(ValueError, match="parts that do not fit together"):
        predictor.from_file(about, tensors)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="3 rows are too few"):
        fit(["a", "b", "c"], [(1.0,), (0.0,), (1.0,)])


def test_rows_without_tasks_and_with_equal_scores_are_learned_from() -> None:
    prompts, _, _ = rows(8)

    found = fit(prompts, [(1.0, 0.0, 0.5)] * len(prompts))

    assert found.predictor.ways == 3
    high, low, middle = found.predictor.predict(prompts[0])
    assert (high > 0.9, 0.4 < middle < 0.6, low < 0.1) == (True, True, True)


def test_long_texts_are_read_at_both_ends() -> None:
    grams = words.Grams()
    beginning, end = (
        words.tokenize("first " + "x" * 9000 + " last", grams)[0],
        words.tokenize("y " * 9000 + "last", grams)[-1],
    )

    assert (beginning, end) == (b"first", b"last")
    assert len(words.tokenize("w " * 100_000, grams)) <= 1001


def test_words_are_hashed_alike_everywhere() -> None:
    """A file that was learned on one machine is asked on another: CRC-32, and folded letters."""
    grams = words.Grams()

    assert words.count("Straße", grams) == words.count("STRASSE", grams)
    assert sorted(words.count("ab", grams)) == [14636, 17798, 20750, 28755]


def test_weighed_words_have_length_one() -> None:
    grams = words.Grams()
    counted = [words.count(text, grams) for text in ("the cat sat", "the dog sat down", "a bird")]

    weighed = words.weigh(counted[0], words.rarity(counted, grams), grams)

    for part in (True, False):
        own = [value for bucket, value in weighed.items() if (bucket < grams.word_buckets) is part]
        assert math.isclose(sum(value * value for value in own), 1.0)


def test_every_feature_of_the_surface_has_a_name() -> None:
    for text in ("", " ", "Why?", "x" * 50_000, "∑ = 3\n- a\n- b\n```\ndef f(): return 1\n```", "日本語の質問"):
        found = surface.features(text)
        assert len(found) == len(surface.NAMES)
        assert all(math.isfinite(each) for each in found)


def test_encoders_are_told_apart_by_what_changes_their_vectors(tmp_path: Path) -> None:
    one, other = tmp_path / "one.gguf", tmp_path / "other.gguf"
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    mini = Model(name="minilm", backend="encoder", source="builtin:minilm")
    models = [
        mini,
        Model(name="m", backend="encoder", source="builtin:minilm", too_long="chunk"),
        Model(name="m", backend="litellm", model="openai/e"),
        Model(name="m", backend="litellm", model="openai/e", dimensions=256),
        Model(name="m", backend="encoder", source=f"file:{one}"),
        Model(name="m", backend="encoder", source=f"file:{other}"),
    ]

    assert len({identity(model) for model in models}) == len(models)
    assert identity(mini) == "builtin:minilm"
    assert identity(Model(name="n", backend="encoder", source=f"file:{one}")) == identity(models[4])


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    known = learned().predictor
    path = tmp_path / "p"
    file.write(str(path), Learned(kind="policy", about=known.about(), tensors=known.tensors()))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(InputError, match="its bytes are not those that were written"):
        file.read(str(path), "policy")


def _bytes(found: Fitted) -> bytes:
    return file.to_bytes(Learned(kind="policy", about=found.predictor.about(), tensors=found.predictor.tensors()))
