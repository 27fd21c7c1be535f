"""What was learned is kept in one file that nobody can change by a bit without being noticed."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse_cli.core.errors import InputError
from synapse_cli.learned import file
from synapse_cli.learned.file import Learned, Tensor

WEIGHTS = struct.pack("<6f", 0.5, -1.0, 2.0, 3.0, 0.25, -0.125)
LEARNED = Learned(
    kind="policy",
    about={"threshold": 0.25, "ways": ["a", "b"], "word": "é"},
    tensors={
        "weights": Tensor("F32", (2, 3), WEIGHTS),
        "bytes": Tensor("I8", (5,), bytes([1, 2, 3, 255, 128])),
    },
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = str(tmp_path / "p.policy")

    proof = file.write(path, LEARNED)
    found = file.read(path, "policy")

    assert found.sha256 == proof
    assert found.about == LEARNED.about
    assert list(found.tensors["weights"].numbers) == [0.5, -1.0, 2.0, 3.0, 0.25, -0.125]
    assert list(found.tensors["bytes"].numbers) == [1, 2, 3, -1, -128]
    assert [each.name for each in tmp_path.iterdir()] == ["p.policy"]


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "now.policy"
    link.symlink_to("1.policy")

    file.write(str(link), LEARNED)

    assert link.is_symlink()
    assert file.read(str(tmp_path / "1.policy"), "policy").about == LEARNED.about


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()

    file.write(str(path), LEARNED)

    reader.join()
    assert received == [file.to_bytes(LEARNED)]
    assert path.is_fifo()


def test_others_read_it_as_safetensors(tmp_path: Path) -> None:
    numpy = pytest.importorskip("safetensors.numpy")
    path = str(tmp_path / "p.policy")

    file.write(path, LEARNED)

    assert numpy.load_file(path)["weights"].tolist() == [[0.5, -1.0, 2.0], [3.0, 0.25, -0.125]]


def test_equal_things_have_equal_bytes() -> None:
    turned = Learned(
        kind="policy", about=dict(reversed(LEARNED.about.items())), tensors=dict(reversed(LEARNED.tensors.items()))
    )

    assert file.to_bytes(turned) == file.to_bytes(LEARNED)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_bit_is_refused(data: st.DataObject) -> None:
    content = bytearray(file.to_bytes(LEARNED))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(InputError) as raised:
        file.from_bytes(bytes(content), "p.policy", "policy")

    assert "p.policy" in raised.value.message


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        file.from_bytes(content, "p.policy", "policy")


def test_every_cut_is_refused() -> None:
    content = file.to_bytes(LEARNED)

    for end in range(len(content)):
        with pytest.raises(InputError):
            file.from_bytes(content[:end], "p.policy", "policy")


def test_another_kind_is_named() -> None:
    with pytest.raises(InputError, match="is a policy, not a student"):
        file.from_bytes(file.to_bytes(LEARNED), "p.policy", "student")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        file.read(str(tmp_path / "none.policy"), "policy")

    assert "synapse tune" in raised.value.hint
