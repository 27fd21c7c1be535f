"""Options and fixtures of every test: golden files, compared or rewritten."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a busy one is late, and that is no fault
settings.load_profile("any machine")

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regen", action="store_true", help="rewrite golden files and README outputs, and fail once for each"
    )


def pytest_configure() -> None:
    """Leave no host behind, and hear Ctrl-C: a shell's background job is started deaf to it, and all that it starts.

    What needs hosts is in tests/hosts, and ends the ones that it starts.
    """
    os.environ["SYNAPSE_HOSTS"] = "off"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers for two cores: half of the suite's time is waiting, for processes and for what never answers."""
    return max(2, (os.cpu_count() or 2) * 3 // 2)


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Golden:
    """Compare a text with the file that is committed; with --regen, rewrite the file and fail where it differed."""

    def compare(path: Path, text: str) -> None:
        committed = path.read_text(encoding="utf-8") if path.is_file() else ""
        if pytestconfig.getoption("--regen") and committed != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            pytest.fail(f"{path} is rewritten; look at the difference and run it again")
        assert text == committed, f"{path} differs; if the new text is right: python -m pytest --regen {path.parent}"

    return compare
