"""What can go wrong with one request, and how often: `all=0.3`, `429:2=0.1,hang=0.05`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from tests.servers.base import Reply

STORM = ("429", "500", "hang", "cut", "garbage", "empty")
"""What `all` stands for: its rate is divided among these."""
FAULTS = (*STORM, "429:SECONDS", "401", "502", "503", "reset", "refused", "head", "wrong", "huge", "drip")
"""`429:2` asks to come again in two seconds; `head` ends the connection inside the head, `refused` before it."""
OWN = frozenset({"silent", "head", "wrong", "huge", "close"})
"""Faults that the chaos provider adds to those of tests/servers."""
Rates = dict[str, float]


def parse(text: str) -> Rates:
    """Read rates as they are written on a command line. Raises SystemExit for what is none."""
    rates: Rates = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, rate = part.partition("=")
        if name == "all":
            rates |= dict.fromkeys(STORM, float(rate or 1) / len(STORM))
        elif name.partition(":")[0] in {fault.partition(":")[0] for fault in FAULTS}:
            rates[name] = float(rate or 1)
        else:
            raise SystemExit(f"no such fault: {name}; known: all, {', '.join(FAULTS)}")
    return rates


def draw(rates: Mapping[str, float], chance: random.Random) -> str:
    """Choose a fault, or "" where this request goes well."""
    at = chance.random()
    for name, rate in rates.items():
        at -= rate
        if at < 0:
            return name
    return ""


def spoil(whole: Reply, fault: str, chance: random.Random) -> Reply:
    """What the server does instead of answering well."""
    kind, _, value = fault.partition(":")
    if kind in {"429", "401", "500", "502", "503"}:
        return replace(whole, status=int(kind), retry_after=value)
    if kind == "cut":
        # Half of the cuts are seen by HTTP itself; the others look like a stream that simply ended.
        return replace(whole, cut_after=chance.randrange(0, 700), chunked=chance.random() < 0.5, keeps=False)
    if kind == "drip":
        return replace(whole, drip_s=0.02, keeps=False)
    named = {"hang": "silent", "refused": "close"}
    return replace(whole, fault=named.get(kind, kind), keeps=False)
