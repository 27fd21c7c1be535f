"""A machine of its own for every test, whose senders have ended when the test has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.machine import Machine
from tests.telemetry.collector import Collector, GrpcCollector
from tests.telemetry.senders import end_senders


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    end_senders(made.state)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture
def grpc_collector() -> Iterator[GrpcCollector]:
    with GrpcCollector() as running:
        yield running
