"""Every model file and setting that kills or hangs llama.cpp: the caller lives, and says what is wrong in one line."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.badmodels.asking import Asker, is_one_clear_line
from tests.hosts.home import Home
from tests.local.shapes import SHAPES, write_shape
from tests.local.tiny_gguf import write

Make = Callable[[Path], object]


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _cut(path: Path) -> None:
    write(path)
    os.truncate(path, path.stat().st_size // 2)


def _not_numbers(path: Path) -> None:
    write(path)
    data = path.read_bytes()
    path.write_bytes(data[:-200_000] + b"\xff" * 200_000)


def _layers(path: Path) -> None:
    write(path)
    data = path.read_bytes()
    at = data.index(b"llama.block_count") + len(b"llama.block_count") + 4
    path.write_bytes(data[:at] + (4_000_000).to_bytes(4, "little") + data[at + 4 :])


def _twice(path: Path) -> None:
    write(path)
    path.write_bytes(path.read_bytes().replace(b"\x04\0\0\0\0\0\0\0spam", b"\x04\0\0\0\0\0\0\0bugs", 1))


def _encoder(path: Path) -> None:
    write(path)
    data = path.read_bytes().replace(b"\5\0\0\0\0\0\0\0llama", b"\x0b\0\0\0\0\0\0\0modern-bert", 1)
    path.write_bytes(data)


def _nothing(_path: Path) -> None:
    pass


FILES: dict[str, tuple[Make, int, str]] = {
    "nothing": (_nothing, 66, "there is no model at"),
    "a FIFO": (_fifo, 66, "is a FIFO"),
    "a folder": (_folder, 66, "is a directory"),
    "zero bytes": (lambda path: path.write_bytes(b""), 69, "it is empty"),
    "garbage": (lambda path: path.write_bytes(b"\x93" * 9000), 69, "begins with"),
    "half a file": (_cut, 69, "truncated"),
    "weights that are no numbers": (_not_numbers, 69, "not-a-number"),
    "a window of 8": (lambda path: write(path, context=8), 69, "declares a window of 8 tokens"),
    "four million layers": (_layers, 69, "claims 4,000,000 layers"),
    "a token twice": (_twice, 69, "stands in its vocabulary twice"),
    "an encoder": (_encoder, 69, "makes embeddings and writes no text"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_costs_one_request(asker: Asker, tmp_path: Path, name: str) -> None:
    make, code, says = FILES[name]
    path = tmp_path / "model.gguf"
    make(path)

    done = asker.ask(path)

    assert (done.code, is_one_clear_line(done)) == (code, True), done.err
    assert says in done.err
    assert str(path) in done.err or says == "not-a-number"
    assert asker.answers_still()


SETTINGS: dict[str, tuple[dict[str, Any], tuple[str, ...], int, str]] = {
    "a window of two billion": ({"context": 2_000_000_000}, (), 78, "found 2000000000"),
    "a window of fifty million": ({"context": 50_000_000}, (), 69, "context is 50000000, and .* was made for 2048"),
    "a window that no memory holds": ({"context": 60_000}, (), 69, r"needs .* \(weights .*max_memory is 20\.0 MB"),
    "an adapter that is garbage": (
        {"lora": '[{ file = "garbage.gguf" }]'},
        (),
        69,
        "garbage.gguf is not a usable GGUF",
    ),
    "an adapter that is a FIFO": ({"lora": '[{ file = "fifo.gguf" }]'}, (), 66, "is a FIFO"),
    "an adapter that is no adapter": ({"lora": '[{ file = "good.gguf" }]'}, (), 69, "it is not an adapter"),
    "a KV type out of range": ({}, ("--param", "type_k=99"), 2, "type_k"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_bad_setting_costs_one_request(asker: Asker, name: str) -> None:
    settings, flags, code, says = SETTINGS[name]
    asker.machine.write("garbage.gguf", b"\x93" * 9000)
    fifo = asker.machine.work / "fifo.gguf"
    if not fifo.exists():
        os.mkfifo(fifo)

    done = asker.ask(asker.good, *flags, rest='[hosts]\nmax_memory = "20MB"', **settings)

    assert (done.code, is_one_clear_line(done)) == (code, True), done.err
    assert re.search(says, done.err), done.err
    assert asker.answers_still()


@pytest.mark.parametrize("words", [0, 5000])
def test_an_odd_prompt_costs_one_request(asker: Asker, words: int) -> None:
    done = asker.machine.synapse(
        "run", "-m", str(asker.good), "--no-cache", "--no-log", "--param", "max_tokens=3", stdin="spam " * words
    )

    assert done.code in ({2} if words == 0 else {69}), done.err
    assert is_one_clear_line(done)
    assert asker.answers_still()


def test_a_file_that_was_replaced_is_loaded_anew_and_one_that_was_cut_is_refused(asker: Asker, tmp_path: Path) -> None:
    path = write(tmp_path / "model.gguf", seed=1)
    first = asker.ask(path, "--param", "max_tokens=30")
    write(tmp_path / "new.gguf", seed=2).replace(path)
    second = asker.ask(path, "--param", "max_tokens=30")
    os.truncate(path, 3000)

    done = asker.ask(path)

    assert (first.code, second.code) == (0, 0)
    assert first.out != second.out
    assert (done.code, is_one_clear_line(done)) == (69, True), done.err
    assert "truncated" in done.err


def test_a_mapped_file_that_is_cut_under_an_answer_costs_the_host_and_not_the_caller(
    asker: Asker, tmp_path: Path
) -> None:
    if not asker.hosted:
        pytest.skip("a bus error ends the process it happens in: that is what hosts are for")
    path = write_shape(tmp_path / "model.gguf", SHAPES["SmolLM2-135M"])
    home = Home.of(asker.machine)

    found: list[Any] = []
    asking = threading.Thread(
        target=lambda: found.append(asker.ask(path, "--param", "max_tokens=400", "--timeout", "120"))
    )
    asking.start()
    home.until(lambda: "writing the answer" in str((home.status() or {}).get("active")), "the answer never began")
    os.truncate(path, 3000)
    asking.join(120)

    (done,) = found
    assert done.code == 69, done.err
    assert re.search(r"the local engine died \((signal 7|SIGBUS)", done.err), done.err
    assert asker.answers_still()
