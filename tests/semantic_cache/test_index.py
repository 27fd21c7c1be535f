"""The nearest are found, with numpy and without, and a damaged file is only a miss."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

from synapse_cli.cache import semantic_index as index

ROOT = Path(__file__).parents[2]


def _vectors(many: int, dimension: int, seed: int = 1) -> list[list[float]]:
    chance = random.Random(seed)
    return [[chance.gauss(0, 1) for _ in range(dimension)] for _ in range(many)]


def _near(vector: list[float], chance: random.Random, away: float) -> list[float]:
    return [each + chance.gauss(0, away) for each in vector]


def _cosine(one: list[float], two: list[float]) -> float:
    return sum(a * b for a, b in zip(one, two, strict=True)) / math.hypot(*one) / math.hypot(*two)


@pytest.mark.parametrize("dimension", [1, 32, 64, 65, 300, 384])
def test_a_vector_comes_back_within_eight_bits(dimension: int) -> None:
    vector = _vectors(1, dimension)[0]

    back = index.unpack(index.pack(vector)).floats

    assert _cosine(vector, back) > 0.9999
    assert math.hypot(*back) == pytest.approx(1, abs=0.01)


def test_nothing_but_a_packed_vector_is_unpacked() -> None:
    data = index.pack([0.5] * 64)

    for wrong in (data[:-1], data + b"\0", b"", b"x" * 5):
        with pytest.raises(ValueError, match="packed vector"):
            index.unpack(wrong)


@pytest.mark.parametrize("dimension", [100, 384])
def test_the_nearest_is_found_by_signs_with_and_without_numpy(dimension: int, tmp_path: Path) -> None:
    chance = random.Random(4)
    vectors = _vectors(1500, dimension)
    rows = [(number * 3 + 7, index.pack(each)) for number, each in enumerate(vectors)]
    path = str(tmp_path / "scope.vectors")
    index.write_flat(path, rows)
    flat = index.Flat.open(path)
    assert flat is not None

    for _ in range(30):
        wanted = chance.randrange(len(vectors))
        query = _near(vectors[wanted], chance, 0.5)
        found = flat.nearest(query, 3)
        assert found[0][1] == wanted * 3 + 7
        assert found[0][0] == pytest.approx(_cosine(query, vectors[wanted]), abs=0.01)
        assert index.nearest(query, rows, 1)[0] == pytest.approx(found[0], abs=1e-5)
        assert wanted in flat._by_python(query)  # the way that a thin process takes
        assert wanted in flat._by_numpy(query)  # the way that a warm one takes


def test_a_thin_process_needs_no_numpy(tmp_path: Path) -> None:
    path = str(tmp_path / "scope.vectors")
    index.write_flat(path, [(number, index.pack(each)) for number, each in enumerate(_vectors(300, 64))])
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from synapse_cli.cache.semantic_index import Flat\n"
        f"print(len(Flat.open({path!r}).nearest([1.0] * 64, 5)), 'numpy' in sys.modules)"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told == "5 False\n"


def test_a_file_that_is_not_whole_is_none(tmp_path: Path) -> None:
    path = tmp_path / "scope.vectors"
    assert index.Flat.open(str(path)) is None
    index.write_flat(str(path), [(1, index.pack([1.0] * 64))])
    whole = path.read_bytes()

    for damaged in (whole[:-1], whole + b"x", b"", b"SYNSIM99" + whole[8:], whole[:10]):
        path.write_bytes(damaged)
        assert index.Flat.open(str(path)) is None
    assert path.stat().st_mode & 0o077 == 0


def test_vectors_of_another_length_are_passed_over(tmp_path: Path) -> None:
    path = str(tmp_path / "scope.vectors")
    rows = [(1, index.pack([1.0] * 64)), (2, index.pack([1.0] * 128))]
    index.write_flat(path, rows)
    flat = index.Flat.open(path)

    assert flat is not None
    assert flat.many == 1
    assert flat.nearest([1.0] * 64, 5) == []
    assert [number for _, number in index.nearest([1.0] * 64, rows, 5)] == [1]
