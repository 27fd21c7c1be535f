"""Which rows are fitted, and which are kept for the test? Decided by ids alone: the order of rows means nothing."""

from __future__ import annotations

from hashlib import blake2b

from synapse_cli.lab.outcomes import Table

_FEW = 1000
_SMALL_SHARE, _SHARE = 1 / 3, 1 / 2
"""Of rows that are fitted: of few rows most are needed to prove anything, and no predictor learns much from a third
more."""


def split(table: Table, seed: int = 0) -> tuple[list[int], list[int]]:
    """Numbers of the rows to fit and of those to test."""
    order = sorted(range(len(table.rows)), key=lambda row: _place(table.rows[row].id, seed))
    many = round(len(order) * (_SMALL_SHARE if len(order) < _FEW else _SHARE))
    return order[:many], order[many:]


def _place(name: str, seed: int) -> bytes:
    return blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
