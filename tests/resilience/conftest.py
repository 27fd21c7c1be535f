"""A machine of one's own, as in `tests/e2e`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty home and a working folder."""
    return Machine(tmp_path / "machine")
