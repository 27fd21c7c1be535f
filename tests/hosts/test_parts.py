"""The parts that hosts are made of, where only they can be seen: the bounded log, the port, the sweep, the blame."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from synapse_cli.backends.host import deaths, log
from synapse_cli.backends.host.address import listen, reach
from synapse_cli.backends.host.calls import Calls
from synapse_cli.backends.host.ending import read_end, write_end
from synapse_cli.backends.host.journal import Journal, Noted, last_words
from synapse_cli.backends.host.place import Place, sweep
from synapse_cli.backends.host.server import Server
from synapse_cli.backends.host.start import line_to
from synapse_cli.backends.host.wire import BadFrame, Gone, Wire


@pytest.fixture
def place(runtime: Path) -> Place:
    return Place(str(runtime), "local-0")


def test_where_there_are_no_unix_sockets_a_port_of_the_loopback_does(place: Place) -> None:
    with listen(place, unix=False) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        with Wire(reach(place, 10.0, unix=False)) as client:
            theirs, _ = listener.accept()
            with Wire(theirs) as host:
                host.send_json({"text": "é\ud800"})
                assert client.receive_json() == {"text": "é\ud800"}


def test_frames_in_pieces_and_together_are_the_same_frames() -> None:
    ours, theirs = socket.socketpair()
    with Wire(ours) as wire, theirs:
        sent = b"".join(len(part).to_bytes(4, "big") + part for part in (b"one", b"", b"three" * 50_000))
        threading.Thread(target=lambda: [theirs.send(sent[at : at + 777]) for at in range(0, len(sent), 777)]).start()

        assert [wire.receive(), wire.receive(), wire.receive()] == [b"one", b"", b"three" * 50_000]


@pytest.mark.parametrize("length", [-1, 11, 2**31 - 1, -(2**31)])
def test_a_length_that_cannot_be_is_refused_before_it_is_waited_for(length: int) -> None:
    ours, theirs = socket.socketpair()
    with Wire(ours) as wire, theirs:
        theirs.sendall(length.to_bytes(4, "big", signed=True))
        with pytest.raises(BadFrame):
            wire.receive(at_most=10)


def test_a_frame_that_ends_in_the_middle_is_none() -> None:
    ours, theirs = socket.socketpair()
    with Wire(ours) as wire:
        theirs.sendall((10).to_bytes(4, "big") + b"half")
        theirs.close()
        with pytest.raises(Gone):
            wire.receive()


def test_whoever_waits_is_asked_and_may_give_up() -> None:
    ours, theirs = socket.socketpair()
    asked: list[int] = []

    def patience() -> float:
        asked.append(1)
        if len(asked) == 3:
            raise TimeoutError
        return 0.01

    with Wire(ours) as wire, theirs, pytest.raises(TimeoutError):
        wire.receive(patience=patience)
    assert len(asked) == 3


def test_a_log_never_grows_beyond_its_bound_and_keeps_the_latest(runtime: Path) -> None:
    path, (source, sink) = runtime / "a.log", os.pipe()
    keeping = threading.Thread(target=log.keep, args=(source, str(path), 10_000))
    keeping.start()

    sizes = []
    with open(sink, "wb", buffering=0) as file:
        for number in range(2000):
            file.write(f"line {number} of what an engine says\n".encode())
            sizes.append(path.stat().st_size if path.exists() else 0)
    keeping.join()
    os.close(source)

    assert max(sizes) <= 10_000
    assert log.tail(str(path), 1) == ["line 1999 of what an engine says"]
    assert all(line.startswith("line ") for line in log.tail(str(path), 1000))
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_looks_like_a_key_does_not_get_into_a_log(runtime: Path) -> None:
    path, (source, sink) = runtime / "a.log", os.pipe()
    secret = "sk-" + "a1B2" * 10

    with open(sink, "wb", buffering=0) as file:
        file.write(f"Authorization: Bearer {secret}\n".encode())
        file.write(b"x" * 9000 + f" {secret}".encode())
    log.keep(source, str(path))
    os.close(source)

    assert secret not in path.read_text(encoding="utf-8")
    assert len(log.tail(str(path), 5)) == 2


def test_the_journal_tells_the_last_phase_of_every_call(place: Place) -> None:
    journal = Journal(place.doing(1))
    first, second = (Noted(journal, number, f"model{number}", f"mark{number}", None) for number in (1, 2))

    first.doing("compiling the grammar, which takes long and has a long name")
    second.doing("writing")
    assert [(call["model"], call["phase"]) for call in last_words(place.doing(1))] == [
        ("model1", "compiling the grammar, which takes long and has a long name"),
        ("model2", "writing"),
    ]

    journal.forget(1)
    assert [call["mark"] for call in last_words(place.doing(1))] == ["mark2"]


@pytest.mark.parametrize(
    ("status", "is_out_of_memory", "how", "counted"),
    [
        (11, False, "died (signal 11)", True),
        (7, False, "died (signal 7)", True),
        (9, False, "was killed (signal 9)", False),
        (9, True, "ran out of memory and was killed", True),
        (15, False, "died (signal 15)", False),
        (70 << 8, False, "did not hear that it should stop", True),
        (1 << 8, False, "ended with code 1", True),
        (0, False, "was stopped", False),
    ],
)
def test_an_end_is_told_and_counted_where_the_model_is_to_blame(
    place: Place, status: int, is_out_of_memory: bool, how: str, counted: bool
) -> None:
    Noted(Journal(place.doing(42)), 1, "m", "mark", None).doing("writing")
    Path(place.card).write_text(json.dumps({"pid": 42}), encoding="utf-8")
    Path(place.socket).touch()

    write_end(place, "local", 42, status, is_out_of_memory=is_out_of_memory)

    end = read_end(place, 42)
    assert end is not None
    assert (end["how"], end["doing"][0]["phase"]) == (how, "writing")
    found = deaths.recorded(place.folder, "mark")
    assert (found is not None) is counted
    assert found is None or found == deaths.Deaths(1, f"the local engine {how} while writing")
    assert sorted(os.listdir(place.folder)) == sorted([*(["deaths"] if counted else []), "local-0.end"])


def test_what_the_next_host_has_made_is_not_cleared_away(place: Place) -> None:
    Path(place.card).write_text(json.dumps({"pid": 43}), encoding="utf-8")
    Path(place.socket).touch()

    write_end(place, "local", 42, 11, is_out_of_memory=False)

    assert os.path.exists(place.card)
    assert os.path.exists(place.socket)


def test_files_of_hosts_that_are_long_gone_are_swept_and_no_others(place: Place) -> None:
    for name, age_days in (("litellm-old", 8), ("litellm-new", 6), ("local-0", 9)):
        for suffix in ("log", "life", "start", "key"):
            path = Path(place.folder) / f"{name}.{suffix}"
            path.touch()
            os.utime(path, (time.time() - age_days * 86_400,) * 2)

    sweep(place, time.time())

    assert {path.name.partition(".")[0] for path in Path(place.folder).iterdir()} == {"litellm-new", "local-0"}


def test_what_llama_cpp_complains_of_is_heard(tmp_path: Path) -> None:
    """In a host this goes into the log; its error lines are also what our own messages quote."""
    from synapse_cli.backends.host.kept import Kept
    from synapse_cli.backends.llamacpp_library import library, listeners, reason

    heard: list[str] = []
    Kept().overhear(heard.append)
    lib = library()
    (tmp_path / "bad.gguf").write_bytes(b"no GGUF at all" * 100)

    try:
        lib.llama_model_load_from_file(str(tmp_path / "bad.gguf").encode(), lib.llama_model_default_params())
    finally:
        listeners.clear()

    assert any("invalid magic" in line for line in heard)
    assert "invalid magic" in reason()
    assert all("\n" not in line for line in heard)


def test_a_host_whose_call_does_not_hear_its_stop_lets_go_of_its_place_and_ends(place: Place) -> None:
    """The call hangs where nobody asks whether to go on: in a named pipe that no one reads."""
    pipe, ends = f"{place.folder}/pipe", []
    os.mkfifo(pipe)
    Path(place.key).write_bytes(b"k" * 32)
    calls = Calls(Journal(place.doing(os.getpid())), 300.0)
    server = Server(place, "local", b"k" * 32, listen(place), calls, stuck_s=0.3)
    serving = threading.Thread(target=lambda: ends.append(server.serve(lambda: ends.append("released"))))
    serving.start()
    line = line_to(place)
    assert line is not None
    with line.wire as wire:
        options = {"record": pipe, "replies": [{"text": "never"}]}
        model = {"name": "m", "backend": "scripted", "options": options}
        wire.send_json({"op": "complete", "model": model, "request": {"messages": []}})
        assert wire.receive_json() == {"taken": True}

    serving.join(60)

    assert ends == ["released", 70]
    assert not os.path.exists(place.socket)
    assert line_to(place) is None
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))


def test_whoever_listens_at_a_connection_that_is_let_go_of_hears_that_it_is_gone() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours)
    wire.close()

    with theirs, pytest.raises(Gone):
        wire.receive(0)
