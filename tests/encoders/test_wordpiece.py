"""Our WordPiece cuts texts exactly as the reference does; where it cannot, that is named and counted here."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from synapse_cli.backends.minilm_convert import _spelt
from synapse_cli.backends.wordpiece import WordPiece, of_vocabulary
from tests.encoders.reference import FOLDER, texts, tokenizer

PIECES = (FOLDER / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]


@pytest.fixture(scope="module")
def reference() -> Tokenizer:
    made = tokenizer()
    made.no_truncation()
    return made


@pytest.fixture(scope="module")
def ours() -> WordPiece:
    return of_vocabulary([_spelt(piece) for piece in PIECES], 100, lowers=None, strips=None)


def _theirs(reference: Tokenizer, text: str) -> list[int]:
    return list(reference.encode(text, add_special_tokens=False).ids)


def test_texts_in_many_scripts_are_cut_alike(reference: Tokenizer, ours: WordPiece) -> None:
    for _, text in texts(each=40):
        assert ours.ids(text) == _theirs(reference, text), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\r\n\u00a0\u2028\u3000",
        "UPPER Case and cafe\u0301, CAFÉ, İstanbul, ẞtraße, Σίσυφος",
        "한국어와 조합형 \u1112\u1161\u11ab",
        "हिन्दी में स्वर चिह्न",
        "x" * 100 + " " + "x" * 101 + " " + "é" * 101,
        "a\u0000b\ufffdc\u200bd\u00ade\ue000f",
        "[CLS] [MASK] ##ing \u2581the",
        "don't, e.g. $3.50 (a+b)=c_d/e\\f`g|h~i^j",
        "日本語と漢字kana混在",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
        "\ufb01 \u2163 \u2460 \uff46\uff55\uff4c\uff4c",
    ],
)
def test_what_is_hard_to_cut_is_cut_alike(reference: Tokenizer, ours: WordPiece, text: str) -> None:
    assert ours.ids(text) == _theirs(reference, text)


_SETTLED = st.characters(
    max_codepoint=0x1FFF, exclude_categories=["Cs", "Cn", "Cf", "Mn", "Po"], exclude_characters="\u166d\u1734"
)
"""What has been of one kind in every Unicode since the reference's; the next test counts the others."""


@settings(max_examples=200, deadline=None)
@given(st.text(_SETTLED, max_size=60))
def test_any_text_of_letters_is_cut_alike(text: str) -> None:
    assert _OURS.ids(text) == _theirs(_REFERENCE, text)


_REFERENCE = tokenizer()
_REFERENCE.no_truncation()
_OURS = of_vocabulary([_spelt(piece) for piece in PIECES], 100, lowers=None, strips=None)


def test_characters_that_are_cut_otherwise_are_few_and_young(reference: Tokenizer, ours: WordPiece) -> None:
    """The reference knows the Unicode of 2015, Python that of its release: marks and punctuation since then differ."""
    differ = [
        code
        for code in range(0x3000)
        if not 0xD800 <= code < 0xE000 and ours.ids(f"a{chr(code)}b") != _theirs(reference, f"a{chr(code)}b")
    ]

    assert len(differ) <= 140 + 60 * (sys.version_info >= (3, 13))
    assert {unicodedata.category(chr(code)) for code in differ} <= {"Mn", "Mc", "Po", "Pd", "Ps", "Pe", "Cf", "So"}
    assert all(code > 0x600 for code in differ)


def test_a_vocabulary_with_capitals_keeps_capitals() -> None:
    cased = of_vocabulary(["[UNK]", "\u2581Hello", "\u2581hello", "\u2581é", "s"], 0, lowers=None, strips=None)
    uncased = of_vocabulary(["[UNK]", "\u2581hello", "s"], 0, lowers=None, strips=None)

    assert cased.ids("Hello hellos É é") == [1, 2, 4, 0, 3]
    assert uncased.ids("Hello HELLOS") == [1, 1, 2]


def test_the_file_decides_where_it_says_how_it_was_trained() -> None:
    pieces = ["[UNK]", "\u2581hello", "\u2581Hello"]

    assert of_vocabulary(pieces, 0, lowers=True, strips=None).ids("Hello") == [1]
    assert of_vocabulary(pieces, 0, lowers=False, strips=None).ids("Hello") == [2]
