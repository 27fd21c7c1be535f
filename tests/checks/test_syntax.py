"""Whether code parses, and that none of it is ever run."""

from __future__ import annotations

import shutil
import time

import pytest

GOOD = [
    ("python", "def f(x):\n    return x\n"),
    ("json", '{"a": [1, null]}'),
    ("jsonl", '{"a": 1}\n\n{"a": 2}'),
    ("toml", 'a = "b"\n[t]\nx = 1979-05-27'),
    ("xml", "<a><b c='d'/>\u00e9</a>"),
    ("sql", "CREATE TABLE t (a INT);\n-- a comment; here\nSELECT a, ';' FROM t WHERE b = 1;"),
    ("sql", "SELECT * FROM nowhere"),
    ("sql", "DROP TABLE t; PRAGMA user_version = 3; ATTACH 'x.db' AS x; VACUUM"),
    ("sh", 'for f in *; do echo "$f"; done'),
]
BAD = [
    ("python", "def f(x)\n    return x", "line 1"),
    ("python", "(" * 100_000, "python"),
    ("python", "a = " + "-" * 200_000 + "1", "python"),
    ("json", '{"a": NaN}', "NaN"),
    ("json", "[" * 200_000, "nested"),
    ("jsonl", '{"a": 1}\n{', "line 2"),
    ("toml", "a = ", "toml"),
    ("xml", "<a><b></a>", "mismatched"),
    ("xml", '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "entity"),
    ("sql", "SELEC 1", "near"),
    ("sql", "SELECT 1; SELECT FROM", "near"),
    ("sql", "SELECT 'open", "unrecognized"),
    ("sh", "if true; then", "sh"),
    ("python", " \n", "no code"),
]


def fenced(language, code):
    return f"Here it is:\n\n```{language}\n{code}\n```\nDone."


@pytest.mark.parametrize(("language", "code"), GOOD)
def test_code_that_parses_passes_by_its_fence_and_by_its_name(judge, language, code):
    assert judge("syntax", {}, fenced(language, code)).passed
    assert judge("syntax", {"language": language}, code).passed


@pytest.mark.parametrize(("language", "code", "why"), BAD)
def test_code_that_does_not_parse_fails_and_the_reason_says_where(judge, language, code, why):
    verdict = judge("syntax", {}, fenced(language, code))

    assert (verdict.passed, verdict.evaluated) == (False, True)
    assert why in verdict.reason


def test_every_block_is_parsed_and_a_wrong_one_is_counted(judge):
    verdict = judge("syntax", {}, fenced("json", "{}") + "\n" + fenced("python", "x =") + "\n" + fenced("text", "x ="))

    assert verdict.reason.startswith("block 2, python: ")


def test_nothing_of_it_is_run(judge, tmp_path):
    file = tmp_path / "made"
    codes = {
        "python": f"open({str(file)!r}, 'w')",
        "sh": f"touch {file}",
        "bash": f"echo $(touch {file})",
        "sql": f"ATTACH '{file}' AS made; CREATE TABLE made.t (a)",
    }

    for language, code in codes.items():
        if language not in ("sh", "bash") or shutil.which(language):
            assert judge("syntax", {}, fenced(language, code)).passed
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "no code at all", fenced("cobol", "MOVE"), fenced("", "x = 1")])
def test_an_answer_without_known_code_cannot_be_judged(judge, text):
    assert (judge("syntax", {}, text).passed, judge("syntax", {}, text).evaluated) == (False, False)
    assert judge("syntax", {"if_missing": "pass"}, text).passed


def test_a_block_that_is_never_closed_is_parsed_to_the_end(judge):
    assert not judge("syntax", {}, "```python\nx = (").passed
    assert judge("syntax", {"language": "python"}, "```\nx = 1").passed


def test_code_of_megabytes_is_not_parsed_and_that_is_soon_said(judge):
    began = time.process_time()
    verdict = judge("syntax", {"language": "python"}, "x = 1\n" * 500_000)

    assert (verdict.passed, verdict.evaluated) == (False, False)
    assert time.process_time() - began < 3


def test_an_unknown_language_is_a_problem(parse):
    assert parse("syntax", {"language": "cobol"})[1] != ()
