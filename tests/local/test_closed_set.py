"""A label is chosen by its exact probability, whichever way it is reached."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.closed_set import Scoring, paths, rank
from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_prompt import prepare
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest, UsageError

from .asking import asked, open_model
from .raw import Raw
from .tiny_gguf import ABSTAIN_ID, CHATML, END_ID, write

NOISE = 5e-3
"""Flash attention counts in 16 bits: logits of 18, as random weights give them, move by .013 with the batch."""


def _brute_force(model: Path, text: str, labels: tuple[str, ...], *, without: int | None = None) -> list[float]:
    """Every label read alone after the prompt, one token at a time, with nothing shared."""
    engine = Raw(model)
    prompt = prepare(engine.vocabulary, CHATML, asked(text).messages, Control()).tokens
    tokens = [tuple(engine.vocabulary.tokens(label, special=False)) for label in labels]
    scores = []
    for mine in tokens:
        ends = any(other != mine and other[: len(mine)] == mine for other in tokens)
        engine.begin()
        logits = engine.read(prompt)
        total = 0.0
        for token in (*mine, END_ID) if ends else mine:
            if without is not None:
                logits[without] = -math.inf
            total += logits[token] - np.log(np.exp(logits).sum())
            logits = engine.read((token,))
        scores.append(total)
    return scores


SETS = [
    ("yes", "no"),
    ("bug", "bugs", "b", "bu", "the bugs"),
    ("spam", "ham", "spam and ham", "spa", "spamspam"),
    ("größe", "grösse", "gross"),
    tuple(f"label {number}" for number in range(70)),
    tuple("x" * length for length in range(1, 40)),
]


@pytest.mark.parametrize("labels", SETS, ids=lambda labels: " ".join(labels)[:30])
def test_the_choice_and_its_confidence_are_those_of_brute_force(
    tiny: Path, backend: LlamaCpp, labels: tuple[str, ...]
) -> None:
    for text in ("is it?", "what else could it be"):
        scores = _brute_force(tiny, text, labels)
        chances = np.exp(np.array(scores) - max(scores))

        answer = backend.complete(asked(text, choices=labels), Control())

        assert answer.text == labels[int(np.argmax(scores))]
        assert answer.confidence == pytest.approx(chances.max() / chances.sum(), abs=NOISE)
        assert answer.finish == "stop"


def test_a_schema_of_texts_is_a_closed_set_answered_in_json(backend: LlamaCpp) -> None:
    labels = ("spam", 'h"am')
    schema = json.dumps({"type": "string", "enum": list(labels)})
    pieces: list[str] = []

    answer = backend.complete(asked("which?", schema=schema), Control(), pieces.append)
    plain = backend.complete(asked("which?", choices=labels), Control())

    assert json.loads(answer.text) == plain.text
    assert answer.confidence == pytest.approx(plain.confidence, abs=NOISE)
    assert "".join(pieces) == answer.text


def test_the_abstain_token_takes_no_part_in_a_choice_and_lowers_its_confidence(tmp_path: Path) -> None:
    model = write(tmp_path / "doubting.gguf", sharpness=0.5, metadata={"synapse.abstain_token_id": ABSTAIN_ID})
    engine = Raw(model)
    first = np.exp(engine.read(prepare(engine.vocabulary, CHATML, asked("hm").messages, Control()).tokens))
    scores = _brute_force(model, "hm", ("yes", "no"), without=ABSTAIN_ID)
    chances = np.exp(scores)

    answer = open_model(model).complete(asked("hm", choices=("yes", "no")), Control())

    knows = 1 - first[ABSTAIN_ID] / first.sum()
    assert knows < 0.999
    assert answer.confidence == pytest.approx(knows * chances.max() / chances.sum(), abs=1e-5)


def test_labels_are_scored_as_the_model_writes_answers(tmp_path: Path) -> None:
    metadata = {"synapse.abstain_token_id": ABSTAIN_ID, "synapse.answer_prefix": " "}
    model = write(tmp_path / "spaced.gguf", sharpness=0.5, metadata=metadata)
    labels = ("the bug", "yes", "no")
    engine = Raw(model)
    first = np.exp(engine.read(prepare(engine.vocabulary, CHATML, asked("hm").messages, Control()).tokens))
    scores = _brute_force(model, "hm", tuple(f" {label}" for label in labels), without=ABSTAIN_ID)
    chances = np.exp(scores)

    answer = open_model(model).complete(asked("hm", choices=labels), Control())

    assert answer.text == labels[int(np.argmax(scores))]
    knows = 1 - first[ABSTAIN_ID] / first.sum()
    assert answer.confidence == pytest.approx(knows * chances.max() / chances.sum(), abs=1e-5)


def test_calibration_takes_off_what_the_bare_instruction_prefers(tiny: Path, tmp_path: Path) -> None:
    labels = ("billing", "bug", "praise")
    ask, text = "Classify this ticket as billing, bug or praise", "the bug is the bug"
    full = np.array(_brute_force(tiny, f"{ask}\n\n{text}", labels))
    bare = np.array(_brute_force(tiny, ask, labels))
    calibrated = np.exp(full - bare)
    marked = write(tmp_path / "marked.gguf", metadata={"synapse.contextual_calibration": True})
    request = asked(f"{ask}\n\n{text}", choices=labels)

    by_file = open_model(marked).complete(request, Control())
    by_param = open_model(tiny).complete(
        asked(f"{ask}\n\n{text}", choices=labels, p_contextual_calibration=True), Control()
    )
    switched_off = open_model(marked).complete(
        asked(f"{ask}\n\n{text}", choices=labels, p_contextual_calibration=False), Control()
    )

    assert by_file.confidence == pytest.approx(calibrated.max() / calibrated.sum(), abs=NOISE)
    assert by_file.text == by_param.text
    assert by_file.confidence == pytest.approx(by_param.confidence, abs=NOISE)
    assert by_file.text == labels[int(calibrated.argmax())]
    assert switched_off.text == labels[int(full.argmax())]


def test_a_model_that_is_made_for_it_decodes_labels_named_in_the_prompt(tmp_path: Path, backend: LlamaCpp) -> None:
    made_for_it = open_model(write(tmp_path / "made.gguf", metadata={"synapse.closed_sets": True}))
    text = "Classify this ticket as billing, bug or praise\n\nThe sum is wrong."

    found = made_for_it.complete(asked(text), Control())
    by_system = made_for_it.complete(asked("The sum is wrong.", system="Classify as billing, bug or praise"), Control())
    told = backend.complete(asked(text, choices=("billing", "bug", "praise")), Control())
    free = backend.complete(asked(text, p_max_tokens=10), Control())

    assert found.text == told.text
    assert found.confidence == pytest.approx(told.confidence, abs=NOISE)
    assert by_system.text in {"billing", "bug", "praise"}
    assert free.text not in {"billing", "bug", "praise"}


def test_equal_choices_are_one(backend: LlamaCpp) -> None:
    once = backend.complete(asked("?", choices=("a", "b")), Control())
    twice = backend.complete(asked("?", choices=("a", "b", "a", "b")), Control())

    assert once.text == twice.text
    assert once.confidence == pytest.approx(twice.confidence, abs=NOISE)
    assert backend.complete(asked("?", choices=("only",)), Control()).confidence == pytest.approx(1.0)


def test_an_empty_choice_is_refused(backend: LlamaCpp) -> None:
    with pytest.raises(UsageError, match="empty"):
        backend.complete(asked("?", choices=("a", " ")), Control())


def test_labels_that_do_not_fit_behind_the_prompt_are_refused(tiny: Path) -> None:
    with pytest.raises(BadRequest, match="64"):
        open_model(tiny, context=64).complete(asked("?", choices=("a", "x" * 60)), Control())


labels_of_tokens = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple), min_size=1, max_size=6, unique=True
)


@settings(deadline=None)
@given(labels=labels_of_tokens, seed=st.integers(0, 10**6))
def test_scores_over_all_ways_to_go_on_never_exceed_one(labels: list[tuple[int, ...]], seed: int) -> None:
    """Paths of which none begins another are different events, so their probabilities cannot sum to more than one."""
    end = 4

    def log_chance_after(begun: tuple[int, ...]) -> Callable[[int], float]:
        logits = np.random.default_rng([seed, *(token + 1 for token in begun)]).standard_normal(5)
        return lambda token: float(logits[token] - np.log(np.exp(logits).sum()))

    marked = paths(labels, end)
    scoring = Scoring(marked)
    scoring.hear_first(log_chance_after(()))
    for index, path in enumerate(scoring.to_read):
        for depth in range(len(path)):
            scoring.hear(index, depth, log_chance_after(path[: depth + 1]))
    scores = scoring.scores

    assert sum(math.exp(score) for score in scores) <= 1 + 1e-5
    assert sum(rank(scores).chances) == pytest.approx(1.0)
    assert not any(a != b and a == b[: len(a)] for a in marked for b in marked)
