import pytest

from synapse_cli.core.options import Options

DOUBTING = ["agree", "confidence", "critique", "grounded", "judge", "scorer", "self_check"]


@pytest.mark.parametrize(("found", "passed"), [(0.8, True), (0.81, True), (0.7999, False), (0.0, False), (1.0, True)])
def test_an_answer_passes_from_the_least_confidence_on(judge, found, passed):
    verdict = judge("confidence", {"min": 0.8}, "x", confidence=found)

    assert (verdict.passed, verdict.evaluated, verdict.score) == (passed, True, found)


def test_the_reason_names_both_numbers(judge):
    assert judge("confidence", {"min": 0.8}, "x", confidence=0.25).reason == "0.25 is below 0.8"
    assert judge("confidence", {"min": 0.97}, "x", confidence=0.96987).reason == "0.9699 is below 0.97"
    assert judge("confidence", {"min": 0.969}, "x", confidence=0.9687).reason == "0.9687 is below 0.969"


@pytest.mark.parametrize(
    ("says", "passed"), [({}, False), ({"if_missing": "fail"}, False), ({"if_missing": "pass"}, True)]
)
def test_a_missing_confidence_passes_only_where_the_rule_says_so(judge, says, passed):
    verdict = judge("confidence", {"min": 0.8, **says}, "x", confidence=None)

    assert (verdict.passed, verdict.evaluated) == (passed, False)
    assert "gives no confidence" in verdict.reason


def test_a_confidence_that_is_no_number_does_not_pass(judge):
    assert not judge("confidence", {"min": 0.0}, "x", confidence=float("nan")).passed


@pytest.mark.parametrize("options", [{}, {"min": 1.5}, {"min": -0.1}, {"min": "high"}, {"min": True}])
def test_a_least_that_is_missing_or_out_of_range_is_a_problem(parse, options):
    _, problems = parse("confidence", options)

    assert [problem.where for problem in problems] == ["cascades.c.accept[0].min"]


def test_only_what_is_an_opinion_raises_doubt_and_all_others_bind_validity():
    from synapse_cli.core.registry import BUILT_IN, load
    from tests.conformance.test_checks import OPTIONS

    parsed = {name: load("checks", name).parse(Options(OPTIONS[name])) for name in BUILT_IN["checks"]}

    doubting = [name for name, check in parsed.items() if check.binds == "doubt"]
    assert doubting == DOUBTING


def test_a_calibrated_confidence_is_the_chance_that_labels_have_shown(judge):
    rule = {"min": 0.8, "calibration": [[0.5, 0.2], [0.9, 0.6], [1, 0.9]]}

    assert not judge("confidence", rule, "x", confidence=0.95).passed
    assert judge("confidence", rule, "x", confidence=0.99).passed
    assert judge("confidence", rule, "x", confidence=0.3).score == 0.2


def test_a_confidence_that_is_no_number_passes_no_calibrated_rule(judge):
    assert not judge(
        "confidence", {"min": 0.1, "calibration": [[0, 0.5], [1, 0.9]]}, "x", confidence=float("nan")
    ).passed


@pytest.mark.parametrize("points", [[], "x", [[0.5, 0.9], [0.4, 1]], [[0, 0.9], [1, 0.1]], [[0, 2]]])
def test_a_calibration_that_falls_or_is_none_is_a_problem(parse, points):
    assert [p.where for p in parse("confidence", {"min": 0.5, "calibration": points})[1]] == [
        "cascades.c.accept[0].calibration"
    ]
