"""Every provider is understood, case by case, through LiteLLM's native path for it and from a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Golden
from tests.dialects.cases import CASES
from tests.dialects.dialects import DIALECTS, Dialect
from tests.dialects.place import CANARY, open_place
from tests.dialects.table import ROWS, table

PAIRS = [(dialect, case) for dialect in DIALECTS for case in CASES if case not in dialect.lacks]


@pytest.mark.parametrize(("dialect", "case"), PAIRS, ids=[f"{dialect.name} {case}" for dialect, case in PAIRS])
def test_a_dialect_is_spoken(dialect: Dialect, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALECT_KEY", CANARY)
    with open_place(dialect, tmp_path) as place:
        CASES[case](place)


def test_the_table_of_the_documentation_is_what_these_tests_hold(golden: Golden) -> None:
    assert {*CASES, "home"} == set(ROWS)
    golden(Path(__file__).with_name("table.md"), table())
