"""No single thing that a run leans on is needed for an answer: each is taken away while runs go on."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.place import TIERS, Far, far, profile
from tests.chaos.provider import proof
from tests.chaos.trouble import PAID, databases
from tests.e2e.machine import Done, Machine
from tests.hosts.home import Home

RUNS = 24
EACH = "seq {runs} | xargs -P4 -I{{}} synapse run 'prompt {{}}'"
EVERYTHING = PAID + "[budget]\nper_month = '1000 USD'\n[telemetry]\nfile = '~/spans.jsonl'\n"


@contextmanager
def every(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Do something again and again meanwhile."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def go_on(machine: Machine, runs: int = RUNS) -> Done:
    done = machine.shell(EACH.format(runs=runs))
    assert "Traceback" not in done.err
    assert "bug" not in done.err
    return done


def _shoot(files: list[Path], chance: random.Random) -> None:
    """Remove, empty or garble one file; what is gone already is no target."""
    if not files:
        return
    path = chance.choice(files)
    try:
        match chance.randrange(3):
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(b"")
            case _:
                with path.open("r+b") as file:
                    file.seek(chance.randrange(max(1, path.stat().st_size)))
                    file.write(chance.randbytes(200))
    except OSError:
        return


def test_runs_go_on_while_their_files_are_removed_emptied_and_garbled(machine: Machine) -> None:
    machine.use(PAID)
    machine.synapse("run", "warm up")
    chance = random.Random(11)

    with every(0.2, lambda: _shoot(_kept(machine), chance)):
        done = go_on(machine)

    assert (done.code, done.out) == (0, b"an answer\n" * RUNS), done.err
    assert machine.synapse("run", "after all").out == b"an answer\n"


def _kept(machine: Machine) -> list[Path]:
    try:
        return [*databases(machine), *machine.cache.rglob("*.json")]
    except OSError:
        return []


@pytest.mark.parametrize("what", ["cache", "state"])
def test_runs_go_on_while_a_whole_folder_is_removed(machine: Machine, what: str) -> None:
    machine.use(EVERYTHING.replace("per_month", "# per_month"))
    machine.synapse("run", "warm up")

    with every(0.2, lambda: shutil.rmtree(getattr(machine, what), ignore_errors=True)):
        done = go_on(machine, 20)

    assert (done.code, done.out) == (0, b"an answer\n" * 20), done.err


def test_a_budget_that_cannot_be_counted_is_no_budget_that_is_overspent(machine: Machine) -> None:
    machine.use(EVERYTHING)
    machine.synapse("run", "warm up")
    account = machine.state / "account.sqlite3"
    account.unlink()
    (account / "inside").mkdir(parents=True)

    done = machine.synapse("run", "hello")

    assert (done.code, done.out) == (79, b""), done.err
    assert str(account) in done.err


def test_runs_go_on_while_the_host_is_killed(warm: Machine, well: list[Far]) -> None:
    warm.use(profile([one.url for one in well], timeout_s=60, more=""))
    warm.synapse("run", "warm up")
    home = Home.of(warm)

    def kill() -> None:
        try:
            home.kill(kind="litellm")
        except (OSError, AssertionError):
            return

    with every(6.0, kill):
        done = go_on(warm, 12)

    models = [model.partition("/")[2] for _, _, model in TIERS]
    said = done.out.decode().splitlines()
    assert len(said) == 12, done.err
    assert all(any(line == proof(model, f"prompt {n}") for model in models for n in range(1, 13)) for line in said)


def test_runs_go_on_while_a_provider_goes_away(warm: Machine, well: list[Far]) -> None:
    with far() as short_lived:
        warm.use(profile([short_lived.url, *(one.url for one in well[1:])], timeout_s=20, more=""))
        warm.synapse("run", "warm up")
        going = subprocess.Popen(
            ["bash", "-c", EACH.format(runs=24)], cwd=warm.work, env=warm.env, stdout=subprocess.PIPE
        )
        short_lived.process.kill()
        said = going.communicate(timeout=300)[0].decode().splitlines()

    models = [model.partition("/")[2] for _, _, model in TIERS[:2]]
    assert len(said) == 24
    assert all(any(line == proof(model, f"prompt {n}") for model in models for n in range(1, 25)) for line in said)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
