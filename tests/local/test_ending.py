"""Ctrl-C and deadlines end a local call within a token, and a prompt within a batch."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from synapse_cli.backends.llamacpp import LlamaCpp
from synapse_cli.backends.llamacpp_library import listeners
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted, SynapseError, TimedOut

from .asking import asked, engine_of, is_loaded, open_model
from .tiny_gguf import write

ROOT = Path(__file__).parents[2]
LONG = "word " * 380
ENDLESS = "root ::= [a-z]{1500}"


class Counting(Control):
    """Counts how often it is asked, and stops at one of those times."""

    __slots__ = ("asked", "stop_at")

    def __init__(self, stop_at: int) -> None:
        super().__init__()
        self.asked = 0
        self.stop_at = stop_at

    @property
    def stopped(self) -> bool:
        self.asked += 1
        return self.asked >= self.stop_at


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> LlamaCpp:
    """A model whose prompt takes seconds, so that an interruption falls into it."""
    model = open_model(write(tmp_path_factory.mktemp("slow") / "slow.gguf", width=512, layers=6))
    model.complete(asked("warm up", p_max_tokens=1), Control())
    return model


def test_no_token_is_handed_out_after_a_stop(slow: LlamaCpp) -> None:
    control = Control()
    pieces: list[str] = []

    def emit(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 5:
            control.stop()

    with pytest.raises(Interrupted):
        slow.complete(asked("go on", grammar=ENDLESS), control, emit)

    assert len(pieces) == 5


def test_a_deadline_ends_a_decode_within_a_token(slow: LlamaCpp) -> None:
    now = [0.0]
    pieces: list[str] = []

    def emit(piece: str) -> None:
        pieces.append(piece)
        now[0] += 1.0

    with pytest.raises(TimedOut):
        slow.complete(asked("go on", grammar=ENDLESS), Control(2.5, lambda: now[0]), emit)

    assert len(pieces) == 3


def test_a_prompt_is_ended_within_a_batch(slow: LlamaCpp) -> None:
    whole = Counting(10**9)
    slow.complete(asked(f"whole {LONG}", p_max_tokens=1), whole)
    before = _read(slow)

    for share in (0.2, 0.5, 0.9):
        ended = Counting(int(whole.asked * share))
        with pytest.raises(Interrupted):
            slow.complete(asked(f"{share} {LONG}", p_max_tokens=1), ended)

        assert ended.asked - ended.stop_at < 20
        assert _read(slow) - before < slow.count(asked(LONG).messages).tokens
        before = _read(slow)


def _read(model: LlamaCpp) -> int:
    return engine_of(model).tokens_read


def test_a_call_that_was_ended_leaves_the_model_as_it_was(slow: LlamaCpp) -> None:
    before = slow.complete(asked("and now?", p_max_tokens=8), Control())
    with pytest.raises(Interrupted):
        slow.complete(asked(f"once more {LONG}"), Counting(200))

    after = slow.complete(asked("and now?", p_max_tokens=8), Control())

    assert before.text == after.text
    assert before.confidence == pytest.approx(after.confidence, abs=5e-3)


def test_an_error_from_the_reader_of_the_pieces_ends_the_call(backend: LlamaCpp) -> None:
    def broken(_piece: str) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        backend.complete(asked("go on", p_max_tokens=50), Control(), broken)

    assert backend.complete(asked("go on", p_max_tokens=5), Control()).usage.output == 5


def test_a_call_that_waits_its_turn_can_be_ended(slow: LlamaCpp) -> None:
    first, second = Control(), Control()
    running = threading.Event()
    ends: list[type[BaseException]] = []

    def run(control: Control, emit: Callable[[str], None]) -> None:
        try:
            slow.complete(asked("on and on", p_max_tokens=1500, p_temperature=3, p_seed=3), control, emit)
        except SynapseError as error:
            ends.append(type(error))

    holder = threading.Thread(target=run, args=(first, lambda _piece: running.set()))
    holder.start()
    assert running.wait(20)
    second.stop()
    run(second, lambda _piece: None)
    assert ends == [Interrupted]
    first.stop()
    holder.join(20)

    assert ends == [Interrupted, Interrupted]


def _alarm(handler: Callable[[], None], seconds: float) -> None:
    signal.signal(signal.SIGALRM, lambda *_: handler())
    signal.setitimer(signal.ITIMER_REAL, seconds)


@pytest.fixture
def quiet_alarm():  # type: ignore[no-untyped-def]
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("quiet_alarm")
def test_a_signal_handler_that_sets_the_flag_ends_a_prompt(slow: LlamaCpp) -> None:
    control, before = Control(), _read(slow)
    _alarm(control.stop, 0.1)

    with pytest.raises(Interrupted):
        slow.complete(asked(f"flag {LONG}"), control)

    assert _read(slow) - before < 1000


@pytest.mark.usefixtures("quiet_alarm")
def test_a_signal_handler_that_raises_ends_a_prompt_with_what_it_raised(
    slow: LlamaCpp, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    listeners.clear()  # a host that another test ran in this process writes its log to stderr
    _alarm(interrupt, 0.1)

    with pytest.raises(KeyboardInterrupt):
        slow.complete(asked(f"raise {LONG}"), Control())

    assert capfd.readouterr().err == ""
    assert slow.complete(asked("and now?", p_max_tokens=3), Control()).usage.output == 3


def test_ctrl_c_ends_a_process_that_waits_for_an_answer(tmp_path: Path) -> None:
    model = write(tmp_path / "slow.gguf", width=512, layers=6)
    ask = (
        "import signal, sys\n"
        "from synapse_cli.backends.llamacpp import LlamaCpp\n"
        "from synapse_cli.core.control import Control\n"
        "from synapse_cli.core.errors import Interrupted\n"
        "from synapse_cli.core.prompt import Message, Request\n"
        "from synapse_cli.profile.model import Model\n"
        "control = Control()\n"
        "signal.signal(signal.SIGINT, lambda *_: control.stop())\n"
        f"model = LlamaCpp(Model(name='m', backend='llama.cpp', source='file:{model}'))\n"
        "model.complete(Request(messages=(Message('user', 'warm'),), params={'max_tokens': 1}), control)\n"
        "print('ready', flush=True)\n"
        "number = 0\n"
        "try:\n"
        "    while True:\n"
        "        number += 1\n"
        f"        asked = Request(messages=(Message('user', str(number) + {LONG!r}),), params={{'max_tokens': 1}})\n"
        "        model.complete(asked, control)\n"
        "except Interrupted:\n"
        "    print('interrupted')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", ask], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (out, err, process.returncode) == ("interrupted\n", "", 0)


def test_a_load_can_be_ended_and_tried_again(tmp_path: Path) -> None:
    path = write(tmp_path / "fresh.gguf")
    model = open_model(path)
    with pytest.raises(Interrupted):
        model.complete(asked("hi"), Counting(4))
    assert not is_loaded(path)

    assert model.complete(asked("hi", p_max_tokens=2), Control()).usage.output == 2


@pytest.mark.parametrize("ends", ["pass", "raise SystemExit(7)", "import os; os.kill(os.getpid(), 2)"])
def test_a_process_that_ends_while_another_thread_is_answered_dies_of_nothing_else(tmp_path: Path, ends: str) -> None:
    model = write(tmp_path / "slow.gguf", width=512, layers=6)
    ask = (
        "import threading\n"
        "from synapse_cli.backends.llamacpp import LlamaCpp\n"
        "from synapse_cli.core.control import Control\n"
        "from synapse_cli.core.prompt import Message, Request\n"
        "from synapse_cli.profile.model import Model\n"
        f"model = LlamaCpp(Model(name='m', backend='llama.cpp', source='file:{model}'))\n"
        "begun = threading.Event()\n"
        f"asked = Request(messages=(Message('user', 'on'),), grammar={ENDLESS!r})\n"
        "def ask():\n"
        "    try: model.complete(asked, Control(), lambda piece: begun.set())\n"
        "    except Exception: pass\n"
        "threading.Thread(target=ask, daemon=True).start()\n"
        "begun.wait()\n"
        f"{ends}\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )

    codes = {"pass": 0, "raise SystemExit(7)": 7}
    assert ended.returncode == codes.get(ends, -signal.SIGINT)
    assert ("KeyboardInterrupt" in ended.stderr) == (ends not in codes)
