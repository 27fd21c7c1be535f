"""However a host ends, no cut answer is taken for a whole one, the cause is named, and nothing is left behind.

With SYNAPSE_FULL=1 a host is killed at a hundred random moments.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from synapse_cli.backends.host import deaths
from synapse_cli.backends.host.start import line_to
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, Interrupted, ModelUnusable, SynapseError
from synapse_cli.profile.model import Model
from tests.e2e.machine import SYNAPSE, Machine
from tests.hosts.home import Home, asks, says
from tests.local.tiny_gguf import write

FULL = bool(os.environ.get("SYNAPSE_FULL"))
KILLS = 100 if FULL else 10
SEED = 20261121
WORDS = tuple(f"word{number}" for number in range(40))
LONG = says(*WORDS, latency_s=600.0)
"""Never finishes while a test runs; a piece every 15 seconds, the first after as long."""
BRISK = says(*WORDS, latency_s=0.5)


class Asking(threading.Thread):
    """A call under way in a thread of its own."""

    def __init__(self, home: Home, model: Model, control: Control | None = None, **options: bool) -> None:
        super().__init__(daemon=True)
        self.control = control or Control()
        self.pieces: list[str] = []
        self.text: str | None = None
        self.error: SynapseError | None = None
        self._model = home.hosted(model, **options)
        self.start()
        home.until(lambda: self.error or (home.status() or {}).get("active"), "the call never began")

    def run(self) -> None:
        try:
            self.text = self._model.complete(asks(), self.control, self.pieces.append).text
        except SynapseError as error:
            self.error = error

    def ended(self) -> SynapseError:
        self.join(60)
        assert self.error is not None
        return self.error


@pytest.mark.parametrize(("number", "how"), [(signal.SIGSEGV, "died (signal 11)"), (signal.SIGABRT, "died (signal 6)")])
def test_a_crash_is_a_failed_call_that_names_the_cause(home: Home, number: int, how: str) -> None:
    asking = Asking(home, LONG)

    home.kill(number)

    error = asking.ended()
    assert type(error) is BackendError
    assert error.message == f"the local engine {how} while starting the call"
    assert home.hosted(says("anew")).complete(asks(), Control()).text == "anew"


def test_a_host_that_is_killed_counts_against_nobody(home: Home) -> None:
    for _ in range(3):
        asking = Asking(home, LONG)
        home.kill(signal.SIGKILL)
        assert "was killed (signal 9)" in asking.ended().message


def test_a_model_that_ended_two_hosts_in_a_row_is_set_aside_until_it_is_forced(home: Home) -> None:
    for _ in range(2):
        asking = Asking(home, LONG)
        home.kill(signal.SIGSEGV)
        assert type(asking.ended()) is BackendError

    with pytest.raises(ModelUnusable, match=r"echo is set aside: .*signal 11.*, 2 times in a row") as refused:
        home.hosted(LONG).complete(asks(), Control())
    assert "--force" in refused.value.hint
    assert home.status() is None

    forced = Asking(home, LONG, force=True)
    forced.control.stop()
    assert isinstance(forced.ended(), Interrupted)
    other = home.hosted(says("of other settings")).complete(asks(), Control())
    assert other.text == "of other settings"


def test_an_answer_between_two_crashes_starts_the_count_anew(home: Home) -> None:
    replies = [{"match": "quick", "text": "done"}, {"text": "at last", "latency_s": 600.0}]
    model = Model(name="echo", backend="scripted", options={"replies": replies})
    for _ in range(2):
        asking = Asking(home, model)
        home.kill(signal.SIGSEGV)
        asking.ended()
        assert len(list((Path(home.place().folder) / "deaths").iterdir())) == 1
        assert home.hosted(model).complete(asks("quick"), Control()).text == "done"

    assert list((Path(home.place().folder) / "deaths").iterdir()) == []


def test_of_two_calls_the_one_that_began_something_last_is_blamed(home: Home) -> None:
    innocent = Asking(home, LONG)
    guilty = Asking(home, says("guilty", latency_s=600.0))
    home.until(lambda: len((home.status() or {})["active"]) == 2)

    home.kill(signal.SIGSEGV)

    innocent.ended()
    guilty.ended()
    folder = home.place().folder
    marks = [path.name for path in (Path(folder) / "deaths").iterdir()]
    found = [deaths.recorded(folder, mark) for mark in marks]
    assert [death.times for death in found if death] == [1]


@pytest.mark.parametrize("batch", range(KILLS // 10))
def test_a_host_killed_in_the_middle_of_a_stream_leaves_no_answer_no_orphan_and_nothing_in_the_way(
    home: Home, batch: int
) -> None:
    chance = random.Random(SEED + batch)

    for _ in range(10):
        asking = Asking(home, BRISK)
        time.sleep(chance.uniform(0.0, 0.6))
        pid = home.pid() if home.status() else None
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        asking.join(60)

        if asking.text is None:
            assert type(asking.error) is BackendError
            assert (
                asking.pieces == [f"{' ' if at else ''}{word}" for at, word in enumerate(WORDS)][: len(asking.pieces)]
            )
        else:
            assert asking.text == "".join(asking.pieces) == " ".join(WORDS)
        if pid is not None:
            home.until(lambda pid=pid: pid not in home.processes())  # type: ignore[misc]  # bound now

    assert home.hosted(says("still")).complete(asks(), Control()).text == "still"
    assert len(home.processes()) == 2
    assert len(list(Path(home.place().folder).glob("*.doing"))) == 1


def test_a_killed_attendant_takes_the_host_with_it(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())
    pid = home.pid()
    attendant = next(other for other in home.processes() if other != pid)

    os.kill(attendant, signal.SIGKILL)

    home.until(lambda: home.processes() == [], "an orphan")
    assert home.hosted(says("anew")).complete(asks(), Control()).text == "anew"


def test_a_host_whose_folder_vanishes_ends_itself(home: Home, runtime: Path) -> None:
    home.hosted(says("hello")).complete(asks(), Control())
    processes = home.processes()

    shutil.rmtree(runtime / "synapse")

    home.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes), "an orphan")


def test_a_host_ends_when_nobody_asks(home: Home) -> None:
    home.hosted(says("hello"), idle_s=0.2).complete(asks(), Control())

    home.until(lambda: home.processes() == [], "it does not end")

    assert not os.path.exists(home.place().socket)


def test_a_model_that_is_to_be_kept_longer_keeps_its_host(home: Home) -> None:
    kept = Model(name="echo", backend="scripted", options={"replies": [{"text": "x"}]}, keep_alive_s=600.0)

    home.hosted(kept, idle_s=0.2).complete(asks(), Control())

    status = home.status()
    assert status is not None
    assert status["idle_left_s"] > 500


def test_a_host_that_ends_finishes_what_it_answers(home: Home) -> None:
    asking = Asking(home, BRISK)
    line = line_to(home.place())
    assert line is not None
    with line.wire as wire:
        wire.send_json({"op": "leave"})
        assert wire.receive_json() == {"done": {}}

    assert home.hosted(says("from the next one")).complete(asks(), Control()).text == "from the next one"
    asking.join(60)
    assert asking.text == " ".join(WORDS)


def test_a_host_of_another_version_is_replaced_while_it_finishes(home: Home) -> None:
    asking = Asking(home, BRISK)
    before = home.pid()
    installed = Path(deaths.__file__).parents[2] / "__init__.py"
    status = installed.stat()
    try:
        os.utime(installed, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        answer = home.hosted(says("of the new version")).complete(asks(), Control())
        assert answer.text == "of the new version"
        assert home.pid() != before
        asking.join(60)
        assert asking.text == " ".join(WORDS)
    finally:
        os.utime(installed, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_host_that_was_told_to_end_at_once_is_no_interruption_of_ours(home: Home) -> None:
    asking = Asking(home, LONG)

    home.kill(signal.SIGTERM)

    error = asking.ended()
    assert type(error) is BackendError
    assert error.message == "the local engine was stopped while it answered"


def test_a_client_that_is_killed_cancels_its_call(machine: Machine) -> None:
    home = Home.of(machine)
    script = machine.write("ask.py", _CLIENT)
    process = subprocess.Popen(["python", script], env=machine.env, cwd=machine.work, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()

    process.kill()
    process.communicate()

    home.until(lambda: (home.status() or {}).get("active") == [], "it goes on for nobody")
    past = (home.status() or {})["past"][-1]
    assert past["outcome"] == "Interrupted"
    assert past["late"] <= 1


_CLIENT = """
import sys
from synapse_cli.backends.host.client import Hosted
from synapse_cli.core.control import Control
from tests.hosts.home import asks, says
def say(piece):
    print(piece, flush=True)
