"""How may a prompt be answered? Tiers from cheap to dear, and what an answer must pass to end the climb."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One way that a policy may choose: a single model, or a cascade with its accept rules."""

    tiers: tuple[str, ...]
    """Model names, cheap to dear."""
    accept: tuple[str, ...] = ()
    """Accept rules as a profile writes them, each a canonical JSON text `{"kind": …}`."""

    @property
    def name(self) -> str:
        """What people call it: "mini", or "nano > mini"."""
        return " > ".join(self.tiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMark:
    """Which policy decided, and whether what it promises was proved: part of the decision and of the record."""

    sha256: str
    way: str
    certified: bool
    promise: str
    """One line: "loses at most 1 point against mini, 95 % confidence"."""
    explored: bool = False
    """Whether another way than the best was tried, to learn."""
