"""What does `watch` see, and what of it is looked at again?"""

from __future__ import annotations

import os
import time

from synapse_cli.core.errors import SynapseError
from synapse_cli.ledger.looking import Feed
from synapse_cli.report.watch import View

_HOSTS_EVERY_S = 10.0
"""Each is asked what it does, which wakes it."""


class Sight:
    """Looks at the ledger, the pace file and the hosts, each only as often as it pays."""

    def __init__(self, ledger: str, window_s: float, *, tenant: str | None) -> None:
        self._ledger = ledger
        self._window_s = window_s
        self._feed = Feed(ledger, since=time.time() - window_s, tenant=tenant)
        self._hosts: tuple[str, ...] = ()
        self._hosts_at = 0.0
        self._trouble: str | None = None

    def look(self, now: float) -> bool:
        """Look again where something has changed; whether it has."""
        if not self._feed.has_changed():
            return False
        try:
            self._feed.look(now)
            self._trouble = None
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
            asking={},
            hosts=self._hosts_now(),
            trouble=self._trouble,
        )

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
