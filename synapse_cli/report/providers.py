"""A provider as it stands, for scripts and in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from synapse_cli.cascade.lanes import LaneStanding
from synapse_cli.cascade.standing import Standing
from synapse_cli.core.prompt import Json


def provider_json(
    standing: Standing, names: Sequence[str], keys: Sequence[LaneStanding], now: float
) -> dict[str, Json]:
    """One model at one provider; `names` are the profile's for it, `keys` those that the provider is asked with."""
    circuit, place = standing.circuit, standing.place
    last: dict[str, Json] | None = None
    if circuit.failed_at is not None:
        last = {"kind": circuit.kind, "message": circuit.error or None, "at": _iso(circuit.failed_at)}
    return {
        "model": place.model,
        "names": list(names),
        "provider": place.provider.name,
        "base_url": place.provider.base_url or None,
        "state": standing.state(now),
        "failures": circuit.failures,
        "last_error": last,
        "last_answer_at": _iso(circuit.ok_at),
        "latency_s": _rounded(circuit.latency_s),
        "open_since": _iso(circuit.opened_at),
        "next_at": _iso(circuit.next_at),
        "waited_for": standing.under_way,
        "keys": [_key(key) for key in keys],
    }


def keys_told(row: dict[str, Json]) -> str:
    """The keys of a row of `provider_json` that there is something to say of."""
    keys = row["keys"]
    told = [_told(key) for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    return "; ".join(each for each in told if each)


def _key(lane: LaneStanding) -> dict[str, Json]:
    return {
        "key": lane.key or None,
        "in_flight": lane.flying,
        "waiting": lane.waiting,
        "requests_last_minute": lane.requests,
        "tokens_last_minute": lane.tokens,
        "window": lane.window,
        "per_minute": _rounded(lane.per_minute),
        "held_s": _rounded(lane.held_s),
        "limits": [
            {
                "model": told.model,
                "unit": told.unit,
                "limit": told.limit,
                "remaining": told.remaining,
                "full_in_s": _rounded(told.full_in_s),
            }
            for told in lane.told
        ],
        "set_aside": [
            {"model": each.model, "reason": each.reason, "left_s": _rounded(each.left_s)} for each in lane.aside
        ],
    }


def _told(key: dict[str, Json]) -> str:
    parts = []
    for count, what in ((key["in_flight"], "in flight"), (key["waiting"], "waiting")):
        if count:
            parts.append(f"{count} {what}")
    if isinstance(key["held_s"], float) and key["held_s"]:
        parts.append(f"held for {key['held_s']:.{0 if key['held_s'] >= 10 else 1}f} s")
    limits = key["limits"]
    for limit in limits if isinstance(limits, list) else []:
        if isinstance(limit, dict) and limit["remaining"] is not None:
            of = "" if limit["limit"] is None else f" of {limit['limit']}"
            parts.append(f"{limit['remaining']}{of} {limit['unit']} left")
    if key["set_aside"]:
        parts.append("set aside")
    return f"{key['key'] or 'no key'}: {', '.join(parts)}" if parts else ""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _iso(instant: float | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds")
