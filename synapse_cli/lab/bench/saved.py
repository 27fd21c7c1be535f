"""A bench on disk: every call, so that another bench can be compared with it pair by pair."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from synapse_cli import __version__
from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json
from synapse_cli.lab.bench.call import Call, from_json
from synapse_cli.lab.bench.course import Plan, Result
from synapse_cli.report.bench import Told, as_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Saved:
    """What is read back of it."""

    calls: tuple[Call, ...]
    machine: str
    labels: tuple[str, ...]
    concurrency: int


def text(plan: Plan, result: Result, told: Told, *, machine: str, keeps_text: bool) -> str:
    """The file: what was asked of whom, each call, and the summary as `--format json` prints it."""
    calls = result.calls if keeps_text else [replace(call, answer=None, message=None) for call in result.calls]
    values: dict[str, Json] = {
        "bench": SCHEMA,
        "version": __version__,
        "machine": machine,
        "plan": plan.fingerprint,
        "concurrency": plan.concurrency,
        "candidates": [
            {"label": each.label, "kind": each.kind, "name": each.name, "profile_hash": each.profile.hash}
            for each in plan.candidates
        ],
        "items": [
            {
                "key": item.key,
                "where": item.where,
                **({"prompt": item.text, "expected": item.expected} if keeps_text else {}),
            }
            for item in plan.items
        ],
        "calls": [call.as_json() for call in calls],
        "summary": as_json(told),
    }
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def read(path: str) -> Saved:
    """A bench that was saved. Raises InputError for a file that is none, or is of a later version."""
    hint = "name a file that synapse bench --save wrote"
    try:
        with open(path, encoding="utf-8", errors="surrogatepass") as file:
            values = json.load(file)
    except OSError as error:
        raise InputError(f"--against: {path!r} cannot be read: {error.strerror}", hint) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"--against: {path!r} is no saved bench: {error}", hint) from error
    schema = values.get("bench") if isinstance(values, dict) else None
    if not isinstance(schema, int) or not isinstance(values.get("calls"), list):
        raise InputError(f"--against: {path!r} is no saved bench", hint)
    if schema > SCHEMA:
        raise InputError(f"--against: {path!r} was saved by a later version of Synapse", "update Synapse, or save anew")
    try:
        calls = tuple(from_json(call) for call in values["calls"])
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"--against: {path!r} is no saved bench: {error}", hint) from error
    labels = tuple(dict.fromkeys(call.candidate for call in calls))
    concurrency = values.get("concurrency")
    return Saved(calls, str(values.get("machine")), labels, concurrency if isinstance(concurrency, int) else 1)
