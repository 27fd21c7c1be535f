import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapse_cli.context.extract import last_block


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("Here:\n```python\nprint(1)\n```\nDone.", "print(1)"),
        ("```\nfirst\n```\n```\nlast\n```", "last"),
        ("~~~\na\n~~~", "a"),
        ("````md\n```\ninner\n```\n````", "```\ninner\n```"),
        ("~~~\n```\nx\n~~~", "```\nx"),
        ("```\nopen\nto the end\n", "open\nto the end"),
        ("```\nclosed\n```\n```\nopen", "open"),
        ("1. Run\n   ```sh\n   ls\n     -l\n   ```", "ls\n  -l"),
        ("```\r\na\r\nb\r\n```\r\n", "a\nb"),
        ("```\n```", ""),
        ("```\na\n`````", "a"),
        ("```\na\n``` b\n```", "a\n``` b"),
        ("no fence", None),
        ("inline ```code``` only", None),
        ("```not a fence```", None),
        ("", None),
    ],
)
def test_the_last_fenced_block_is_found(text, block):
    assert last_block(text) == block


@settings(deadline=None)
@given(
    st.lists(st.text(alphabet="abc \t{}", max_size=8), min_size=1, max_size=5), st.sampled_from(["```", "~~~", "`````"])
)
def test_what_was_fenced_comes_back(lines, fence):
    code = "\n".join(lines)

    assert last_block(f"Talk.\n{fence}x\n{code}\n{fence}\nMore talk.") == code
