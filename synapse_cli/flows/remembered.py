"""Was this decided before? A decision that took an encoder is kept, by all that it depends on.

One that rules or words alone can make is made anew each time: that takes less than looking it up. What nano, an analyst
or a judge said is kept as every call is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli import __version__
from synapse_cli.core.outcome import Decision
from synapse_cli.flows.wiring import has_file

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session

_FORM = 1
"""Counted up when decisions come to mean something else: what is kept is then not found."""


def recall(session: Session, by: Sequence[str]) -> Decision | None:
    """The decision that was kept for what was typed; None where there is none, or it shall not be used.

    `by` names all that decides beside the profile and what was typed: the proof of a learned file, an encoder. What is
    recalled asks nobody, and costs nothing. As with answers, `--no-cache` neither reads nor keeps, and `--refresh`
    decides anew.
    """
    if session.store is None or session.ask.cache == "refresh":
        return None
    return session.store.get_decision(_key(session, by), max_age_s=session.ttl_s)


def keep(session: Session, by: Sequence[str], decision: Decision) -> None:
    """Keep a decision that nobody who was asked failed."""
    if session.store is not None:
        session.store.put_decision(_key(session, by), decision, session.ttl_s)


class Known(Exception):
    """Raised in the middle of deciding, where the rest of it is known; `decision` is how it ended."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.why)
        self.decision = decision


class Remembering:
    """Looks a decision up just before an encoder would be asked for it: words alone look up nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._warned = len(session.warnings)
        self._by: tuple[str, ...] | None = None

    def look(self) -> None:
        """Raise Known where the decision was made before with this encoder."""
        from synapse_cli.flows.encoding import find_model
        from synapse_cli.learned.encoder import identity

        model = find_model(self._session.profile.routing.encoder, self._session.profile)
        try:
            by = ("route", __version__, identity(model))
        except OSError:
            return  # whoever asks the encoder says what is wrong with it
        if (known := recall(self._session, by)) is not None:
            raise Known(known)
        self._by = by

    def keep(self, decision: Decision) -> None:
        """Keep what was decided after a look, unless something failed, or a judge's file could change beneath it."""
        judge = self._session.profile.models.get(self._session.profile.routing.judge or "")
        may_change = decision.source == "judge" and (judge is None or has_file(judge))
        if self._by is not None and len(self._session.warnings) == self._warned and not may_change:
            keep(self._session, self._by, decision)


def _key(session: Session, by: Sequence[str]) -> str:
    ask = session.ask
    typed = [ask.prompt, ask.words, list(ask.files), list(ask.tags), ask.task, ask.route, ask.tenant]
    text = json.dumps([_FORM, session.profile.hash, typed, list(by)], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
