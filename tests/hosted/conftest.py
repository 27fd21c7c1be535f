"""Providers on loopback, one per dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosted.site import DIALECTS, Site, open_site


@pytest.fixture(params=sorted(DIALECTS))
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


@pytest.fixture
def openai_site() -> Iterator[Site]:
    with open_site("openai") as opened:
        yield opened
