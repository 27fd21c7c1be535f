"""`--json`, whole: the object that scripts read, its keys as documented, and the lists as one array."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Golden
from tests.docs.shell import Shell

HERE = Path(__file__).parent / "json"
KEYS = [
    "schema_version",
    "run_id",
    "answer",
    "parsed",
    "accepted",
    "exit_code",
    "route",
    "route_why",
    "policy",
    "tier",
    "model",
    "cached",
    "cached_by",
    "confidence",
    "attempts",
    "escalations",
    "tokens",
    "cost_usd",
    "saved_usd",
    "latency_s",
    "first_latency_s",
    "profile_hash",
    "warnings",
]
ATTEMPT_KEYS = ["tier", "model", "outcome", "reason", "error", "latency_s", "tokens", "cost_usd", "cached"]
TOKEN_KEYS = ["input", "output", "cached", "reasoning", "estimated"]
PROFILE = """schema = 1
[models.small]
backend = "scripted"
replies = [
  { match = "sky", text = "It is blue.", confidence = 0.31, tokens = { input = 9, output = 4 } },
  { match = "six", text = '{"sum": 6}', confidence = 0.99, tokens = { input = 8, output = 5 } },
  { match = "never", error = "auth" },
]
[models.large]
backend = "scripted"
price = { input = 1.25, output = 10.0 }
replies = [
  { match = "sky", text = "Air scatters blue light more than red.", tokens = { input = 12, output = 9 } },
  { match = "never", error = "auth" },
]
[cascades.climb]
tiers = ["small", "large"]
accept = [{ kind = "confidence", min = 0.8 }, { kind = "refusal" }]
[routes.default]
use = "climb"
"""
SCHEMA = '{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}\n'
RUNS = {
    "climbed": "synapse run --json 'Why is the sky blue?'",
    "cached": "synapse run --json 'Why is the sky blue?'",
    "parsed": "synapse run --json --schema schema.json 'What is one and two and three? Not six.'",
    "unaccepted": "synapse run --json --local-only 'Why is the sky blue at all?'",
    "refused": "synapse run --json never",
    "usage": "synapse run --json --timeout soon hello",
}
LISTS = {
    "explain": "synapse explain --json 'Why is the sky blue?'",
    "log-list": "synapse log list --json -n 2",
    "log-show": "synapse log show last --json",
    "log-search": "synapse log search --json 'Air scatters' -n 1",
    "cache-list": "synapse cache list --json",
    "cache-stats": "synapse cache stats --json",
    "models-list": "synapse models list --json",
    "profile-list": "synapse profile list --json",
    "paths": "synapse paths --json",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shell = Shell(tmp_path_factory.mktemp("json"))
    shell.write("synapse.toml", PROFILE)
    shell.write("schema.json", SCHEMA)
    commands = {**RUNS, **LISTS}
    printed = shell.type([f"{command} 2>/dev/null" for command in commands.values()])
    return {name: json.loads(text) for name, text in zip(commands, printed, strict=True)}


@pytest.mark.parametrize("name", [*RUNS, *LISTS])
def test_json_is_the_committed_object(name: str, told: dict[str, Any], golden: Golden) -> None:
    text = json.dumps(_frozen(told[name]), indent=2, ensure_ascii=False)

    golden(HERE / f"{name}.json", text + "\n")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_has_the_documented_keys_and_a_failure_an_error_more(name: str, told: dict[str, Any]) -> None:
    run = told[name]

    assert sorted(run) == sorted([*KEYS, *(["error"] if run["exit_code"] else [])])
    assert all(sorted(attempt) == sorted(ATTEMPT_KEYS) for attempt in run["attempts"])
    assert all(sorted(step) == ["from", "reason", "to"] for step in run["escalations"])
    assert sorted(run["tokens"]) == sorted(TOKEN_KEYS)
    assert not run["exit_code"] or sorted(run["error"]) == ["hint", "kind", "message"]


def test_money_is_a_decimal_string(told: dict[str, Any]) -> None:
    assert told["climbed"]["cost_usd"] == "0.000105"
    assert told["climbed"]["attempts"][0]["cost_usd"] == "0"


def test_a_stream_of_events_ends_with_the_object(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.write("synapse.toml", PROFILE.replace("accept", "# accept"))

    [printed] = shell.type(["synapse run --json --stream 'Why is the sky blue?'"])

    *events, last = [json.loads(line) for line in printed.splitlines()]
    assert sorted(last) == sorted(KEYS)
    assert "".join(event["text"] for event in events if event["event"] == "piece") == last["answer"]


def _frozen(value: Any) -> Any:
    """The same without what differs at each run: ids, instants, durations, hashes and sizes on disk."""
    if isinstance(value, dict):
        return {key: f"<{key}>" if _differs(key, inner) else _frozen(inner) for key, inner in value.items()}
    return [_frozen(inner) for inner in value] if isinstance(value, list) else value


def _differs(key: str, value: Any) -> bool:
    names = ("run_id", "started", "ended", "latency_s", "first_latency_s", "kept_at", "expires_at", "bytes", "key")
    return value is not None and (key in names or key.endswith("_hash"))
