import pytest


@pytest.mark.parametrize("answer", ["{}", "[1, 2]", ' {"a": [1, {"b": null}]}\n', "3", '"x"', "null", "true"])
def test_any_json_value_passes_as_it_is(judge, answer):
    verdict = judge("json", {}, answer)

    assert (verdict.passed, verdict.canonical) == (True, None)


@pytest.mark.parametrize("fence", ["```", "```json", "~~~json", "````JSON", "``` json"])
def test_one_fence_around_the_whole_answer_is_taken_off(judge, fence):
    marks = fence.rstrip("jsonJSON ")

    verdict = judge("json", {}, f'{fence}\n{{"a": 1}}\n{marks}\n')

    assert (verdict.passed, verdict.canonical) == (True, '{"a": 1}')


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "yes",
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": 1} and more',
        'Here: {"a": 1}',
        "NaN",
        "[Infinity]",
        "```json\n{}\n```\nDone.",
        "```\n{}\n```\n```\n{}\n```",
        '{"a": 1',
        "```json\n{\n```",
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_what_is_not_json_does_not_pass(judge, answer):
    verdict = judge("json", {}, answer)

    assert not verdict.passed
    assert verdict.reason.startswith("not JSON: ")
    assert "\n" not in verdict.reason
    assert len(verdict.reason) <= 200


def test_the_reason_says_where_it_goes_wrong(judge):
    assert judge("json", {}, '{"a": 1,\n "b" 2}').reason.endswith("(line 2, column 6)")
