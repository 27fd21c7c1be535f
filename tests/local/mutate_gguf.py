"""Change one thing, or a few bits, of a GGUF: its keys, its lists, its tensor entries, its weights, or its length."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
FLOAT, TEXT, ARRAY = 6, 8, 9
NUMBERS = (0, 1, 2, 3, 7, 8, 16, 63, 255, 256, 512, 513, 4096, 65535, 65536, 2**20, 2**31 - 1, 2**31, 2**32 - 1)
FRACTIONS = (0.0, -1.0, 1e38, 1e-30, float("nan"), float("inf"))


@dataclass
class Places:
    """Where things stand in a file. Offsets and lengths in bytes."""

    scalars: list[tuple[str, int, int]] = field(default_factory=list)
    """Key, offset, type."""
    texts: list[tuple[str, int, int]] = field(default_factory=list)
    """Key, offset of the characters, how many."""
    lists: list[tuple[str, int, int]] = field(default_factory=list)
    """Key, offset of the values, bytes."""
    tensors: list[tuple[str, int, int]] = field(default_factory=list)
    """Name, offset behind it, dimensions."""
    end: int = 0


def mutant(data: bytes, seed: int) -> tuple[bytes, str]:
    """One changed file, and what was changed. The same seed makes the same change."""
    chance = random.Random(seed)
    changed = bytearray(data)
    where = places(data)
    what = chance.choice([change for change in CHANGES if where.lists or change is not _list])(changed, where, chance)
    return bytes(changed), what


def places(data: bytes) -> Places:
    """Find everything in a header."""
    found = Places()
    at = 24
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        key, at = _string(data, at)
        kind = struct.unpack_from("<I", data, at)[0]
        at += 4
        if kind == TEXT:
            text, end = _string(data, at)
            found.texts.append((key, at + 8, len(text.encode())))
            at = end
        elif kind == ARRAY:
            element, count = struct.unpack_from("<IQ", data, at)
            start = at = at + 12
            for _ in range(count if element == TEXT else 0):
                at += 8 + struct.unpack_from("<Q", data, at)[0]
            at += 0 if element == TEXT else count * SIZES[element]
            found.lists.append((key, start, at - start))
        else:
            found.scalars.append((key, at, kind))
            at += SIZES[kind]
    for _ in range(struct.unpack_from("<Q", data, 8)[0]):
        name, at = _string(data, at)
        dimensions = struct.unpack_from("<I", data, at)[0]
        found.tensors.append((name, at, dimensions))
        at += 4 + 8 * dimensions + 12
    found.end = at
    return found


def _string(data: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack_from("<Q", data, at)[0]
    return data[at + 8 : at + 8 + length].decode(), at + 8 + length


def _number(data: bytearray, where: Places, chance: random.Random) -> str:
    key, at, kind = chance.choice(where.scalars)
    if kind == FLOAT:
        fraction = chance.choice(FRACTIONS)
        struct.pack_into("<f", data, at, fraction)
        return f"{key} = {fraction}"
    number = chance.choice(NUMBERS)
    data[at : at + SIZES[kind]] = (number % 256 ** SIZES[kind]).to_bytes(SIZES[kind], "little")
    return f"{key} = {number}"


def _count(data: bytearray, _where: Places, chance: random.Random) -> str:
    at, count = chance.choice((8, 16)), chance.choice((0, 1, 5, 1000, 2**31, 2**63))
    struct.pack_into("<Q", data, at, count)
    return f"count at {at} = {count}"


def _bits(data: bytearray, where: Places, chance: random.Random) -> str:
    spots = [chance.randrange(4, where.end) for _ in range(chance.randint(1, 4))]
    for spot in spots:
        data[spot] ^= 1 << chance.randrange(8)
    return f"bits at {spots}"


def _tensor(data: bytearray, where: Places, chance: random.Random) -> str:
    name, at, dimensions = chance.choice(where.tensors)
    behind = at + 4 + 8 * dimensions
    match chance.choice(("size", "type", "offset", "dimensions", "turned")):
        case "size":
            struct.pack_into("<Q", data, at + 4, chance.choice((0, 1, 32, 63, 65, 128, 2**20, 2**62)))
        case "type":
            struct.pack_into("<I", data, behind, chance.choice((1, 2, 4, 8, 12, 24, 26, 28, 30, 39, 99)))
        case "offset":
            struct.pack_into("<Q", data, behind + 4, chance.choice((0, 1, 32, 64, 4096, 2**40)))
        case "dimensions":
            struct.pack_into("<I", data, at, chance.choice((0, 1, 3, 4, 5, 2**31)))
        case _:
            sizes = struct.unpack_from(f"<{dimensions}Q", data, at + 4)
            struct.pack_into(f"<{dimensions}Q", data, at + 4, *reversed(sizes))
    return f"tensor {name}"


def _list(data: bytearray, where: Places, chance: random.Random) -> str:
    key, at, length = chance.choice(where.lists)
    for _ in range(chance.randint(1, 20)):
        data[at + chance.randrange(length)] = chance.randrange(256)
    return f"noise in {key}"


def _text(data: bytearray, where: Places, chance: random.Random) -> str:
    key, at, length = chance.choice([text for text in where.texts if text[2]])
    data[at + chance.randrange(length)] = chance.randrange(32, 127)
    return f"a letter of {key}"


def _weights(data: bytearray, where: Places, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 2000)):
        data[chance.randrange(where.end, len(data))] = chance.randrange(256)
    return "noise in the weights"


def _length(data: bytearray, _where: Places, chance: random.Random) -> str:
    size = chance.randrange(len(data))
    del data[size:]
    return f"cut at {size}"


Change = Callable[[bytearray, Places, random.Random], str]
CHANGES: tuple[Change, ...] = (
    _number,
    _number,
    _number,
    _count,
    _bits,
    _tensor,
    _tensor,
    _list,
    _text,
    _weights,
    _length,
)
