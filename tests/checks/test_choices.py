import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.checks.choices import Choices
from synapse_cli.core.errors import UsageError
from synapse_cli.core.fold import fold
from synapse_cli.core.prompt import Message, Request

LABELS = ["Bug report", "billing", "Ärger", "Ⅳ", "St."]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("billing", "billing"),
        (" BILLING.\n", "billing"),
        ('"Billing."', "billing"),
        ('"billing".', "billing"),
        ("`bug report`", "Bug report"),
        ("“Bug Report”", "Bug report"),
        ("«billing»", "billing"),
        ("billing。", "billing"),
        ("A\u0308RGER", "Ärger"),
        ("\uff42\uff49\uff4c\uff4c\uff49\uff4e\uff47", "billing"),
        ("iv", "Ⅳ"),
        ("st", "St."),
        ("St.", "St."),
    ],
)
def test_a_label_is_found_whatever_stands_around_it_and_printed_as_declared(judge, answer, label):
    verdict = judge("choices", {"values": LABELS}, answer)

    assert (verdict.passed, verdict.canonical) == (True, label)


@pytest.mark.parametrize("answer", ["", ".", "billing or bug", "billing..", "bill", "billing: yes", "the billing"])
def test_anything_else_does_not_pass_and_the_reason_lists_the_labels(judge, answer):
    verdict = judge("choices", {"values": ["billing", "bug"]}, answer)

    assert (verdict.passed, verdict.canonical) == (False, None)
    assert verdict.reason.endswith("is none of billing, bug")


def test_the_labels_of_the_request_count_where_the_rule_has_none(judge):
    assert judge("choices", {}, "yes.", choices=("Yes", "No")).canonical == "Yes"


def test_the_labels_of_the_rule_win_over_those_of_the_request(judge):
    assert not judge("choices", {"values": ["a"]}, "b", choices=("b",)).passed


def test_a_rule_without_labels_anywhere_is_an_error_of_the_command_line():
    with pytest.raises(UsageError, match="no labels"):
        Choices().ready(Request(messages=(Message("user", "?"),)))


@pytest.mark.parametrize("values", [[], ["a", "A"], ["a", ""], ["a", 1], "a"])
def test_labels_that_are_none_or_compare_equal_are_a_problem(parse, values):
    _, problems = parse("choices", {"values": values})

    assert len(problems) == 1
    assert problems[0].where == "cascades.c.accept[0].values"


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing_for_labels_in_quotes(text):
    assert fold(f' "{text}" ') == fold(f'"{text}"')


@settings(deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1))
def test_a_label_always_matches_itself_in_upper_case_with_a_full_stop(label):
    assert fold(label.casefold() + ".") == fold(label)
