"""`synapse watch`: what goes on now, live at a terminal, a line a run in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.looking import ended_line, is_read_no_more, ledger_path, seconds_of, state_folder
from synapse_cli.cli.scope import Tenant

if TYPE_CHECKING:
    from synapse_cli.ledger.looking import Feed

_LOOKS_PER_S = 4
"""One that finds nothing new is two `stat`s."""
_WINDOW = "10m"
_KEPT_S = 3600.0
"""How long a run that has ended is remembered, so that it is not told twice."""


def watch(
    *,
    since: Annotated[
        str | None, typer.Option("--since", metavar="10m", help="How far back to look; in a pipe from now on.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print what there is, and end.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object for each run that ends.")] = False,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Whose budgets.")] = None,
    tenant: Tenant = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> int:
    """Watch runs as they go: pace, money, answers of the cache, circuits, hosts.

    At a terminal a screen that q or Ctrl-C leaves. In a pipe one line for each run that ends from now on.

    Examples:

      synapse watch

      synapse watch --once --since 1h

      synapse watch --jsonl | jq -c 'select(.status != "accepted")'
    """
    from synapse_cli.ledger.looking import Feed

    window_s = seconds_of(since or _WINDOW, "--since")
    if jsonl or not (once or sys.stdout.isatty()):
        begins = time.time() - (window_s if since or once else 0.0)
        _follow(Feed(ledger_path(), since=begins, tenant=tenant), as_json=jsonl, once=once)
        return 0
    from synapse_cli.cli.watch_screen import Screen, print_once
    from synapse_cli.cli.watch_sight import Sight

    sight = Sight(state_folder(), window_s, profile=profile, tenant=tenant)
    if once:
        print_once(sight, no_color=no_color)
        return 0
    return Screen(sight, no_color=no_color).show()


def _follow(feed: Feed, *, as_json: bool, once: bool) -> None:
    """Print each run that has ended; unless it is for once until the reader goes away, or Ctrl-C."""
    from synapse_cli.cli.output import write
    from synapse_cli.core.errors import ClosedPipe

    while True:
        if feed.has_changed():
            now = time.time()
            write("".join(ended_line(run, as_json=as_json) for run in feed.look(now)))
            feed.forget(now - _KEPT_S)
        if once:
            return
        if is_read_no_more(1 / _LOOKS_PER_S):
            raise ClosedPipe("", "")
