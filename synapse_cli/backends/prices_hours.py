"""Which hour's price counts? Some providers sell cheaper at night and on weekends; the catalogue holds when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from synapse_cli.core.prompt import Json

_RATES = frozenset(
    {
        "input_cost_per_token",
        "output_cost_per_token",
        "output_cost_per_reasoning_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
    }
)


def at_hour(found: dict[str, Json], moment: datetime) -> dict[str, Json]:
    """An entry of the catalogue with the prices of this moment (aware of its zone, as UTC)."""
    cheap = found.get("off_peak_pricing")
    if not isinstance(cheap, dict) or not _is_off_peak(cheap, moment):
        return found
    return {**found, **{key: value for key, value in cheap.items() if key in _RATES}}


def _is_off_peak(cheap: dict[str, Json], moment: datetime) -> bool:
    if any(_is_within(window, moment) for window in _texts(cheap.get("hours_utc"))):
        return True
    rules = cheap.get("windows")
    day = moment.astimezone(_zone(cheap.get("weekday_timezone"))).isoweekday()
    for rule in rules if isinstance(rules, list) else []:
        if not isinstance(rule, dict):
            continue
        days = rule.get("weekdays")
        if (days is None or (isinstance(days, list) and day in days)) and any(
            _is_within(window, moment) for window in _texts(rule.get("hours_utc"))
        ):
            return True
    return False


def _texts(value: Json) -> Iterator[str]:
    yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _is_within(window: str, moment: datetime) -> bool:
    """Whether `10:00-00:00` holds this moment; an end before the start is on the next day, the same is a whole day."""
    try:
        start, end = (_minutes(part) for part in window.split("-"))
    except ValueError:
        return False
    now = timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
    return start <= now < end if start < end else now >= start or now < end


def _minutes(text: str) -> timedelta:
    hours, minutes = text.strip().split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _zone(name: Json) -> tzinfo | None:
    from datetime import UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name) if isinstance(name, str) and name else UTC
    except (OSError, ValueError, KeyError):  # no such zone, or a machine without the table of them
        return UTC
