"""A grammar that somebody wrote is read as llama.cpp reads it, refused with its place, and followed without a hang."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.backends.gbnf_match import MOST_READINGS, Matcher, matcher
from synapse_cli.backends.gbnf_tree import GrammarError


def _reads(grammar: str, text: str) -> bool | None:
    """Whether the text may end here; None where it may not even begin so."""
    followed = matcher(grammar)
    state = followed.after(followed.start, text.encode().translate(followed.kinds))
    return None if state is None else state.may_end


JSON = r"""
# after the example that llama.cpp ships
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::=
  "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ws
ws ::= | " " | "\n" [ \t]{0,20}
"""
CHESS = """root ::= "1. " move " " move "\\n" ([1-9] [0-9]? ". " move " " move "\\n")+
move ::= (pawn | nonpawn | castle) [+#]?
nonpawn ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBKQR])?
castle ::= "O-O" "-O"?"""
SUMS = 'root ::= (expr "=" ws term "\\n")+\nexpr ::= term ([-+*/] term)*\nterm ::= ident | num | "(" ws expr ")" ws\n'
SUMS += "ident ::= [a-z] [a-z0-9_]* ws\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*"
READ = [
    (JSON, ["{}", '{"a": [1, -2.5, {"ü": "日本\\n"}], "b": null}'], ['{"a" 1}', "[]", '{"a":01}', '{"\x01":1}']),
    (CHESS, ["1. e4 e5\n2. Nf3 Nc6\n", "1. O-O exd5+\n9. e8=Q O-O-O#\n"], ["1. e9", "2. e4"]),
    (SUMS, ["a1 +3*(b)=c\n", "x=1\ny=2\n"], ["+", "a b=1"]),
    ('root ::= [ぁ-ゟ]+ | "\\u65e5\\U0000672c" | [^ -~]', ["ひらがな", "日本", "é", "\n"], ["カナ", "a"]),
    ('root ::= "a" (\n  "b" # one\n  | "c"\n)* "d" |\n  "e"\r\nx ::= "y"', ["ad", "abcbd", "e"], ["ae", "y"]),
    ('root ::= "ab"{2,3} [0-9]{2} .{1,} "z"{0,2}?', ["abab12c", "ababab12xyz"], ["ab12c", "abab12"]),
    ('root ::= [-a] [a-] [a\\-z] [\\]\\[] "\\x41\\t"', ["-aa]A\t", "a--[A\t", "aaz[A\t"], ["b", "-ab"]),
    ('root ::= "say \\"yes\\\\no\\"\\n"', ['say "yes\\no"\n'], ["say yes"]),
    ('root ::= ("a"* "b"?)* "c"', ["c", "aabaac", "bbc"], ["d"]),
    ('root ::= "(" root ")" | ""', ["", "((()))"], [")", "(a"]),
    ('root ::= list\nlist ::= "x" list | "x"', ["x" * 5000], ["y"]),
    ('root ::= "" | ""*', [""], ["a"]),
    ('root ::= a\n\na ::= "x"\na ::= "x"', ["x"], ["xx"]),
]  # fmt: skip


@pytest.mark.parametrize(("grammar", "inside", "outside"), READ, ids=range(len(READ)))
def test_a_grammar_lets_through_its_texts_and_no_others(grammar: str, inside: list[str], outside: list[str]) -> None:
    assert [text for text in inside if not _reads(grammar, text)] == []
    assert [text for text in outside if _reads(grammar, text)] == []


def test_half_a_character_may_come_only_where_the_whole_one_may() -> None:
    followed = matcher('root ::= "日" | [à-ü] | "ab"')

    def may_begin(raw: bytes) -> bool:
        return followed.after(followed.start, raw.translate(followed.kinds)) is not None

    assert may_begin("日".encode()[:2])
    assert may_begin("é".encode()[:1])
    assert not may_begin("本".encode()[:2])
    assert not may_begin(b"\xed\xa0")
    assert not may_begin(b"\xc0")


TOO_WIDE = "\n".join(f'r{n} ::= r{n + 1} "x" | r{n + 1} "y"' for n in range(30)) + '\nr30 ::= "q"\nroot ::= r0'
REFUSED = [
    ("", 1, 1, "no rules"),
    ("# nothing but a remark", 1, 1, "no rules"),
    ('a ::= "x"', 1, 1, "named root"),
    ('root ::= "a', 1, 10, "never closed"),
    ("root ::= [a", 1, 10, "never closed"),
    ('root ::= ("a"', 1, 10, "never closed"),
    ('root ::= "a" )', 1, 14, "closes nothing"),
    ('root ::= "x"\nroot2 = "y"', 2, 7, "::= is missing"),
    ("root ::= a", 1, 10, "a is not defined"),
    ('root ::= my_rule\nmy-rule ::= "x"', 1, 12, "underscore"),
    ('root ::= "a"\n  | "b"', 2, 3, "belongs to none"),
    ('root ::= "a" b ::= "c"', 1, 16, "within another"),
    ("root ::= 'a'", 1, 10, "means nothing"),
    ("root ::= *", 1, 11, "repeats nothing"),
    ('root ::= "a"{', 1, 14, "number is missing"),
    ('root ::= "a"{2', 1, 13, "not closed"),
    ('root ::= "a"{3,2}', 1, 13, "2 is less than 3"),
    ('root ::= "a"{200000000}', 1, 13, "too many"),
    ('root ::= "a"{99999999999999999999}', 1, 14, "too large"),
    ("root ::= [z-a]", 1, 11, "backwards"),
    ("root ::= []", 1, 10, "no character"),
    ('root ::= "\\q"', 1, 11, "no escape"),
    ('root ::= "\\x4"', 1, 11, "hex digits"),
    ('root ::= "\\ud800"', 1, 11, "no character"),
    ("root ::= <think", 1, 10, "never closed"),
    ("root ::= <[x]>", 1, 10, "no token"),
    ("root ::= !a", 1, 10, "! says"),
    ('root ::= "a"\nroot ::= "b"', 2, 1, "defined twice"),
    ('root ::= root "x" | "y"', 1, 10, "left recursion"),
    ('root ::= a\na ::= b "x"\nb ::= "y" | a', 3, 13, "through b"),
    ('root ::= e root "x" | "y"\ne ::= f\nf ::= "z"*', 1, 12, "left recursion"),
    ("root ::= " + "(" * 200 + '"a"' + ")" * 200, 1, 110, "brackets within"),
    ("\r\n\r\nroot ::= ?", 3, 11, "repeats nothing"),
    ('root ::= "a"' + "*" * 5000, 1, 114, "repeats of one thing"),
    (TOO_WIDE, 32, 1, "too many"),
]  # fmt: skip


@pytest.mark.parametrize(("grammar", "line", "column", "reason"), REFUSED, ids=range(len(REFUSED)))
def test_a_wrong_grammar_is_refused_with_its_place(grammar: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(GrammarError) as caught:
        matcher(grammar)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert reason in caught.value.reason
    assert f"line {line}, column {column}" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_grammar_of_megabytes_is_refused() -> None:
    with pytest.raises(GrammarError, match="characters"):
        matcher('root ::= "' + "a" * 1_100_000 + '"')
    with pytest.raises(GrammarError, match="too large"):
        matcher("root ::= a\na ::= " + '"' + "ab" * 200_000 + '"')


def test_a_long_chain_of_rules_is_read_in_one_go() -> None:
    order = [(n * 7919) % 4000 for n in range(4000)]
    rules = [f"r{n} ::= r{n + 1}" if n < 3999 else 'r3999 ::= "" | "x"' for n in order]

    followed = Matcher.of("\n".join(["root ::= r0", *rules]))

    assert followed.start.may_end
    assert followed.effort <= 10_000


def test_thousands_of_words_are_few_readings() -> None:
    words = [f"{first}{rest}" for first in ("north", "sol", "ü") for rest in range(2000)]
    followed = Matcher.of("root ::= " + " | ".join(f'"{word}" [.!]' for word in [*words, "nor", "n"]))

    for text in ("north17.", "ü1999!", "nor.", "n!"):
        after = followed.after(followed.start, text.encode().translate(followed.kinds))
        assert after is not None
        assert after.may_end
    assert followed.after(followed.start, b"north2000.".translate(followed.kinds)) is None
    assert len(followed.start.readings) <= 2


# --- against Python's own expressions ---


@dataclass(frozen=True)
class Both:
    """One pattern written in both languages."""

    grammar: str
    expression: str


def _one(letter: str) -> Both:
    return Both(f'"{letter}"', f"(?:{letter})")


def _joined(parts: list[Both], mark: str, glue: str) -> Both:
    return Both("(" + mark.join(p.grammar for p in parts) + ")", "(?:" + glue.join(p.expression for p in parts) + ")")


def _repeated(part: Both, count: str) -> Both:
    return Both(f"({part.grammar}){count}", f"(?:{part.expression}){count}")


classes = st.sampled_from([Both("[a-b]", "[a-b]"), Both("[^b]", "[^b]"), Both(".", "[\\s\\S]")])
counts = st.sampled_from(["*", "+", "?", "{2}", "{0}", "{1,}", "{1,3}", "{0,2}"])
patterns = st.recursive(
    st.sampled_from("abc").map(_one) | classes,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: _joined(parts, " ", ""))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: _joined(parts, " | ", "|"))
        | st.tuples(inner, counts).map(lambda pair: _repeated(*pair))
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(pattern=patterns, texts=st.lists(st.text("abcü", max_size=6), min_size=1, max_size=12))
def test_a_pattern_means_what_it_means_as_a_regular_expression(pattern: Both, texts: list[str]) -> None:
    expression = re.compile(pattern.expression)

    for text in texts:
        assert (_reads(f"root ::= {pattern.grammar}", text) is True) == (expression.fullmatch(text) is not None)


# --- no hang ---

AMBIGUOUS = [
    ('root ::= ("a"*)* "b"', "a" * 3000 + "b"),
    ('root ::= ((("a"+)+)+)+ "b"', "a" * 3000 + "b"),
    ('root ::= ("a" | "a" "a" | "a" "a" "a")* "b"', "a" * 3000 + "b"),
    ('root ::= x x x x x "b"\nx ::= "a"*', "a" * 3000 + "b"),
    ('root ::= ("a"{1,10}){1,1000} "b"', "a" * 3000 + "b"),
    ('root ::= ([a-z]+ " "?){1,50} "."', "several words that are all of letters."),
]


@pytest.mark.parametrize(("grammar", "text"), AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_an_ambiguous_grammar_is_followed_in_few_readings(grammar: str, text: str) -> None:
    followed = Matcher.of(grammar)
    state = followed.start
    most = 0

    for byte in text.encode().translate(followed.kinds):
        after = followed.after(state, bytes((byte,)))
        assert after is not None
        state, most = after, max(most, len(after.readings))

    assert state.may_end
    assert most <= 60


def test_where_readings_multiply_the_text_must_go_another_way_and_still_ends() -> None:
    followed = matcher('root ::= "a" root "b" | "a" root "c" | ""')
    state, depth = followed.start, 0
    while (after := followed.after(state, b"a".translate(followed.kinds))) is not None:
        state, depth = after, depth + 1
        assert len(state.readings) <= MOST_READINGS

    ended = followed.after(state, (b"bc" * depth)[:depth].translate(followed.kinds))

    assert 5 <= depth <= 20
    assert ended is not None
    assert ended.may_end


def test_what_is_remembered_of_a_grammar_is_bounded() -> None:
    followed = Matcher.of('root ::= "(" root ")" | "[" root "]" | ""')
    state = followed.start
    for place in range(400_000):
        if place % 1000 == 0:
            state = followed.start
        after = followed.after(state, (b"(" if (place * place // 7) % 3 else b"[").translate(followed.kinds))
        assert after is not None
        state = after

    assert followed.remembered <= 300_000
