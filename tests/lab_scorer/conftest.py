"""One thread for all arithmetic: on matrices this small, threads only wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    threadpoolctl = pytest.importorskip("threadpoolctl")  # comes with scikit-learn
    with threadpoolctl.threadpool_limits(limits=1):
        yield
