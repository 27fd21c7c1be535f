"""Keep what a command line was answered, and what a person has been told once."""

from __future__ import annotations

import os
import sys

from synapse_cli.core.outcome import Answered
from synapse_cli.core.run import Run
from synapse_cli.flows.session import Session


def remember(session: Session, finished: Run, printed: str, *, quiet: bool) -> None:
    """Keep the accepted answer of this command line as a memo, with everything on disk that decided it."""
    best, telemetry = finished.outcome.best, session.profile.telemetry
    if session.store is None or not finished.outcome.accepted or best is None:
        return
    if finished.decision.policy is not None and finished.decision.policy.explored:
        return  # tried once, to learn; it is not what the policy would answer
    route = session.profile.routes.get(finished.decision.route)
    if route is not None and not route.cache:
        return
    if session.telling.is_on and telemetry.headers:
        return  # a hit tells others too, and headers, which may be keys, are kept nowhere
    answered = [attempt.completion for attempt in finished.outcome.attempts if isinstance(attempt, Answered)]
    if any(completion.like is not None for completion in answered):
        return  # it answers another prompt: what it says of that would be lost, and its own time may be shorter
    kept = [completion.kept_at for completion in answered if completion.cached]
    if session.ttl_s is not None and None in kept:
        return  # when a call was made is not known, and a memo must not outlive it
    from synapse_cli.cache import memo
    from synapse_cli.ledger.story import memo_facts
    from synapse_cli.report.summary import memo_summary

    memo.keep(
        sys.argv[1:],
        memo.stdin_bytes,
        os.environ,
        os.getcwd(),
        answer=(printed if printed.endswith("\n") else printed + "\n").encode(errors="replace"),
        witness=session.witness,
        started=finished.started,
        made_at=min((at for at in kept if at is not None), default=None),
        ttl_s=session.ttl_s,
        summary="" if quiet else memo_summary(finished),
        ledger=None if session.book is None else session.book.path,
        facts=memo_facts(finished) | _told(session),
    )


def _told(session: Session) -> dict[str, str]:
    """What a hit must know to tell others of it."""
    if not session.telling.is_on:
        return {}
    from synapse_cli.telemetry.remembered import facts_of

    return facts_of(session.profile.telemetry)


def first_time(what: str) -> bool:
    """Whether this user is told for the first time; remembered in the state folder where that can be written."""
    from synapse_cli.core.places import folder

    try:
        state = folder("state", os.environ)
        os.makedirs(state, mode=0o700, exist_ok=True)
        os.close(os.open(os.path.join(state, f"told-{what}"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False
    return True
