"""A file that is no usable GGUF is one clear line, whatever is wrong with it, and the caller lives on."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from synapse_cli.backends.gguf import read_header
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, Exit, ModelMissing, ModelUnusable

from .asking import asked, open_model
from .tiny_gguf import vocabulary, write, write_split

ROOT = Path(__file__).parents[2]


def test_the_header_of_a_good_file_says_what_it_is(tiny: Path) -> None:
    header = read_header(str(tiny))

    assert (header.architecture, header.name, header.context_length) == ("llama", "tiny", 2048)
    assert header.quantization == "F32"
    assert header.vocabulary == len(vocabulary())
    assert header.tensors == 21
    assert header.size == tiny.stat().st_size
    assert "<|im_start|>" in (header.chat_template or "")
    assert header.shape("block_count") == 2
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_a_header_larger_than_the_first_read_is_read_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "large.gguf", metadata={"general.description": "x" * 3_000_000, "synapse.note": "last"})

    header = read_header(str(path))

    assert header.metadata["synapse.note"] == "last"
    assert "general.description" not in header.metadata


def test_own_metadata_is_kept_by_type(tmp_path: Path) -> None:
    path = write(tmp_path / "own.gguf", metadata={"synapse.flag": True, "synapse.id": 3, "synapse.text": "ü"})

    metadata = read_header(str(path)).metadata

    assert metadata["synapse.flag"] is True
    assert (metadata["synapse.id"], metadata["synapse.text"]) == (3, "ü")


Change = Callable[[bytearray], bytes | bytearray]


def _entry(data: bytes | bytearray, key: str) -> int:
    """Offset of the type of a metadata value."""
    name = key.encode()
    return data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name)


def _put(form: str, at: int, value: float) -> Change:
    def change(data: bytearray) -> bytearray:
        struct.pack_into(form, data, at, value)
        return data

    return change


def _value(key: str, form: str, value: float, beyond: int = 4) -> Change:
    def change(data: bytearray) -> bytearray:
        struct.pack_into(form, data, _entry(data, key) + beyond, value)
        return data

    return change


def _renamed(old: bytes, new: bytes) -> Change:
    assert len(old) == len(new)
    return lambda data: data.replace(old, new)


def _tensor(name: str, form: str, beyond: int, value: int) -> Change:
    """Change a field of a tensor's entry: dimensions at 0, two sizes at 4, type at 20, offset at 24."""
    return _value(name, form, value, beyond)


def _swapped(name: str) -> Change:
    """Exchange the two sizes of a tensor."""

    def change(data: bytearray) -> bytearray:
        at = _entry(data, name) + 4
        data[at : at + 16] = data[at + 8 : at + 16] + data[at : at + 8]
        return data

    return change


