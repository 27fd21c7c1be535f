"""Ids of runs: they sort by time, and two processes never make the same one."""

from __future__ import annotations

import os

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id(now: float, random: bytes | None = None) -> str:
    """A 20-character id: 9 of milliseconds, 11 of chance, so that ids sort by time (Crockford's base 32)."""
    chance = int.from_bytes(os.urandom(7) if random is None else random[:7], "big") >> 1
    return _base32(int(now * 1000), 9) + _base32(chance, 11)


def _base32(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))
