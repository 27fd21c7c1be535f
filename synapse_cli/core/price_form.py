"""How is a price said in JSON, and read back as it was? Money is a text, so that no digit is lost."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal, InvalidOperation

from synapse_cli.core.completion import Price, PriceStep
from synapse_cli.core.prompt import Json

NAMES = ("input", "output", "cached", "written", "reasoning")
"""Of a price's numbers, in the order in which they are shown."""


def price_json(price: Price) -> dict[str, Json]:
    """Say a price; what it does not have is left out."""
    told = _numbers(price)
    if price.steps:
        told["steps"] = [{"above": step.above, **_numbers(step)} for step in price.steps]
    return told


def to_price(told: dict[str, Json]) -> Price:
    """Read a price back. Raises ValueError where it is none."""
    steps = told.get("steps") or []
    if not isinstance(steps, list) or {*told} - {*NAMES, "steps"}:
        raise ValueError("a price")
    return Price(**_read(told), steps=tuple(map(_step, steps)))


def _numbers(price: Price | PriceStep) -> dict[str, Json]:
    named = [field.name for field in fields(price) if field.name in NAMES]
    return {name: f"{value:f}" for name in named if (value := getattr(price, name)) is not None}


def _step(told: Json) -> PriceStep:
    if not isinstance(told, dict) or not isinstance(told.get("above"), int):
        raise ValueError("a price above a length")  # noqa: TRY004  # whoever reads a file has one error to expect
    return PriceStep(int(str(told["above"])), **_read(told))


def _read(told: dict[str, Json]) -> dict[str, Decimal]:
    """The numbers; input and output are always there."""
    read = {name: dollars(told[name]) for name in NAMES if told.get(name) is not None}
    if not {"input", "output"} <= read.keys():
        raise ValueError("prices of input and output")
    return read


def dollars(value: Json) -> Decimal:
    """Dollars per million tokens. Raises ValueError for what is no amount of money."""
    try:
        amount = Decimal(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or not 0 <= amount <= 1_000_000:
        raise ValueError("dollars per million tokens, from 0 to 1000000")
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()