CHANGED: dict[str, tuple[Change, str]] = {
    "zero bytes": (lambda _: b"", "it is empty"),
    "one byte": (lambda data: data[:1], "begins with"),
    "magic only": (lambda data: data[:4], "truncated"),
    "ten bytes": (lambda data: data[:10], "truncated"),
    "cut in the keys": (lambda data: data[:300], "truncated"),
    "cut in the vocabulary": (lambda data: data[:3000], "truncated"),
    "cut in the tensor list": (lambda data: data[: _entry(data, "blk.1.ffn_up.weight")], "truncated"),
    "cut before the weights": (lambda data: data[: _entry(data, "output_norm.weight") + 4000], "truncated"),
    "half of the weights": (lambda data: data[: len(data) // 2], "truncated"),
    "one byte short": (lambda data: data[:-1], "truncated"),
    "text": (lambda _: b"Dear Sir or Madam,\n" * 100, "begins with b'Dear'"),
    "zeros": (lambda _: bytes(5000), "begins with"),
    "noise": (lambda _: np.random.default_rng(1).bytes(5000), "begins with"),
    "noise after the magic": (lambda data: data[:8] + np.random.default_rng(2).bytes(5000), "garbage"),
    "noise after the counts": (lambda data: data[:24] + np.random.default_rng(3).bytes(5000), "is not a usable GGUF"),
    "old GGML": (lambda data: b"lmgg" + data[4:], "older GGML"),
    "LFS pointer": (lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
    "big-endian": (lambda data: data[:4] + data[4:8][::-1] + data[8:], "big-endian"),
    "version 1": (_put("<I", 4, 1), "version 1"),
    "version 99": (_put("<I", 4, 99), "version 99"),
    "too many tensors": (_put("<Q", 8, 2**40), "garbage"),
    "too many keys": (_put("<Q", 16, 2**63), "garbage"),
    "one key too many": (lambda data: _put("<Q", 16, struct.unpack_from("<Q", data, 16)[0] + 1)(data), "not a usable"),
    "one tensor too many": (_put("<Q", 8, 22), "is not a usable GGUF"),
    "endless key": (_put("<Q", 24, 2**62), "beyond its end"),
    "unknown value type": (_value("llama.context_length", "<I", 77, 0), "unknown type 77"),
    "endless list": (_value("tokenizer.ggml.token_type", "<Q", 2**61, 8), "more than the file has bytes"),
    "endless piece of the vocabulary": (_value("tokenizer.ggml.tokens", "<Q", 2**62, 16), "beyond its end"),
    "no architecture": (_renamed(b"general.architecture", b"general.architectura"), "does not name its architecture"),
    "an unknown architecture": (
        _renamed(b"\5\0\0\0\0\0\0\0llama", b"\5\0\0\0\0\0\0\0llamx"),
        "llamx|cannot load",
    ),
    "no tokenizer": (_renamed(b"tokenizer.ggml.model", b"tokenizer.ggml.modem"), "no tokenizer"),
    "no vocabulary": (_renamed(b"tokenizer.ggml.tokens", b"tokenizer.ggml.tokenz"), "no tokenizer"),
    "no embeddings": (_renamed(b"token_embd.weight", b"token_embx.weight"), "token_embd.weight is missing"),
    "same tensor twice": (_renamed(b"blk.0.attn_q.weight", b"blk.0.attn_k.weight"), "same name"),
    "five dimensions": (_tensor("token_embd.weight", "<I", 0, 5), "5 dimensions"),
    "no dimensions": (_tensor("token_embd.weight", "<I", 0, 0), "0 dimensions"),
    "a tensor of nothing": (_tensor("token_embd.weight", "<Q", 4, 0), "is empty"),
    "a tensor beyond all bounds": (_tensor("token_embd.weight", "<Q", 12, 2**60), "ends at byte"),
    "an unknown tensor type": (_tensor("token_embd.weight", "<I", 20, 4711), "unknown type 4711"),
    "a tensor off its alignment": (_tensor("token_embd.weight", "<Q", 24, 7), "off the alignment"),
    "a tensor behind the file": (_tensor("token_embd.weight", "<Q", 24, 2**40), "ends at byte"),
    "a layer missing": (_renamed(b"blk.1.attn_q.weight", b"blk.1.attn_z.weight"), "cannot load"),
    "a tensor smaller than its place": (_tensor("output.weight", "<Q", 4, 32), "is expected"),
    "a tensor of the wrong shape": (_swapped("blk.0.ffn_up.weight"), "cannot load"),
    "a tensor in the place of another": (_tensor("blk.0.attn_q.weight", "<Q", 24, 0), "is expected"),
    "a type that was taken back": (_tensor("token_embd.weight", "<I", 20, 4), "unknown type 4"),
    "rows that are no whole blocks": (_tensor("token_embd.weight", "<I", 20, 12), "packs them by 256"),
    "not a number": (lambda data: data[:-200_000] + b"\xff" * 200_000, "not-a-number"),
}


def _is_one_clear_line(error: BackendError, path: Path) -> bool:
    return "\n" not in error.message and str(path) in error.message and len(error.message) < 400


@pytest.mark.parametrize("name", CHANGED)
def test_a_bad_file_is_one_clear_line(tiny: Path, tmp_path: Path, name: str) -> None:
    change, says = CHANGED[name]
    path = tmp_path / "bad.gguf"
    path.write_bytes(change(bytearray(tiny.read_bytes())))

    with pytest.raises(ModelUnusable) as caught:
        open_model(path).complete(asked("hi"), Control())

    assert re.search(says, caught.value.message), caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == Exit.UNANSWERED


def test_there_are_at_least_thirty_bad_files() -> None:
    assert len(CHANGED) >= 30


def test_a_file_cut_anywhere_is_refused_by_its_header(tiny: Path, tmp_path: Path) -> None:
    whole = tiny.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole)

    for size in [*range(len(whole) - 1, 20_000, -9973), *range(20_000, 0, -211)]:
        os.truncate(path, size)
        with pytest.raises(ModelUnusable) as caught:
            read_header(str(path))
        assert _is_one_clear_line(caught.value, path)


def test_a_split_model_is_one_model_by_its_first_part(tmp_path: Path, tiny: Path) -> None:
    whole = read_header(str(tiny))
    first, *others = write_split(tmp_path / "tiny.gguf", most_tensors=8)

    header = read_header(str(first))

    assert header.parts == (str(first), *map(str, others))
    assert len(header.parts) == 3
    assert (header.layout.keys(), header.weights) == (whole.layout.keys(), whole.weights)
    assert header.size == sum(path.stat().st_size for path in (first, *others))
    told = open_model(first).complete(asked("hi", p_max_tokens=20), Control())
    assert told.text == open_model(tiny).complete(asked("hi", p_max_tokens=20), Control()).text


def test_another_part_of_a_split_model_leads_to_the_first(tmp_path: Path) -> None:
    _, second, _ = write_split(tmp_path / "tiny.gguf", most_tensors=8)

    with pytest.raises(ModelUnusable, match=r"one part of 3 .* name the first one, NAME-00001-of-00003\.gguf"):
        read_header(str(second))


def test_parts_and_layers_beyond_all_bounds_are_not_counted_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a-00001-of-00002.gguf")
    whole = path.read_bytes()

    path.write_bytes(_with(whole, "split.count", 2**31))
    with pytest.raises(ModelUnusable, match="one part of 2,147,483,648"):
        read_header(str(path), "any")
    path.write_bytes(_with(whole, "llama.block_count", 2**32 - 1))
    assert len(read_header(str(path), "any").per_layer("attention.head_count")) == 512


def _with(data: bytes, key: str, value: int) -> bytes:
    """A file with a number in it that it did not have, or had otherwise."""
    name = struct.pack("<Q", len(key)) + key.encode()
    if name in data:
        at = _entry(data, key) + 4
        return data[:at] + struct.pack("<I", value) + data[at + 4 :]
    keys = struct.unpack_from("<Q", data, 16)[0]
    more = name + struct.pack("<II", 4, value)
    return data[:16] + struct.pack("<Q", keys + 1) + more + data[24:] + bytes(64)


def test_a_split_model_without_one_of_its_parts_is_missing(tmp_path: Path) -> None:
    first, _, third = write_split(tmp_path / "tiny.gguf", most_tensors=8)
    third.unlink()

    with pytest.raises(ModelMissing, match=r"there is no model at .*-00003-of-00003\.gguf"):
        read_header(str(first))


@pytest.mark.parametrize(("kind", "says"), [("adapter", "of the kind 'adapter'"), ("mmproj", "of the kind 'mmproj'")])
def test_a_gguf_that_is_no_model_is_refused(tmp_path: Path, kind: str, says: str) -> None:
    path = write(tmp_path / "kind.gguf", metadata={"general.type": kind})

    with pytest.raises(ModelUnusable, match=says):
        read_header(str(path))


def test_an_embedding_model_is_refused_by_name(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "bert.gguf", "bert")
    writer.add_tensor("token_embd.weight", np.zeros((4, 32), dtype=np.float32))
    for write_part in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write_part()
    writer.close()

    with pytest.raises(ModelUnusable, match="writes no text"):
        read_header(str(tmp_path / "bert.gguf"))


def _directory(path: Path) -> None:
    path.mkdir()


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("gone"))


def _nothing(_path: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_nothing, "there is no model at"),
        (_directory, "is a directory"),
        (os.mkfifo, "is a FIFO"),
        (_loop, "leads back to itself"),
        (_dangling, "symbolic link to nothing"),
    ],
    ids=["missing", "directory", "fifo", "loop", "dangling"],
)
def test_a_path_without_a_file_is_missing(tmp_path: Path, make: Callable[[Path], None], says: str) -> None:
    path = tmp_path / "model.gguf"
    make(path)

    with pytest.raises(ModelMissing) as caught:
        open_model(path).complete(asked("hi"), Control())

    assert says in caught.value.message
    assert _is_one_clear_line(caught.value, path)
    assert caught.value.hint
    assert caught.value.exit_code == Exit.INPUT


