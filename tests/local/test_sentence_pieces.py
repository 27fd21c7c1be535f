"""A model whose tokenizer puts spaces before words is asked and heard as it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synapse_cli.core.control import Control

from .asking import asked, open_model
from .raw import Raw
from .tiny_gguf import write

TEMPLATE = "{{ bos_token }}[INST] {{ messages[0].content }} [/INST]"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("older") / "older.gguf", pieces=True, template=TEMPLATE)


def test_its_labels_are_scored_as_it_would_write_them(older: Path) -> None:
    engine = Raw(older)
    text = "<s>[INST] spam? [/INST]"
    prompt = engine.vocabulary.tokens(text, special=True)
    assert prompt[0] == engine.vocabulary.begin_token
    scores = []
    for label in ("yes", "no", "spam"):
        tokens = engine.vocabulary.tokens(text + label, special=True)
        assert tokens[: len(prompt)] == prompt
        engine.begin()
        logits, total = engine.read(prompt), 0.0
        for token in tokens[len(prompt) :]:
            total += logits[token] - np.log(np.exp(logits).sum())
            logits = engine.read((token,))
        scores.append(total)

    answer = open_model(older).complete(asked("spam?", choices=("yes", "no", "spam")), Control())

    chances = np.exp(np.array(scores) - max(scores))
    assert answer.text == ("yes", "no", "spam")[int(np.argmax(scores))]
    assert answer.confidence == pytest.approx(chances.max() / chances.sum(), abs=5e-3)
    assert answer.usage.input == len(prompt)


def test_its_answer_does_not_begin_with_the_space_of_its_first_word(older: Path) -> None:
    model = open_model(older)
    engine = Raw(older)
    begins_with_space = [
        number for number in range(260, engine.vocabulary.size) if engine.vocabulary.piece(number)[:1] == b" "
    ]
    firsts = set()

    for seed in range(60):
        given = model.complete(
            asked("go", p_max_tokens=2, p_temperature=4, p_seed=seed, p_top_k=0, p_top_p=1, p_min_p=0), Control()
        )
        firsts.add(given.text[:1])

    assert begins_with_space
    assert " " not in firsts
    assert len(firsts) > 5


def test_a_prompt_begins_once(older: Path, tmp_path: Path) -> None:
    bare = write(tmp_path / "bare.gguf", pieces=True, template=None)

    with_template = open_model(older).count(asked("x").messages).tokens
    chatml = open_model(bare).complete(asked("x", p_max_tokens=1), Control())

    engine = Raw(bare)
    assert with_template == len(engine.vocabulary.tokens("<s>[INST] x [/INST]", special=True))
    assert engine.vocabulary.tokens("x", special=True, begin=True)[0] == engine.vocabulary.begin_token
    assert chatml.usage.input == len(
        engine.vocabulary.tokens("<|im_start|>user\nx<|im_end|>\n<|im_start|>assistant\n", special=True, begin=True)
    )
