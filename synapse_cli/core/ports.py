"""What Synapse asks of the things that can be plugged in. Each port has a suite in `tests/conformance/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, NamedTuple, Protocol

from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.vectors import Vectors
from synapse_cli.core.verdict import Verdict

Emit = Callable[[str], None]
"""Takes each piece of the answer as it arrives. Exceptions it raises (a closed pipe) end the call."""


class Backend(Protocol):
    """A model that can be asked. Built as `Class(model)` with the profile's `Model`; construction is cheap.

    `complete` is safe to call from several threads. It returns a whole answer or raises a `SynapseError`;
    with `emit` the pieces it handed out, joined, are the completion's text.
    """

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer the request, or raise a SynapseError."""
        ...

    def facts(self) -> Facts:
        """What is known of the model without calling it; never loads it."""
        ...

    def count(self, messages: Sequence[Message]) -> Count:
        """Tokens of these messages as the model would read them; may load a tokenizer."""
        ...


class Encoder(Protocol):
    """A model that turns texts into vectors. Built as `Class(model)` like a Backend; construction is cheap."""

    def encode(self, texts: Sequence[str], control: Control) -> Vectors:
        """One vector of length 1 for each text, in order (any length where the model's `normalize` is off).

        Safe to call from several threads. Raises a SynapseError; every text is encoded or none.
        """
        ...

    def facts(self) -> Facts:
        """What is known of the model without calling it; never loads it."""
        ...


class Aid(Protocol):
    """What a check is handed that needs more than the answer; each call counts in the run's budget, cost, record."""

    @property
    def tier(self) -> str:
        """Who answered: for agreement among samples of one model, and never told to a judge."""
        ...

    def ask(self, model: str, request: Request, *, kind: Literal["judge", "sample"] = "judge") -> Completion:
        """Ask a model of the profile, through cache, budget, limits. Raises SynapseError where it may not or cannot."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, from the profile's encoder. Raises SynapseError where there is none."""
        ...


class Foreseen(NamedTuple):
    """Calls that a check may make of one answer, most of all."""

    model: str
    kind: Literal["judge", "sample"]
    calls: int
    writes: int | None
    """Tokens that each may write; None is as many as an answer."""


class Check(Protocol):
    """A rule that an answer must pass. Built by `parse` from its own option table.

    A check may also have `files` (paths whose content decides its verdict: the memo watches them),
    `ready(request)`, which raises UsageError where the request lacks what the rule needs (labels, a schema),
    `models` (names of the profile's models that it asks), and `judge_with(request, completion, control, aid)`,
    which is then called in place of `judge`. With `foresees(tier)` it says which calls that may take (Foreseen), and
    with `revises` that the canonical text of its verdict is another answer, which all other checks are to judge.
    Checks are frozen, and their `repr` says all they hold: verdicts are kept by it.
    """

    kind: ClassVar[str]
    binds: ClassVar[Literal["validity", "doubt"]]
    """Validity binds every tier; doubt binds only tiers that have a dearer one above them."""

    @classmethod
    def parse(cls, options: Options) -> Check:
        """Read the options; every problem is reported to `options`, which the caller asks afterwards."""
        ...

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Judge one answer to one request. Never raises for a bad answer."""
        ...
