"""What a reasoning model says to itself is no part of its answer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.backends.pieces import Pieces
from synapse_cli.backends.reply import Reply
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BadRequest

from .asking import asked, open_model
from .tiny_gguf import CHATML, write


def _heard(text: str, cuts: list[int], *, thinks: bool = False) -> tuple[str, str]:
    out: list[str] = []
    pieces = Pieces([], out.append, reply=Reply(begun=thinks))
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in pairwise([*places, len(text)]):
        pieces.add(text[start:end].encode())
    whole = pieces.finish()
    assert "".join(out) == whole
    return whole, pieces.thought


plain = st.text(st.sampled_from("ab <>/thinkü\n"), max_size=20)
cuts = st.lists(st.integers(0, 99))


@given(thought=plain, answer=plain, cuts=cuts)
def test_a_thought_is_kept_apart_however_the_text_is_cut(thought: str, answer: str, cuts: list[int]) -> None:
    if "</think>" in thought or answer.lstrip().startswith("<think>"):
        return

    assert _heard(f"<think>{thought}</think>{answer}", cuts) == (answer.lstrip(), thought.strip())
    assert _heard(f"{thought}</think>{answer}", cuts, thinks=True) == (answer.lstrip(), thought.strip())


@given(answer=plain, cuts=cuts)
def test_an_answer_without_a_thought_is_whole(answer: str, cuts: list[int]) -> None:
    if answer.lstrip().startswith("<think>"):
        return

    assert _heard(answer, cuts) == (answer, "")


def test_a_thought_without_an_end_is_no_answer() -> None:
    assert _heard("<think>hm, let me see", [9]) == ("", "hm, let me see")


def test_a_model_that_only_thinks_gives_an_empty_answer_it_does_not_trust(tmp_path: Path) -> None:
    template = CHATML.replace("assistant\n{% endif", "assistant\n<think>\n{% endif")
    thinker = open_model(write(tmp_path / "thinker.gguf", template=template))

    answer = thinker.complete(asked("why?", p_max_tokens=12, p_temperature=2, p_seed=1), Control())

    assert (answer.text, answer.confidence, answer.finish) == ("", 0.0, "length")
    assert answer.thinking
    assert (answer.usage.output, answer.usage.reasoning) == (12, 12)


def test_a_template_that_makes_nothing_of_a_prompt_is_a_clear_refusal(tmp_path: Path) -> None:
    silent = open_model(write(tmp_path / "silent.gguf", template="{# nothing #}"))

    with pytest.raises(BadRequest, match="empty"):
        silent.complete(asked("why?"), Control())
