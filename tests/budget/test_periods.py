"""Days and months are those of the user's calendar, through time zones and changes of the clocks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_TELL = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from synapse_cli.ledger import account_periods as periods
now = float(sys.argv[1])
ends = [time.strftime("%Y-%m-%d %H:%M", time.localtime(periods.end(period, now))) for period in periods.PERIODS]
print(*periods.keys(now), *ends, round((periods.end("day", now) - now) / 3600, 2))
"""


def _told(zone: str, at: int) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _TELL, str(at)],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.skipif(sys.platform == "win32", reason="time zones by TZ")
@pytest.mark.parametrize(
    ("zone", "at", "told"),
    [
        ("UTC", 1_795_305_599, "d2026-11-21 m2026-11 2026-11-22 00:00 2026-12-01 00:00 0.0"),
        ("UTC", 1_795_305_600, "d2026-11-22 m2026-11 2026-11-23 00:00 2026-12-01 00:00 24.0"),
        ("XXX-5:45", 1_795_284_900, "d2026-11-22 m2026-11 2026-11-23 00:00 2026-12-01 00:00 24.0"),
        ("XXX-5:45", 1_795_284_899, "d2026-11-21 m2026-11 2026-11-22 00:00 2026-12-01 00:00 0.0"),
        ("EST5EDT,M3.2.0,M11.1.0", 1_793_505_600, "d2026-11-01 m2026-11 2026-11-02 00:00 2026-12-01 00:00 25.0"),
        ("EST5EDT,M3.2.0,M11.1.0", 1_798_779_599, "d2026-12-31 m2026-12 2027-01-01 00:00 2027-01-01 00:00 0.0"),
    ],
)
def test_a_day_ends_at_the_user_s_midnight(zone: str, at: int, told: str) -> None:
    assert _told(zone, at) == told.split()
