"""What are texts turned into by an encoder: rows of numbers, and what it took to make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from synapse_cli.core.completion import NO_USAGE, Usage
from synapse_cli.core.quota import Quota

_BYTES = 4
"""A float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """One vector a text, in the texts' order; packed, so that no caller needs numpy to carry them."""

    dimension: int
    """Numbers per vector."""
    packed: bytes
    """float32, little-endian, row after row: 4 · dimension · len(self) bytes."""
    usage: Usage = NO_USAGE
    cost: Decimal | None = Decimal(0)
    """Dollars; None where price or usage is unknown."""
    warnings: tuple[str, ...] = ()
    """One-line notices for the user, for example how many texts were cut."""
    quota: Quota = ()
    """What the provider said of its own limits."""

    def __len__(self) -> int:
        return len(self.packed) // (_BYTES * self.dimension) if self.dimension else 0

    def row(self, number: int) -> tuple[float, ...]:
        """One vector as plain numbers."""
        import struct

        size = _BYTES * self.dimension
        return struct.unpack(f"<{self.dimension}f", self.packed[number * size : (number + 1) * size])


def pack(rows: Sequence[Sequence[float]]) -> bytes:
    """Vectors in the packed form; for encoders that get plain numbers."""
    import struct

    return b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows)


NOTHING = Vectors(dimension=0, packed=b"")
"""What no texts are turned into."""
