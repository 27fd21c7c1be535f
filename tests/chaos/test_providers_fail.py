"""What providers do to real `synapse run` processes, and how often such processes ask a provider that cannot answer."""

from __future__ import annotations

import os
import threading
import time

import pytest

from tests.chaos.place import KEYS, TIERS, Far, profile
from tests.chaos.provider import proof
from tests.e2e.machine import Machine

SMALL = TIERS[0][2].partition("/")[2]
ONE_WINDOW = "[breaker]\ncooldown = '10m'\n"
"""Sixty runs take longer than the usual cooldown on a busy machine, and a probe each half minute is right."""
ALONE = "[routes.alone]\nuse = 'small'\n"


def use(machine: Machine, fars: list[Far], more: str = "", timeout_s: float = 20.0) -> None:
    machine.use(profile([one.url for one in fars], timeout_s=timeout_s, more=more) + ALONE)


def requests(fars: list[Far]) -> list[int]:
    return [one.told()["requests"] for one in fars]


@pytest.mark.parametrize("fault", ["500", "refused"] if os.environ.get("SYNAPSE_FULL") else ["500"])
def test_sixty_runs_send_a_dead_provider_six_requests_at_most(warm: Machine, well: list[Far], fault: str) -> None:
    use(warm, well, ONE_WINDOW)
    well[0].told(faults=fault)

    done = warm.shell("seq 60 | xargs -P8 -I{} sh -c 'synapse run -r alone \"prompt {}\"; echo $?'")

    assert done.out.split() == [b"75"] * 60, done.err
    assert 1 <= requests(well)[0] <= 6
    assert warm.ledger("SELECT count(*), sum(exit_code = 75) FROM runs") == [(60, 60)]


def test_runs_go_on_by_another_tier_while_the_first_is_dead(warm: Machine, well: list[Far]) -> None:
    use(warm, well, ONE_WINDOW)
    well[0].told(faults="500")

    done = warm.shell("seq 40 | xargs -P8 -I{} synapse run 'prompt {}'")

    model = TIERS[1][2].partition("/")[2]
    assert sorted(done.out.decode().splitlines()) == sorted(proof(model, f"prompt {n}") for n in range(1, 41)), done.err
    assert requests(well)[0] <= 6
    assert requests(well)[1:] == [40, 0]


def test_a_cascade_whose_tiers_all_fail_asks_six_times_at_most(warm: Machine, well: list[Far]) -> None:
    use(warm, well)
    for one in well:
        one.told(faults="500")

    done = warm.synapse("run", "--json", "hello")

    assert done.code == 75, done.err
    assert sum(requests(well)) <= 6
    assert all(requests(well))
    assert done.json["latency_s"] < 10


def test_processes_come_back_when_they_were_told_to(warm: Machine, well: list[Far]) -> None:
    """Twenty-four; a hundred with SYNAPSE_FULL=1, and `tests.bench.crowd` has a hundred in six ways."""
    many = 100 if os.environ.get("SYNAPSE_FULL") else 24
    use(warm, well)
    well[0].told(faults="429:1")
    over = threading.Timer(2.0, lambda: well[0].told(faults=""))
    over.start()

    done = warm.shell(f"seq {many} | xargs -P{many} -I{{}} synapse run -r alone 'prompt {{}}'")

    over.join()
    told = well[0].told()
    succeeded = set(done.out.decode().splitlines())
    assert succeeded <= {proof(SMALL, f"prompt {number}") for number in range(1, many + 1)}
    assert told["early"] == 0
    assert len(succeeded) == many, done.err
    assert told["requests"] <= 1.2 * len(succeeded)


def test_a_rejected_key_is_set_aside_and_the_other_one_answers(warm: Machine, well: list[Far]) -> None:
    use(warm, well)
    path = warm.config / "profiles" / "default.toml"
    path.write_text(path.read_text().replace('["env:CHAOS_KEY"]', '["env:BAD_KEY", "env:CHAOS_KEY"]', 1))
    well[0].told(rejects=["sk-bad"])
    env = {"BAD_KEY": "sk-bad"}

    said = [warm.synapse("run", "-r", "alone", f"prompt {number}", env=env) for number in range(8)]

    assert [done.out.decode() for done in said] == [proof(SMALL, f"prompt {n}") + "\n" for n in range(8)]
    assert well[0].told()["done"]["401"] == 1
    assert sum(len(done.lines) for done in said) <= 2
    assert any("BAD_KEY" in done.err for done in said)
    assert not any("sk-bad" in done.err or KEYS["CHAOS_KEY"] in done.err for done in said)


@pytest.mark.parametrize("fault", ["garbage", "empty", "wrong", "cut", "head", "reset", "hang", "401", "huge"])
def test_the_next_tier_answers_whatever_became_of_the_first(warm: Machine, well: list[Far], fault: str) -> None:
    use(warm, well, timeout_s=1.0 if fault == "hang" else 20.0)
    well[0].told(faults=fault)
    began = time.monotonic()

    done = warm.synapse("run", "hello")

    answered = [proof(model.partition("/")[2], "hello") + "\n" for _, _, model in TIERS[:2]]
    assert done.out.decode() in answered, done.err
    assert done.code == 0
    assert time.monotonic() - began < 60