model = says(*map(str, range(10_000)), latency_s=100.0)
Hosted(model, "local", in_process=lambda: None).complete(asks(), Control(), say)
"""


def test_commands_that_end_leave_hosts_that_stay(machine: Machine) -> None:
    subprocess.run([SYNAPSE, "hosts", "start", "local"], env=machine.env, check=True, stdout=subprocess.DEVNULL)

    assert len(Home.of(machine).processes()) == 2


CLIMBING = """schema = 1
[models.endless]
backend = "llama.cpp"
source = "file:{path}"
context = 30000
params = {{ max_tokens = 25000, temperature = 0 }}
[models.last]
backend = "scripted"
replies = [{{ text = "from the tier above" }}]
[cascades.both]
tiers = ["endless", "last"]
[routes.default]
use = "both"
"""


def test_a_run_whose_host_is_killed_again_and_again_climbs(machine: Machine) -> None:
    home, chance = Home.of(machine), random.Random(SEED)
    machine.use(CLIMBING.format(path=write(machine.work / "endless.gguf", context=30_000, width=256, layers=4)))
    machine.write("endless.gbnf", "root ::= [a-z] root\n")
    command = [SYNAPSE, "run", "--no-cache", "--grammar", "endless.gbnf", "go on"]

    for _ in range(KILLS // 5):
        process = subprocess.Popen(command, env=machine.env, cwd=machine.work, stdout=subprocess.PIPE)
        while process.poll() is None:
            time.sleep(chance.uniform(0.0, 0.5))
            for pid in _serving(home):
                os.kill(pid, signal.SIGKILL)
        assert process.stdout is not None
        assert (process.stdout.read(), process.returncode) == (b"from the tier above\n", 0)
        process.stdout.close()

    home.until(lambda: home.processes() == [], "an orphan")


def _serving(home: Home) -> list[int]:
    """Hosts, without those that wait for them."""
    found = home.processes()
    return [pid for pid in found if _parent(pid) in found]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0
