"""Which bytes spell the characters of a class? UTF-8, so that half a character at the end of a token is no puzzle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

Way = tuple[tuple[int, int], ...]
"""A span of bytes for each place."""
_SURROGATES = (0xD800, 0xDFFF)
_LENGTHS = ((0x7F, 1), (0x7FF, 2), (0xFFFF, 3), (0x10FFFF, 4))


@lru_cache(maxsize=4096)
def ways(ranges: tuple[tuple[int, int], ...]) -> tuple[Way, ...]:
    """Ways of spelling any character of these ranges."""
    return tuple(way for first, last in ranges for way in _spans(first, last))


def by_first_byte(found: Sequence[Way]) -> dict[int, list[Way]]:
    """The rests of the ways that begin alike: a set of first bytes, as bits, and what follows each of them."""
    rests: dict[int, list[Way]] = {}
    for way in found:
        for byte in range(way[0][0], way[0][1] + 1):
            rests.setdefault(byte, []).append(way[1:])
    alike: dict[tuple[Way, ...], int] = {}
    for byte, rest in rests.items():
        key = tuple(dict.fromkeys(rest))
        alike[key] = alike.get(key, 0) | 1 << byte
    return {bits: list(rest) for rest, bits in alike.items()}


def _spans(first: int, last: int) -> Iterator[Way]:
    if first < _SURROGATES[0] and last > _SURROGATES[1]:
        yield from _spans(first, _SURROGATES[0] - 1)
        yield from _spans(_SURROGATES[1] + 1, last)
        return
    begin = 0
    for end, length in _LENGTHS:
        low, high = max(first, begin), min(last, end)
        if low <= high and not (low >= _SURROGATES[0] and high <= _SURROGATES[1]):
            yield from _of_length(_outside(low, high), length)
        begin = end + 1


def _outside(low: int, high: int) -> tuple[int, int]:
    """The span less a part of the surrogates at one of its ends."""
    if _SURROGATES[0] <= low <= _SURROGATES[1]:
        low = _SURROGATES[1] + 1
    if _SURROGATES[0] <= high <= _SURROGATES[1]:
        high = _SURROGATES[0] - 1
    return low, high


def _of_length(span: tuple[int, int], length: int) -> Iterator[Way]:
    """Spans whose last bytes run through all their values, or are of one beginning."""
    first, last = span
    for place in range(1, length):
        size = 1 << 6 * place
        if first // size != last // size:
            if first % size:
                edge = first - first % size + size - 1
                yield from _of_length((first, edge), length)
                yield from _of_length((edge + 1, last), length)
                return
            if last % size != size - 1:
                edge = last - last % size
                yield from _of_length((first, edge - 1), length)
                yield from _of_length((edge, last), length)
                return
    yield tuple(zip(_encode(first, length), _encode(last, length), strict=True))


def _encode(code: int, length: int) -> bytes:
    """UTF-8 of a number; Python's own refuses some that stand at the edge of a span."""
    if length == 1:
        return bytes((code,))
    lead = (0xF00 >> length) & 0xFF | code >> 6 * (length - 1)
    return bytes((lead, *(0x80 | code >> 6 * place & 0x3F for place in reversed(range(length - 1)))))
