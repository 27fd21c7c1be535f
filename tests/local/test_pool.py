"""Models share a limit of memory: the longest unused goes first, what is at work never, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from synapse_cli.backends.gguf import read_header, stamp
from synapse_cli.backends.llamacpp_memory import Need
from synapse_cli.backends.llamacpp_pool import Pool, Wanted
from synapse_cli.core.control import Control
from synapse_cli.core.errors import Interrupted, ModelMissing, ModelUnusable, TimedOut

PATIENCE_S = 30


class Weight:
    """An engine that only counts: how many of its kind are loaded, and whether it was closed while it was lent."""

    def __init__(self, name: str, room: Room) -> None:
        self.name = name
        self.room = room
        self.at_work = 0
        self.closed = False
        self.has_ended = False
        room.loaded.append(name)

    @property
    def is_open(self) -> bool:
        return not self.closed and not self.has_ended

    def close(self) -> None:
        assert not self.at_work
        assert not self.closed
        self.closed = True
        self.room.loaded.remove(self.name)
        self.room.closed.append(self.name)


class Room:
    """Three models of 40 bytes in a pool, with a clock that is set by hand."""

    def __init__(self, tiny: Path, limit: int | None = 100) -> None:
        self.now = 0.0
        self.pool = Pool(clock=lambda: self.now, free=lambda: None)
        self.pool.limit = limit
        self.header = read_header(str(tiny))
        self.loaded: list[str] = []
        self.closed: list[str] = []
        self.loads = 0

    def wanted(self, name: str, *, keep_alive_s: float | None = None, bytes_: int = 40, mark: int = 0) -> Wanted:
        return Wanted(
            name=name,
            key=name,
            header=self.header,
            stamp=((mark,),),
            window=2048,
            need=Need(bytes_, 0, 0, 0),
            keep_alive_s=keep_alive_s,
        )

    def load(self, name: str) -> Weight:
        self.loads += 1
        return Weight(name, self)

    def ask(self, name: str, *, control: Control | None = None, **more: object) -> None:
        """One answer, a second long."""
        wanted = self.wanted(name, **more)  # type: ignore[arg-type]  # the keywords of `wanted`
        with self.pool.lend(wanted, lambda: self.load(name), control or Control()) as engine:
            engine.at_work += 1
            self.now += 1
            engine.at_work -= 1


@pytest.fixture
def room(tiny: Path) -> Room:
    return Room(tiny)


def test_a_model_is_loaded_once_and_kept(room: Room) -> None:
    for _ in range(3):
        room.ask("a")

    assert (room.loads, room.loaded) == (1, ["a"])
    assert [(loaded.name, loaded.bytes, loaded.answers) for loaded in room.pool.snapshot()] == [("a", 40, 3)]


def test_the_longest_unused_goes_first(room: Room) -> None:
    for name in ("a", "b", "a", "c"):
        room.ask(name)

    assert room.closed == ["b"]
    assert [loaded.name for loaded in room.pool.snapshot()] == ["c", "a"]


def test_as_many_go_as_the_next_needs(room: Room) -> None:
    for name in ("a", "b"):
        room.ask(name)
    room.ask("large", bytes_=90)

    assert room.closed == ["a", "b"]


def test_a_model_that_can_never_fit_is_refused_and_costs_no_other_its_place(room: Room) -> None:
    room.ask("a")

    with pytest.raises(ModelUnusable) as caught:
        room.ask("huge", bytes_=5_000_000_000)

    assert caught.value.message.startswith("huge needs 5.0 GB (weights 5.0 GB) and ")
    assert "[hosts] max_memory is" in caught.value.message
    assert "raise [hosts] max_memory" in caught.value.hint
    assert room.loaded == ["a"]


def test_a_limit_that_is_lowered_lets_idle_models_go_and_refuses_what_is_loaded_and_too_large(room: Room) -> None:
    for name in ("a", "b"):
        room.ask(name)
    room.pool.limit = 50

    room.ask("b")
    assert room.loaded == ["b"]
    room.pool.limit = 30
    with pytest.raises(ModelUnusable):
        room.ask("b")


def test_without_a_limit_the_machine_is_asked(tiny: Path) -> None:
    free = [1000]
    room = Room(tiny, limit=None)
    room.pool = Pool(clock=lambda: room.now, free=lambda: free[0] - 40 * len(room.loaded))
    for name in ("a", "b", "c"):
        room.ask(name)
    free[0] = 130

    room.ask("d")

    assert room.closed == ["a"]
    with pytest.raises(ModelUnusable, match="this machine has"):
        room.ask("e", bytes_=1_000_000)


def test_what_is_only_kept_for_later_is_no_reason_to_refuse_unless_there_is_a_limit(tiny: Path) -> None:
    room = Room(tiny, limit=None)
    room.pool = Pool(clock=lambda: room.now, free=lambda: 100)
    wanted = replace(room.wanted("a"), need=Need(40, 20, 20, 10, kept=50))

    with room.pool.lend(wanted, lambda: room.load("a"), Control()):
        assert room.loaded == ["a"]
    room.pool.limit = 100
    with pytest.raises(ModelUnusable), room.pool.lend(wanted, lambda: room.load("a"), Control()):
        pass


def test_what_is_at_work_is_waited_for_and_takes_no_more_work(room: Room) -> None:
    with ExitStack() as busy:
        busy.enter_context(room.pool.lend(room.wanted("a"), lambda: room.load("a"), Control()))
        room.now += 1
        busy.enter_context(room.pool.lend(room.wanted("b"), lambda: room.load("b"), Control()))
        other = threading.Thread(target=room.ask, args=("c",))
        other.start()
        _until(lambda: len(room.pool._queue) == 1)
        _until(lambda: room.pool._slots[0].is_leaving)
        late = Control()
        again = threading.Thread(target=lambda: _swallow(lambda: room.ask("a", control=late)))
        again.start()
        _until(lambda: len(room.pool._queue) == 2)

        assert room.closed == []
        late.stop()
        again.join(PATIENCE_S)
    other.join(PATIENCE_S)

    assert room.closed == ["a"]
    assert sorted(room.loaded) == ["b", "c"]


def test_whoever_waits_for_room_can_be_interrupted_and_runs_out_of_time(room: Room) -> None:
    stopped = Control()
    stopped.stop()
    with room.pool.lend(room.wanted("a", bytes_=90), lambda: room.load("a"), Control()):
        with pytest.raises(Interrupted):
            room.ask("b", control=stopped)
        with pytest.raises(TimedOut):
            room.ask("b", control=Control(deadline=0.0))

    assert room.pool._queue == []
    room.ask("b")


def test_many_who_want_the_same_model_load_it_once(room: Room) -> None:
    gate = threading.Event()

    def load() -> Weight:
        gate.wait(PATIENCE_S)
        return room.load("a")

    def ask() -> None:
        with room.pool.lend(room.wanted("a"), load, Control()):
            pass

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert room.loads == 1
    assert room.pool.snapshot()[0].answers == 8


def test_a_load_that_fails_leaves_nothing_behind(room: Room) -> None:
    def fail() -> Weight:
        raise ModelUnusable("no", "")

    with pytest.raises(ModelUnusable), room.pool.lend(room.wanted("a", bytes_=90), fail, Control()):
        pass

    room.ask("b", bytes_=90)
    assert room.loaded == ["b"]


def test_keep_alive_of_nothing_unloads_after_the_answer(room: Room) -> None:
    room.ask("a", keep_alive_s=0)

    assert (room.loaded, room.pool.snapshot()) == ([], ())


def test_keep_alive_unloads_what_was_idle_for_so_long_and_nothing_else(room: Room) -> None:
    room.pool.limit = None
    room.ask("short", keep_alive_s=10)
    room.ask("long", keep_alive_s=100)
    room.ask("always")
    room.now = 12.0

    assert room.pool.close_idle() == pytest.approx(90)
    assert room.closed == ["short"]
    room.now = 1000.0
    assert room.pool.close_idle() is None
    assert room.loaded == ["always"]


def test_an_idle_model_is_unloaded_without_anybody_asking(tiny: Path) -> None:
    room = Room(tiny)
    room.pool = Pool()

    room.ask("a", keep_alive_s=0.05)

    _until(lambda: room.closed == ["a"])
    _until(lambda: room.pool._reaper is None)
    room.ask("a", keep_alive_s=0.05)
    _until(lambda: room.closed == ["a", "a"])


def test_a_model_whose_file_has_changed_is_loaded_anew(room: Room) -> None:
    room.ask("a", mark=1)
    with room.pool.lend(room.wanted("a", mark=1), lambda: room.load("a"), Control()):
        room.ask("a", mark=2)
        assert room.closed == []

    assert room.closed == ["a"]
    assert (room.loads, room.loaded) == (2, ["a"])


def test_a_model_whose_engine_has_ended_is_loaded_anew(room: Room) -> None:
    with room.pool.lend(room.wanted("a"), lambda: room.load("a"), Control()) as engine:
        engine.has_ended = True

    room.ask("a")

    assert (room.loads, room.closed, room.loaded) == (2, ["a"], ["a"])


def test_closing_a_pool_lets_those_at_work_finish(room: Room) -> None:
    room.ask("a")
    with room.pool.lend(room.wanted("b"), lambda: room.load("b"), Control()):
        room.pool.close()
        assert room.loaded == ["b"]

    assert room.loaded == []


def test_a_stamp_tells_a_file_that_was_written_replaced_or_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"one")
    first = stamp((str(path),))
    path.write_bytes(b"other")
    second = stamp((str(path),))
    (tmp_path / "new").write_bytes(b"other")
    (tmp_path / "new").replace(path)

    assert len({first, second, stamp((str(path),))}) == 3
    path.unlink()
    with pytest.raises(ModelMissing, match="there is no file at "):
        stamp((str(path),))


def _until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; a test that waits in vain fails by it."""
    gate = threading.Event()
    for _ in range(PATIENCE_S * 200):
        if holds():
            return
        gate.wait(0.005)
    raise AssertionError("it never came to be")


def _swallow(ask: Callable[[], None]) -> None:
    with pytest.raises(Interrupted):
        ask()