@pytest.mark.parametrize("path", ["/dev/null", "a\0b", "/" + "x" * 5000, "/etc/passwd/model.gguf"])
def test_an_odd_path_is_missing(path: str) -> None:
    with pytest.raises(ModelMissing) as caught:
        read_header(path)

    assert "\n" not in caught.value.message


def test_a_file_without_permission_is_missing(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "private.gguf"
    path.write_bytes(tiny.read_bytes())
    path.chmod(0)
    # root may read everything: ask as somebody who may not
    drop = "os.setuid(65534); " if os.geteuid() == 0 else ""
    ask = f"import os; from synapse_cli.backends.gguf import read_header; {drop}read_header({str(path)!r})"
    for folder in [tmp_path, *tmp_path.parents][:4]:
        folder.chmod(folder.stat().st_mode | 0o055)

    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT, check=False)

    assert f"ModelMissing: no permission to read the model {path}" in done.stderr


def test_nothing_of_a_bad_file_reaches_the_terminal(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(bytes(CHANGED["a layer missing"][0](bytearray(tiny.read_bytes()))))
    ask = (
        "import sys; sys.path.insert(0, 'tests/local')\n"
        "from synapse_cli.backends.llamacpp import LlamaCpp\n"
        "from synapse_cli.core.errors import ModelUnusable\n"
        "from synapse_cli.core.control import Control\n"
        "from synapse_cli.core.prompt import Message, Request\n"
        "from synapse_cli.profile.model import Model\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        LlamaCpp(Model(name='m', backend='llama.cpp', source='file:' + path)).complete(\n"
        "            Request(messages=(Message('user', 'hi'),), params={'max_tokens': 3}), Control())\n"
        "        print('answered')\n"
        "    except ModelUnusable:\n"
        "        print('refused')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", ask, str(path), str(tiny)], capture_output=True, text=True, cwd=ROOT, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == ("refused\nanswered\n", "", 0)
