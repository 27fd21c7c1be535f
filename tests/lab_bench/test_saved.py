"""A saved bench, read back: whole, or refused in one line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from synapse_cli.core.clock import FixedClock
from synapse_cli.core.errors import InputError
from synapse_cli.lab.bench import saved
from synapse_cli.lab.bench.call import Call
from synapse_cli.report.bench import Told
from tests.lab_bench.drawn import Drawn, of_models, plan_of, profile_of, run

CALL = {"candidate": "a", "item": "k", "repeat": 0, "cold": False, "started": 1.0, "total_s": 0.5}


def _text(folder: Path) -> tuple[str, tuple[Call, ...]]:
    clock = FixedClock()
    plan = plan_of(of_models(profile_of(folder), {"a": Drawn(clock, lambda: 0.5)}), 3)
    result = run(plan, clock)
    return saved.text(plan, result, Told(figures=()), machine="here", keeps_text=True), result.calls


def test_what_was_saved_is_read_back(tmp_path: Path) -> None:
    text, calls = _text(tmp_path)
    path = tmp_path / "b.json"
    path.write_text(text)

    found = saved.read(str(path))

    assert found == saved.Saved(calls, "here", ("a",), 1)


@pytest.mark.parametrize(
    "values",
    [
        [],
        {},
        {"bench": 1},
        {"bench": "1", "calls": []},
        {"bench": 1, "calls": [7]},
        {"bench": 1, "calls": [{}]},
        {"bench": 1, "calls": [{**CALL, "total_s": "long"}]},
        {"bench": 1, "calls": [{**CALL, "repeat": True}]},
        {"bench": 1, "calls": [{**CALL, "total_s": None}]},
        {"bench": 1, "calls": [{**CALL, "cost": "much"}]},
        {"bench": 1, "calls": [{**CALL, "cost": "NaN"}]},
        {"bench": 99, "calls": []},
    ],
)
def test_what_is_no_saved_bench_is_refused(tmp_path: Path, values: object) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps(values))

    with pytest.raises(InputError):
        saved.read(str(path))


def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    """200 files with three bytes changed or a tail cut off."""
    source = random.Random(5)
    whole = _text(tmp_path)[0].encode()
    path = tmp_path / "b.json"
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole[: source.randrange(len(whole)) if source.random() < 0.3 else len(whole)])
        for _ in range(3):
            if damaged:
                damaged[source.randrange(len(damaged))] = source.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            saved.read(str(path))
        except InputError:
            refused += 1

    assert refused > 100


def test_keys_of_a_later_version_are_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps({"bench": 1, "calls": [{**CALL, "judged": 0.7}]}))

    assert saved.read(str(path)).calls[0].total_s == 0.5
