import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.checks import backtracking
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted

CATASTROPHIC = ["(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}$", "(?:a?){30}a{30}b", "^(\\w+\\s?)*$", "(x+x+)+y"]


@pytest.mark.parametrize(
    ("pattern", "negate", "answer", "passed"),
    [
        ("^yes", False, "yes, it is", True),
        ("^yes", False, "oh yes", False),
        ("TODO", True, "all done", True),
        ("TODO", True, "a TODO", False),
        ("(?i)bug", False, "a BUG", True),
        ("", False, "", True),
    ],
)
def test_a_pattern_is_searched_anywhere_and_negate_turns_it_round(judge, pattern, negate, answer, passed):
    verdict = judge("regex", {"pattern": pattern, "negate": negate}, answer)

    assert (verdict.passed, verdict.evaluated) == (passed, True)


@pytest.mark.parametrize(
    "options", [{}, {"pattern": "("}, {"pattern": "a**"}, {"pattern": 3}, {"pattern": "a", "negate": "no"}]
)
def test_a_pattern_that_is_missing_or_wrong_is_a_problem(parse, options):
    _, problems = parse("regex", options)

    assert len(problems) == 1


@pytest.mark.parametrize("pattern", CATASTROPHIC)
def test_a_pattern_that_can_backtrack_for_ever_is_known_by_its_bound(pattern):
    assert backtracking.steps(pattern, 1000) > backtracking.FEW


@pytest.mark.parametrize(
    "pattern", ["^yes$", r"\d{4}-\d\d-\d\d", "(yes|no)", r"^\s*\{.*\}\s*$", "[a-z]+@[a-z]+", "(?<!x)y"]
)
def test_an_ordinary_pattern_on_an_ordinary_answer_needs_no_child(pattern):
    assert backtracking.steps(pattern, 80) <= backtracking.FEW


def test_a_search_without_end_is_killed_at_the_deadline_and_does_not_pass(judge):
    verdict = judge("regex", {"pattern": "(a+)+$"}, "a" * 40 + "!", control=Control(time.monotonic() + 0.2))

    assert (verdict.passed, verdict.evaluated) == (False, False)
    assert "the time of the run is over" in verdict.reason


def test_ctrl_c_ends_a_search(judge):
    control = Control()
    control.stop()

    with pytest.raises(Interrupted):
        judge("regex", {"pattern": "(a+)+$"}, "a" * 40 + "!", control=control)


@pytest.mark.parametrize(("answer", "passed"), [("a" * 20_000, True), ("a" * 20_000 + "é", False)])
def test_the_child_finds_what_a_search_here_would(judge, answer, passed):
    verdict = judge("regex", {"pattern": r"\A(?:a|b)*\Z"}, answer)

    assert (verdict.passed, verdict.evaluated) == (passed, True)


@settings(deadline=None)
@given(
    st.text(alphabet="ab", max_size=12),
    st.recursive(
        st.sampled_from(["a", "b", "[ab]", "."]),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
            st.tuples(inner, st.sampled_from("*+?")).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        ),
        max_leaves=6,
    ),
)
def test_the_bound_is_never_below_one_path_and_grows_with_the_text(text, pattern):
    re.compile(pattern)

    bounds = [backtracking.steps(pattern, length) for length in (1, 10, 100)]

    assert bounds[0] >= 1
    assert bounds == sorted(bounds)
