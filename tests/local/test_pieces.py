"""What is handed out is whole characters, and never a part of a stop text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from synapse_cli.backends.pieces import Pieces

texts = st.text(st.characters(codec="utf-8"), max_size=40)
stops = st.lists(st.text(st.sampled_from("abü"), min_size=1, max_size=4), max_size=3)


def _fed(raw: bytes, cuts: list[int], stop: list[str]) -> tuple[str, list[str], bool]:
    pieces: list[str] = []
    taken = Pieces(stop, pieces.append)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        taken.add(raw[start:end])
        if taken.stopped:
            break
    return taken.finish(), pieces, taken.stopped


@given(text=texts, cuts=st.lists(st.integers(0, 200)))
def test_a_text_cut_between_any_bytes_comes_out_whole(text: str, cuts: list[int]) -> None:
    out, pieces, stopped = _fed(text.encode(), cuts, [])

    assert out == "".join(pieces) == text
    assert not stopped


@given(text=st.text(st.sampled_from("abcü"), max_size=30), cuts=st.lists(st.integers(0, 60)), stop=stops)
def test_the_text_ends_before_the_first_stop_text(text: str, cuts: list[int], stop: list[str]) -> None:
    out, pieces, stopped = _fed(text.encode(), cuts, stop)

    assert "".join(pieces) == out
    assert text.startswith(out)
    assert not any(word in out for word in stop)
    assert stopped == any(word in text for word in stop)
    if not stopped:
        assert out == text


@given(text=texts, short=st.integers(1, 3))
def test_an_unfinished_character_is_left_out(text: str, short: int) -> None:
    out, _, _ = _fed(text.encode() + "😀".encode()[:short], [], [])

    assert out == text


def test_a_beginning_that_may_become_a_stop_text_is_held_back() -> None:
    pieces: list[str] = []
    taken = Pieces(["###"], pieces.append)

    for raw in (b"yes#", b"#", b"no#"):
        taken.add(raw)

    assert pieces == ["yes", "##no"]
    assert taken.finish() == "yes##no#"


def test_what_a_model_writes_before_every_answer_is_left_out() -> None:
    for raws, shown in (((b" ", b"yes"), ["yes"]), ((b" no", b" way"), ["no", " way"]), ((b"ye", b"s"), ["ye", "s"])):
        pieces: list[str] = []
        taken = Pieces([" y"], pieces.append, prefix=" ")
        for raw in raws:
            taken.add(raw)

        assert taken.finish() == "".join(shown)
        assert pieces == shown
