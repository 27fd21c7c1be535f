"""Nobody who does not know the key is answered, and whatever a client sends costs its own connection at most."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
from multiprocessing.connection import Connection

import pytest

from synapse_cli.backends.host.address import listen, reach
from synapse_cli.backends.host.greeting import Stranger, greet
from synapse_cli.backends.host.start import line_to
from synapse_cli.backends.host.wire import BadFrame, Gone, Wire
from synapse_cli.core.control import Control
from tests.hosts.home import Home, asks, says

MUTATIONS = 1000
SEED = 20261121


def _connected(home: Home) -> socket.socket:
    return reach(home.place(), 30.0)


def _heard(connection: socket.socket) -> bytes:
    """Everything that the host says until it closes."""
    connection.settimeout(30.0)
    heard = b""
    try:
        while chunk := connection.recv(65536):
            heard += chunk
    except ConnectionError:
        pass
    return heard


def test_a_client_with_another_key_is_not_answered(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())

    with Wire(_connected(home)) as wire, pytest.raises((Gone, Stranger)):
        greet(wire, os.urandom(32), lambda: 30.0)

    assert home.hosted(says("again")).complete(asks(), Control()).text == "again"


def test_a_host_that_does_not_know_the_key_is_told_nothing(home: Home) -> None:
    """Somebody who took the socket's name gets neither a request nor a provider's key."""
    place = home.place()
    with open(place.key, "wb") as file:
        file.write(b"k" * 32)
    listener = listen(place)
    with listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(place.socket)
        theirs, _ = listener.accept()
        with theirs, Wire(client) as wire:
            Wire(theirs).send(b"synapse host 1\n" + b"c" * 32)
            Wire(theirs).send(b"p" * 32 + b"{}")
            with pytest.raises(Stranger):
                greet(wire, b"k" * 32, lambda: 30.0)


def test_our_own_proof_sent_back_is_no_proof(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())

    with _connected(home) as connection:
        wire = Wire(connection)
        hello = wire.receive()
        wire.send(hello[-32:] + hello[-32:])

        assert _heard(connection) == b""


def test_frames_are_those_of_the_standard_library(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())

    with _connected(home) as connection:
        connection.settimeout(None)
        theirs = Connection(connection.detach())
        assert theirs.recv_bytes(4096).startswith(b"synapse host")
        theirs.send_bytes(b"x" * 64)
        with pytest.raises((EOFError, ConnectionError)):
            theirs.recv_bytes(4096)
        theirs.close()


def test_a_client_that_said_nothing_does_not_keep_the_next_one_waiting(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())
    silent = [_connected(home) for _ in range(20)]

    answer = home.hosted(says("at once")).complete(asks(), Control())

    assert answer.text == "at once"
    for connection in silent:
        connection.setblocking(False)
        assert len(connection.recv(4096)) == 4 + len(b"synapse host 1\n") + 32  # still waited for, and told no more
        connection.close()


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames_cost_their_own_connection(home: Home, seed: int) -> None:
    """A quarter each of the thousand: half before, half after the greeting."""
    home.hosted(says("hello")).complete(asks(), Control())
    chance = random.Random(SEED + seed)
    good = _good_frame()
    answered = 0

    for number in range(MUTATIONS // 4):
        if number % 2:
            with _connected(home) as connection:
                connection.sendall(_mutated(struct.pack("!i", 64) + chance.randbytes(64), chance))
                connection.shutdown(socket.SHUT_WR)
                assert len(_heard(connection)) <= 4 + len(b"synapse host 1\n") + 32
            continue
        line = line_to(home.place())
        assert line is not None
        line.wire._socket.sendall(_mutated(good, chance))
        line.wire._socket.shutdown(socket.SHUT_WR)
        answered += b"done" in _heard(line.wire._socket)
        line.wire.close()

    assert home.hosted(says("still here")).complete(asks(), Control()).text == "still here"
    status = home.status()
    assert status is not None
    assert status["active"] == []
    assert answered < MUTATIONS // 8


def _good_frame() -> bytes:
    model = {"name": "echo", "backend": "scripted", "options": {"replies": [{"text": "hello"}]}}
    asked = {"op": "complete", "model": model, "request": {"messages": [{"role": "user", "content": "hi"}]}}
    content = json.dumps({**asked, "keys": [], "mark": "m", "idle_s": 300.0}).encode()
    return struct.pack("!i", len(content)) + content


def _mutated(frame: bytes, chance: random.Random) -> bytes:
    """Flip, cut, repeat, insert, or lie about the length."""
    data = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) or 1)
        match chance.randrange(6):
            case 0 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = data[at : at + 40] * chance.randint(1, 5)
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 40))
            case 4:
                data[:4] = struct.pack("!i", chance.choice([-1, 0, 1, 2**31 - 1, 2**26 + 1, len(data)]))
            case _:
                data[at : at + 12] = chance.choice(
                    [b"[" * 5000, b"null", b'{"a":', b"1e999", b"\xff\xfe", b'"\\ud800"']
                )
    return bytes(data)


def test_a_frame_longer_than_the_limit_is_not_even_read(home: Home) -> None:
    home.hosted(says("hello")).complete(asks(), Control())
    line = line_to(home.place())
    assert line is not None

    with line.wire as wire:
        wire._socket.sendall(struct.pack("!i", (64 << 20) + 1) + b"x" * 1000)
        with pytest.raises((Gone, BadFrame)):
            wire.receive(patience=lambda: 30.0)
