"""What one call of a bench took, as it is kept, compared and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation

from synapse_cli.core.prompt import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One item asked of one candidate. Unknown is None, never zero."""

    candidate: str
    item: str
    """The item's key."""
    repeat: int
    """From 0; -1 where it only warmed the candidate up."""
    cold: bool
    """Whether its candidate had not answered before, in this process."""
    started: float
    """Seconds since 1970."""
    total_s: float
    first_s: float | None = None
    """Until a user sees the first byte; an answer that is checked first is seen when it has passed."""
    prompt_s: float | None = None
    """Until the answering model's own first token."""
    write_s: float | None = None
    """From there to its last."""
    input: int | None = None
    output: int | None = None
    written: int | None = None
    """Output tokens of the call that gave the answer; `output` counts every call."""
    read: int | None = None
    """Its input tokens that no provider's cache had."""
    cached: int = 0
    """Input tokens that a provider, or the engine, had kept from before."""
    reasoning: int = 0
    estimated: bool = False
    cost: Decimal | None = None
    tier: str | None = None
    accepted: bool = False
    exit_code: int = 0
    error: str | None = None
    """Kind of the error where there was no answer."""
    message: str | None = None
    escalations: int = 0
    score: float | None = None
    judge_cost: Decimal | None = None
    """Dollars that a judge's score took; none of the candidate's."""
    memory: int | None = None
    """Bytes held at most by this process and its hosts while it was made."""
    answer: str | None = None
    run_id: str = ""

    @property
    def answered(self) -> bool:
        """Whether there was an answer, accepted or not."""
        return self.error is None

    @property
    def counts(self) -> bool:
        """Whether it is part of the measurement, and no warm-up."""
        return self.repeat >= 0

    def as_json(self) -> dict[str, Json]:
        """As a line of the journal and of a saved bench."""
        values: dict[str, Json] = asdict(self)
        for name in _MONEY:
            amount = getattr(self, name)
            values[name] = None if amount is None else f"{amount:f}"
        return values


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "Decimal": (str,),
}
_FIELDS = {field.name: str(field.type) for field in fields(Call)}
_MONEY = ("cost", "judge_cost")
_NEEDED = frozenset({"candidate", "item", "repeat", "cold", "started", "total_s"})


def from_json(values: Mapping[str, Json]) -> Call:
    """A call that was written down; keys of a later version are left aside. Raises ValueError."""
    known = {name: value for name, value in values.items() if name in _FIELDS}
    missing = _NEEDED - known.keys()
    if missing:
        raise ValueError(f"a call without {', '.join(sorted(missing))}")
    wrong = [name for name, value in known.items() if not _fits(value, _FIELDS[name])]
    if wrong:
        raise ValueError(f"a call whose {wrong[0]} is {known[wrong[0]]!r}")
    return Call(**{**known, **{name: _dollars(known.get(name)) for name in _MONEY}})  # type: ignore[arg-type]  # names and types are checked


def _fits(value: Json, declared: str) -> bool:
    """Whether a value is of the type that a field declares, as JSON writes it."""
    name, _, otherwise = declared.partition(" | ")
    if value is None:
        return otherwise == "None"
    return isinstance(value, _TYPES[name]) and isinstance(value, bool) == (name == "bool")


def _dollars(text: Json) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ValueError(f"a cost of {text!r}")
    return amount
