"""Was this decided before? A routing decision that took a model is kept, by all that it depends on.

One that rules or words alone can make is made anew each time: that takes less than looking it up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.outcome import Decision

if TYPE_CHECKING:
    from synapse_cli.flows.session import Session

_FORM = 1
"""Counted up when decisions come to mean something else: what is kept is then not found."""


def decided(
    session: Session, by: Sequence[str], decide: Callable[[], Decision], is_whole: Callable[[], bool] = lambda: True
) -> Decision:
    """The kept decision, else what `decide` says, which is then kept where it `is_whole`: nobody asked failed it.

    `by` names all that decides beside the profile and what was typed: the proof of a learned file, an encoder. A kept
    decision asks nobody, and costs nothing. As with answers, `--no-cache` neither reads nor keeps, and `--refresh`
    decides anew.
    """
    store = session.store
    if store is None:
        return decide()
    key = _key(session, by)
    kept = None if session.ask.cache == "refresh" else store.get_decision(key, max_age_s=session.ttl_s)
    if kept is not None:
        return kept
    made = decide()
    if is_whole():
        store.put_decision(key, made, session.ttl_s)
    return made


def _key(session: Session, by: Sequence[str]) -> str:
    ask = session.ask
    typed = [ask.prompt, ask.words, list(ask.files), list(ask.tags), ask.task, ask.route, ask.tenant]
    text = json.dumps([_FORM, session.profile.hash, typed, list(by)], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
