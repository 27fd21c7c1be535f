"""Hold somebody else's backends and checks to their ports: whatever they raise is one error of ours.

What a plugin said counts for the edition of it that said it, and `files` change when another is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

from synapse_cli.core.completion import Completion, Count, Facts
from synapse_cli.core.control import Control
from synapse_cli.core.errors import BackendError, ClosedPipe, Interrupted, SynapseError
from synapse_cli.core.ports import Aid, Backend, Check, Emit, Foreseen
from synapse_cli.core.prompt import Message, Request
from synapse_cli.core.registry import edition, said
from synapse_cli.core.verdict import Verdict

T = TypeVar("T")


class ForeignBackend:
    """A plugin's backend, built by `make`. Everything it raises that is not ours becomes a BackendError."""

    def __init__(self, name: str, make: Callable[[], Backend]) -> None:
        self.name = name
        self.edition, self.files = edition("backends", name)
        self._inner = self._ours(make)

    def complete(self, request: Request, control: Control, emit: Emit | None = None) -> Completion:
        """Answer, as the plugin does."""
        return self._ours(lambda: self._inner.complete(request, control, emit))

    def facts(self) -> Facts:
        """What the plugin knows of its model."""
        return self._ours(self._inner.facts)

    def count(self, messages: Sequence[Message]) -> Count:
        """Tokens, as the plugin counts them."""
        return self._ours(lambda: self._inner.count(messages))

    def _ours(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except SynapseError:
            raise
        except Exception as error:  # a stranger's code may raise anything, and is one tier among others
            raise BackendError(
                f"the plugin {self.name!r} failed: {said(error)}", "repair it, or ask another model"
            ) from error


@dataclass(frozen=True, slots=True)
class ForeignCheck:
    """A plugin's check. Where it fails instead of judging, the answer does not pass, and the verdict says why."""

    inner: Check
    edition: str
    files: tuple[str, ...] = field(repr=False)

    @property
    def kind(self) -> str:
        """The name in the profile."""
        return self.inner.kind

    @property
    def binds(self) -> Literal["validity", "doubt"]:
        """What the plugin says it is."""
        return self.inner.binds

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Judge, as the plugin does."""
        return self._ours(lambda: self.inner.judge(request, completion, control))

    def _ours(self, judge: Callable[[], Verdict]) -> Verdict:
        try:
            return judge()
        except SynapseError:
            raise
        except Exception as error:  # noqa: BLE001  # as above
            reason = f"the plugin failed: {said(error)}"
            return Verdict(self.inner.kind, passed=False, reason=reason, evaluated=False)


@dataclass(frozen=True, slots=True)
class ForeignAided(ForeignCheck):
    """A plugin's check that asks models of the profile."""

    @property
    def models(self) -> tuple[str, ...]:
        """Whom it asks by name."""
        return tuple(getattr(self.inner, "models", ()))

    @property
    def revises(self) -> bool:
        """Whether it writes another answer."""
        return bool(getattr(self.inner, "revises", False))

    def foresees(self, tier: str) -> tuple[Foreseen, ...]:
        """What the plugin foresees; where it does not say, one call of each model that it names, or of the tier."""
        told = getattr(self.inner, "foresees", None)
        if told is None:
            return tuple(Foreseen(name, "judge", 1, None) for name in self.models or (tier,))
        return tuple(Foreseen(*each) for each in told(tier))

    def judge_with(self, request: Request, completion: Completion, control: Control, aid: Aid) -> Verdict:
        """Judge with help, as the plugin does; that a model cannot be asked passes nothing."""
        judge: Callable[..., Verdict] = self.inner.judge_with  # type: ignore[attr-defined]  # `foreign_check` saw it
        try:
            return self._ours(lambda: judge(request, completion, control, aid))
        except (Interrupted, ClosedPipe):
            raise
        except SynapseError as error:
            return Verdict(self.inner.kind, passed=False, reason=f"not asked: {error.message}", evaluated=False)


def foreign_check(name: str, check: Check) -> Check:
    """A plugin's check in our keeping: one in everything but how it is built."""
    found, files = edition("checks", name)
    kind = ForeignAided if hasattr(check, "judge_with") else ForeignCheck
    return cast("Check", kind(check, found, (*files, *getattr(check, "files", ()))))
