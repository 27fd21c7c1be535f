"""What does `watch` see, and when is each part of it looked at again?"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli.core.errors import SynapseError
from synapse_cli.ledger.looking import MOST_AT_ONCE, Feed, asking, state_of
from synapse_cli.report.watch import Concern, Spent, View

if TYPE_CHECKING:
    from synapse_cli.cascade.lanes import LaneStanding
    from synapse_cli.cascade.standing import Standing
    from synapse_cli.ledger.account_calls import Bound

_HOSTS_EVERY_S = 10.0
"""Each is asked what it does, which wakes it."""


class Sight:
    """Looks at the ledger, the account, the pace file and the hosts, each only as often as it pays."""

    def __init__(self, state: str, window_s: float, *, profile: str | None, tenant: str | None) -> None:
        from synapse_cli.ledger.account import FILE as ACCOUNT
        from synapse_cli.ledger.schema import FILE as LEDGER

        self._state = state
        self._ledger, self._account = os.path.join(state, LEDGER), os.path.join(state, ACCOUNT)
        self._window_s = window_s
        self._feed = Feed(self._ledger, since=time.time() - window_s, tenant=tenant)
        self._bounds = _bounds(profile, tenant)
        self._asking: dict[str, str] = {}
        self._hosts: tuple[str, ...] = ()
        self._hosts_at = 0.0
        self._seen: tuple[object, ...] = ()
        self._trouble: str | None = None

    def look(self, now: float) -> bool:
        """Look again where something has changed; whether it has."""
        seen = (state_of(self._account), *self._pace_states())
        changed, self._seen = seen != self._seen, seen
        if not self._feed.has_changed():
            return changed
        try:
            self._feed.look(now)
            running = [run_id for run_id, run in self._feed.runs.items() if run["status"] == "running"]
            self._asking = asking(self._ledger, running) if running else {}
            is_all = len(self._feed.runs) < MOST_AT_ONCE
            self._trouble = None if is_all else f"there were more runs; these are the newest {MOST_AT_ONCE}"
        except SynapseError as error:
            self._trouble = error.message
        return True

    def view(self, now: float) -> View:
        """What a frame shows."""
        self._feed.forget(now - self._window_s)
        return View(
            now=now,
            window_s=self._window_s,
            runs=[self._feed.runs[run_id] for run_id in sorted(self._feed.runs)],
            asking=self._asking,
            spent=_spent(self._account, self._bounds, now),
            concerns=self._concerns(now),
            hosts=self._hosts_now(),
            trouble=self._trouble,
        )

    def _pace_states(self) -> tuple[object, ...]:
        from synapse_cli.cascade.pace_file import FILE

        return (state_of(os.path.join(self._state, FILE)),)

    def _concerns(self, now: float) -> list[Concern]:
        """Providers that are not asked, or not at once."""
        from synapse_cli.cascade.lanes import lanes
        from synapse_cli.cascade.pace_file import PaceFile
        from synapse_cli.cascade.standing import standings

        pace = PaceFile(self._state, warn=lambda _: None)
        try:
            found = [_circuit(standing, now) for standing in standings(pace)]
            found += [_lane(lane) for lane in lanes(pace)]
        finally:
            pace.close()
        return [concern for concern in found if concern is not None]

    def _hosts_now(self) -> tuple[str, ...]:
        if time.monotonic() < self._hosts_at:
            return self._hosts
        from synapse_cli.backends.host.listing import running

        try:
            found = running(os.environ)
        except OSError:
            found = []
        self._hosts_at = time.monotonic() + _HOSTS_EVERY_S
        self._hosts = tuple(f"{host.kind} {host.state}" for host in found)
        return self._hosts


def _bounds(profile: str | None, tenant: str | None) -> list[Bound]:
    """Whose limits are shown: the profile's and its routes', or a tenant's; none where there is no profile to read."""
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.budgeting import all_bounds

    try:
        found = all_bounds(find_profile(profile, Witness()))
    except SynapseError:
        if profile is not None:
            raise
        return []
    return [bound for bound in found if tenant is None or (bound.scope.kind, bound.scope.name) == ("tenant", tenant)]


def _spent(account: str, bounds: Sequence[Bound], now: float) -> list[Spent]:
    """Every limit of a day or a month, and what the profile has spent today."""
    from synapse_cli.ledger.account import amount_text
    from synapse_cli.ledger.account_standing import standings

    try:
        found = standings(account, bounds, now)
    except SynapseError:
        return []
    return [
        Spent(
            scope="" if each.scope.kind == "profile" else str(each.scope),
            period=each.period,
            spent=amount_text(each.unit, each.gone),
            limit=None if each.limit is None else amount_text(each.unit, each.limit),
            share=None if each.per_cent is None else each.per_cent / 100,
        )
        for each in found
        if each.limit is not None or (each.scope.kind == "profile" and each.gone)
    ]


def _circuit(standing: Standing, now: float) -> Concern | None:
    state, circuit = standing.state(now), standing.circuit
    if state not in {"open", "half-open"}:
        return None
    left_s = 0.0 if circuit.next_at is None else max(0.0, circuit.next_at - now)
    when = f"tried again in {left_s:.0f} s" if state == "open" else "the next call tries it"
    told = f"{standing.place.model} {state}: {circuit.kind}, {circuit.failures} in a row · {when}"
    return Concern("circuit", f"{told} · {standing.place.provider}")


def _lane(lane: LaneStanding) -> Concern | None:
    told = [f"{lane.waiting} waiting for a turn"] if lane.waiting else []
    told += [f"asked to wait {lane.held_s:.0f} s"] if lane.held_s > 0 else []
    told += ["rejected, and set aside"] if lane.aside else []
    key = f"{lane.key} of " if lane.key else ""
    return Concern("key", f"{key}{lane.provider}: {', '.join(told)}") if told else None
