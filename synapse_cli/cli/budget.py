"""`synapse budget`: what may still be spent today and this month, by whom; and more of it, for once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from synapse_cli.cli.listing import print_rows, print_table
from synapse_cli.core.errors import InputError, NotAllowed, UsageError
from synapse_cli.flows.tenancy import VARIABLE

if TYPE_CHECKING:
    import sqlite3

    from synapse_cli.cli.budget_words import Amount
    from synapse_cli.ledger.account import Account
    from synapse_cli.ledger.account_calls import Bound
    from synapse_cli.ledger.account_periods import Period

T = TypeVar("T")

HELP = """Show what may still be spent, and raise or reset it.

Limits stand in the profile: in [budget], and in the budget of a route or a tenant. Days and months are those of
your own calendar. What a call may cost at most is reserved before it and corrected after it; a call of which nobody
knows how it ended stays at that, in doubt. All processes count together, and the runs that a run starts with it.
"""
app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")]


@app.callback()
def budget() -> None:
    """Show what may still be spent, and raise or reset it."""


@app.command()
def show(
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", envvar=VARIABLE, show_envvar=False, metavar="NAME", help="Only this tenant's."),
    ] = None,
    route: Annotated[str | None, typer.Option("--route", "-r", metavar="NAME", help="Only this route's.")] = None,
    profile: _Profile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """Show each budget of a day and a month, and what is left of it.

    Spent is what calls did cost, reserved what those under way may; in doubt is what was killed meanwhile.

    What was warned of today is said on stderr.

    Examples:

      synapse budget show

      synapse budget show --json | jq '.[] | select(.per_cent > 80)'
    """
    from synapse_cli.ledger.account_periods import key
    from synapse_cli.ledger.account_standing import notices, standings
    from synapse_cli.report.budget import HEADER, as_json, row
    from synapse_cli.report.problem import warn

    now = time.time()
    known = _wanted(_bounds(profile), tenant=tenant, route=route)
    path = _account().path
    every = standings(path, known, now)
    found = [each for each in every if each.limit is not None or each.gone] or every[:1]
    if not print_rows([as_json(standing, now) for standing in found], json=json, jsonl=jsonl):
        otherwise = "nothing is spent, and no limit of a day or month is set"
        print_table(HEADER, [row(standing) for standing in found], otherwise)
    for message in notices(path, _midnight(key("day", now))):
        warn(message)


@app.command("raise")
def raise_limit(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCOPE] PERIOD AMOUNT", help="route:NAME or tenant:NAME; day or month; 5USD, +50calls."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE|WHILE", help="Last day of it, or a while; else the period.")
    ] = None,
    profile: _Profile = None,
) -> None:
    """Raise a limit for this day or month only; the profile stays as it is.

    The amount is the new limit; with a plus it comes on top of the old one.

    Examples:

      synapse budget raise day 5USD

      synapse budget raise route:chat month +20000tokens

      synapse budget raise tenant:acme day +50calls --until 2027-01-31
    """
    from synapse_cli.cli import budget_words as typed
    from synapse_cli.ledger import account_changes
    from synapse_cli.ledger.account import amount_text, bounded
    from synapse_cli.ledger.account_calls import raised_limit, raises

    before, wanted, rest = typed.periods_in(words or [], "synapse budget raise day 5USD")
    amount = typed.amount(rest)
    if len(wanted) != 1:
        raise UsageError("one period at a time is raised", "day or month")
    (period,), now = wanted, time.time()
    ends = typed.until(until, period, now)
    for bound in typed.chosen(before, _bounds(profile)):
        _check_amount(bound, period, amount, "".join(rest))

        def change(book: sqlite3.Connection, bound: Bound = bound) -> tuple[int, int]:
            old = raised_limit(bound, period, amount.unit, raises(book, now)) or 0
            new = bounded(old + amount.size) if amount.is_more else amount.size
            if new != old:
                account_changes.raise_limit(book, bound.scope, period, amount.unit, new, made=now, until=ends)
            return old, new

        old, new = _changed(change)
        was, is_now = amount_text(amount.unit, old), amount_text(amount.unit, new)
        if new == old:
            raise UsageError(f"{bound.scope} may spend {was} a {period} already", "on top of it: +AMOUNT")
        last = time.strftime("%Y-%m-%d %H:%M", time.localtime(ends))
        typer.echo(f"{bound.scope}: {was} -> {is_now} a {period}, until {last}")


@app.command()
def reset(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SCOPE] PERIOD", help="route:NAME, tenant:NAME or all; day, month or both."),
    ] = None,
    in_doubt: Annotated[
        bool, typer.Option("--in-doubt", help="Only take the calls in doubt for calls that cost nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: _Profile = None,
) -> None:
    """Begin a day or a month anew, as if nothing had been spent in it.

    Calls that are under way stay reserved.

    Where the account itself cannot be read, it is moved aside and a new one begins.

    Examples:

      synapse budget reset day

      synapse budget reset route:chat both --yes

      synapse budget reset --in-doubt
    """
    from synapse_cli.cli import budget_words as typed
    from synapse_cli.ledger import account_changes

    known = _bounds(profile)
    if _set_aside(yes=yes):
        return
    if in_doubt:
        scopes = [bound.scope for bound in (typed.chosen(words, known) if words else known)]
        _confirm("Take calls in doubt for calls that cost nothing?", yes=yes)
        count = _changed(lambda book: account_changes.forgive_doubt(book, scopes))
        typer.echo(f"{count} {'call' if count == 1 else 'calls'} in doubt settled")
        return
    before, wanted, rest = typed.periods_in(words or [], "synapse budget reset day")
    if rest:
        raise UsageError(f"too many words: {' '.join(rest)!r}", "synapse budget reset [SCOPE] PERIOD")
    scopes = [bound.scope for bound in typed.chosen(before, known)]
    what = ", ".join(map(str, scopes))
    _confirm(f"Forget what {what} spent {' and '.join(typed.WHEN[period] for period in wanted)}?", yes=yes)
    _changed(lambda book: account_changes.begin_anew(book, scopes, wanted, time.time()))
    typer.echo(f"{what}: the {' and the '.join(wanted)} {'begins' if len(wanted) == 1 else 'begin'} anew")


def _check_amount(bound: Bound, period: Period, amount: Amount, word: str) -> None:
    """Raise UsageError where there is no such limit, or where the profile itself allows more."""
    from synapse_cli.cli import budget_words as typed
    from synapse_cli.ledger.account import amount_text
    from synapse_cli.ledger.account_calls import raised_limit

    planned, key = raised_limit(bound, period, amount.unit, {}), typed.key_of(period, amount.unit)
    if planned is None:
        raise UsageError(
            f"{bound.scope} has no limit of {typed.words_of(amount.unit)} a {period}",
            f"set {key} in its budget table; limits: synapse budget show",
        )
    if not amount.is_more and amount.size < planned:
        raise UsageError(
            f"the profile lets {bound.scope} spend {amount_text(amount.unit, planned)} a {period}",
            f"on top of it: +{word}; less: {key} in the profile",
        )


def _bounds(profile: str | None) -> list[Bound]:
    """Every scope of the profile: its own, each route's and each tenant's."""
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.budgeting import all_bounds

    return all_bounds(find_profile(profile, Witness()))


def _wanted(known: list[Bound], *, tenant: str | None, route: str | None) -> list[Bound]:
    from synapse_cli.cli import budget_words as typed

    asked = [["route", route]] * (route is not None) + [["tenant", tenant]] * (tenant is not None)
    return [bound for words in asked for bound in typed.chosen([w or "" for w in words], known)] if asked else known


def _account() -> Account:
    from synapse_cli.ledger.account import Account
    from synapse_cli.profile.paths import state_dir

    return Account(state_dir())


def _changed(change: Callable[[sqlite3.Connection], T]) -> T:
    """Change the account in one transaction. Raises InputError where it cannot be written."""
    from synapse_cli.ledger.account import UNUSABLE, why

    account = _account()
    try:
        with account.transaction() as book:
            return change(book)
    except UNUSABLE as error:
        raise InputError(
            why(error, account.path), "see synapse doctor; a damaged one is replaced by: synapse budget reset day"
        ) from error
    finally:
        account.close()


def _set_aside(*, yes: bool) -> bool:
    """Begin a new account where the old one is damaged; return whether it was."""
    import os
    import sqlite3

    from synapse_cli.core.database import is_damage
    from synapse_cli.ledger.account import UNUSABLE
    from synapse_cli.ledger.account_changes import set_aside

    account = _account()
    if not os.path.exists(account.path):
        return False
    try:
        with account.transaction() as book:
            book.execute("PRAGMA quick_check").fetchall()
        return False
    except UNUSABLE as error:
        if not (isinstance(error, sqlite3.Error) and is_damage(error)):
            return False  # the change itself will say why it cannot be written
    finally:
        account.close()
    _confirm(f"The account {account.path} cannot be read. Begin a new one, in which nothing is spent?", yes=yes)
    try:
        aside = set_aside(account.path)
    except OSError as error:
        raise InputError(f"cannot move {account.path}: {error.strerror}", "move it away by hand") from error
    typer.echo(f"a new account begins; the unreadable one is {aside}")
    return True


def _confirm(question: str, *, yes: bool) -> None:
    """Ask at a terminal. Raises UsageError where nobody can be asked, NotAllowed where the answer is no."""
    if yes:
        return
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", "say --yes")
    if not typer.confirm(question, err=True):
        raise NotAllowed("nothing was changed", "")


def _midnight(day: str) -> float:
    return time.mktime(time.strptime(day[1:], "%Y-%m-%d"))
