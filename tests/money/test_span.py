"""What `--since` and `--until` mean, on the user's own calendar."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from synapse_cli.cli import span
from synapse_cli.core.errors import UsageError

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 18, 15, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.fixture(autouse=True)
def berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    del os.environ["TZ"]
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("24h", "2026-11-17T15:30", "2026-11-17T15:30"),
        ("today", "2026-11-18", "2026-11-19"),
        ("Yesterday", "2026-11-17", "2026-11-18"),
        ("week", "2026-11-16", "2026-11-19"),
        ("month", "2026-11-01", "2026-11-19"),
        ("year", "2026-01-01", "2026-11-19"),
        ("2026-10-25", "2026-10-25", "2026-10-26"),  # twenty-five hours: summer time ends
        ("2026-02", "2026-02-01", "2026-03-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-11-01T08:15", "2026-11-01T08:15", "2026-11-01T08:15"),
    ],
)
def test_a_time_begins_and_ends_where_the_calendar_says(text: str, since: str, until: str) -> None:
    assert (span.since(text, NOW), span.until(text, NOW)) == (_at(since), _at(until))


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "2026-02-30", "-3d", "9999999w", "0001-01-01"])
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="--since takes a time") as caught:
        span.since(text, NOW)

    assert "2026-11-01" in caught.value.hint
