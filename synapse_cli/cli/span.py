"""Which time do `--since` and `--until` mean? Durations, days, months, words; in the local calendar."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from synapse_cli.core.errors import UsageError

_WORDS = ("today", "yesterday", "week", "month", "year")
_HELP = "for example 7d, 24h, 2026-11-01, 2026-11, today, yesterday, month"


def since(text: str, now: datetime) -> float:
    """The instant from which on is looked, in seconds since 1970. Raises UsageError."""
    return _span("--since", text, now)[0].timestamp()


def until(text: str, now: datetime) -> float:
    """The instant up to which is looked: the end of a day or month that is named. Raises UsageError."""
    return _span("--until", text, now)[1].timestamp()


def _span(flag: str, text: str, now: datetime) -> tuple[datetime, datetime]:
    """Where a time that is named begins and ends; a duration is an instant so long ago."""
    from synapse_cli.profile.units import duration_s

    try:
        instant = now - timedelta(seconds=duration_s(text))
        return instant, instant
    except (ValueError, OverflowError):
        found = _word(text.strip().lower(), now) or _date(text.strip())
    if found is None:
        raise UsageError(f"{flag} takes a time, found {text!r}", _HELP)
    return found


def _word(text: str, now: datetime) -> tuple[datetime, datetime] | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    starts = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "year": today.replace(month=1, day=1),
    }
    start = starts.get(text)
    if start is None:
        return None
    return start.astimezone(), (today if text == "yesterday" else today + timedelta(days=1)).astimezone()


def _date(text: str) -> tuple[datetime, datetime] | None:
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            start = datetime.fromisoformat(f"{text}-01")
            return start.astimezone(), (start + timedelta(days=32)).replace(day=1).astimezone()
        moment = datetime.fromisoformat(text)
        length = timedelta(days=1) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else timedelta(0)
        return moment.astimezone(), (moment + length).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
