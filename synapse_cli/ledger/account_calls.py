"""May this call be made? Asked of every budget of a day and a month in one transaction, and settled in another."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from synapse_cli.core import processes
from synapse_cli.core.budget import NOTHING, Amounts, Budget
from synapse_cli.core.errors import BudgetSpent
from synapse_cli.core.grants import Bid, Grant, Room, grant
from synapse_cli.ledger import account_periods as periods
from synapse_cli.ledger.account import UNITS, UNUSABLE, Account, Scope, Unit, coded, decoded, uncounted, why
from synapse_cli.ledger.account_periods import PERIODS, Period
from synapse_cli.profile.model import BudgetSettings

if TYPE_CHECKING:
    from synapse_cli.ledger.account_watch import Watch

_SUMS = "coalesce(sum(dollars), 0), coalesce(sum(tokens), 0), coalesce(sum(seconds), 0), coalesce(sum(steps), 0)"
_UNCOUNTED = "what this run spends is not counted"
_WHOSE: dict[Period, str] = {"day": "today's", "month": "this month's"}


@dataclass(frozen=True, slots=True)
class Bound:
    """A scope that a run is entered under, and its own table of limits."""

    scope: Scope
    settings: BudgetSettings

    @property
    def is_limited(self) -> bool:
        """Whether it has a limit of a day or a month."""
        return bool(kept_limits(self.settings))

    def limit(self, period: Period, unit: Unit) -> Decimal | int | float | None:
        """One limit; None where there is none."""
        found: Decimal | int | float | None = getattr(self.settings, _LIMITS[period, unit])
        return found


_LIMITS: dict[tuple[Period, Unit], str] = {
    (period, unit): f"per_{period}" if unit == "dollars" else f"{unit}_per_{period}"
    for period in PERIODS
    for unit in UNITS
}


class _Ticket(NamedTuple):
    """Where a call was entered, and as which reservation; None where nothing was reserved."""

    entries: tuple[tuple[str, str], ...]
    reservation: int | None


class Drawn:
    """The purse of one run: the budgets of its profile, route and tenant, and of the run that started it.

    `bounds` grows until the first call. Hosted calls are always entered, so that a limit which is set at noon knows
    of the morning; local ones only where a limit counts what they take. Where the account cannot be written, a limit
    of a day or month cannot be held, and paid calls are refused; without one the failure is warned of, once.
    """

    def __init__(
        self,
        account: Account,
        run_id: str,
        *,
        warn: Callable[[str], None],
        now: Callable[[], float] = time.time,
        watch: Watch | None = None,
        parent: str | None = None,
    ) -> None:
        self.bounds: list[Bound] = []
        self._account = account
        self._run_id = run_id
        self._warn = warn
        self._now = now
        self._watch = watch
        self._family = parent
        self._is_off = False

    def needs_estimate(self, *, is_local: bool) -> bool:
        """Whether a limit counts tokens, or money where it is paid."""
        return self._family is not None or any(self._limits(("tokens",) if is_local else ("dollars", "tokens")))

    def share(self, budget: Budget, gone: Amounts, deadline: float | None) -> bool:
        """Let the programs that this run starts draw from its own budget; whether they can."""
        from synapse_cli.ledger import account_family

        try:
            with self._account.transaction() as book:
                account_family.enter(book, self._run_id, self._family, budget, deadline=deadline, now=self._now())
                _add(book, _family_key(self._run_id), "", coded(gone), coded(NOTHING))
        except UNUSABLE as error:
            self._warn(uncounted(error, self._account.path, "what this run starts has budgets of its own"))
            return False
        self._family = self._run_id
        return True

    def reserve(self, bid: Bid, rooms: Sequence[Room]) -> Grant:
        """Grant what all budgets afford together. Raises BudgetSpent."""
        if not self._counts(bid):
            return grant(bid, rooms)
        try:
            with self._account.transaction() as book:
                return self._reserved(book, bid, rooms)
        except UNUSABLE as error:
            if not bid.is_local:
                raise BudgetSpent(
                    f"{why(error, self._account.path)}: a budget of a day or month cannot be held, "
                    "and a paid call is not made without it",
                    "repair the file or its folder; a damaged one is replaced by: synapse budget reset day",
                ) from error
            self._warn(uncounted(error, self._account.path, _UNCOUNTED))
            return grant(bid, rooms)

    def settle(self, bid: Bid, grant: Grant, spent: Amounts, *, is_known: bool = True) -> None:
        """Replace a promise by what was spent, and enter what had no promise. Never raises."""
        ticket = grant.ticket
        if not isinstance(ticket, _Ticket):
            if bid.is_local or self._is_off or spent == NOTHING:
                return
            ticket = None
        try:
            with self._account.transaction() as book:
                self._enter(book, bid, grant, spent, ticket, is_known=is_known)
            if self._watch is not None:
                self._watch.told(self._now())
        except UNUSABLE as error:
            self._is_off = True
            self._warn(uncounted(error, self._account.path, _UNCOUNTED))

    def doubt(self, bid: Bid, grant: Grant) -> None:
        """Leave the promise as it is, and mark it: nobody knows how the call ended. Never raises."""
        ticket = grant.ticket
        if not isinstance(ticket, _Ticket):
            self.settle(bid, grant, Amounts(steps=1), is_known=False)
            return
        try:
            with self._account.transaction() as book:
                give_up(book, [ticket.reservation])
        except UNUSABLE:
            return  # its process ends some time, and then it is in doubt by itself

    def close(self) -> None:
        """Let go of the file."""
        self._account.close()

    def _counts(self, bid: Bid) -> bool:
        """Whether some limit counts what this call takes."""
        if bid.is_local:
            return self._family is not None or any(self._limits(("tokens", "seconds", "steps")))
        return self._family is not None or any(bound.is_limited for bound in self.bounds)

    def _limits(self, units: tuple[Unit, ...]) -> Iterable[bool]:
        limits = (kept for bound in self.bounds for kept in kept_limits(bound.settings).values())
        return (unit in kept for kept in limits for unit in units)

    def _reserved(self, book: sqlite3.Connection, bid: Bid, rooms: Sequence[Room]) -> Grant:
        from synapse_cli.ledger import account_family

        now = self._now()
        family = account_family.members(book, self._family, own=self._run_id, now=now)
        shared = [
            (name, Room(budget, replace(spent_of(book, _family_key(name), ""), seconds=0))) for name, budget in family
        ]
        own = rooms_of(book, self.bounds, now)
        granted = grant(bid, (*rooms, *(room for _, room in shared), *own))
        entries = (*self._entries(now), *((_family_key(name), "") for name, _ in shared))
        held = coded(granted.amounts)
        for scope, period in entries:
            _add(book, scope, period, held, held)
        reservation = book.execute(
            "INSERT INTO reservations (run, holder, at, model, dollars, tokens, seconds, steps)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._run_id, processes.holder(), now, bid.model, *held.values()),
        ).lastrowid
        book.executemany("INSERT INTO entered VALUES (?, ?, ?)", [(reservation, *entry) for entry in entries])
        return Grant(
            granted.output, granted.amounts, granted.lowered_by, granted.is_timed, _Ticket(entries, reservation)
        )

    def _enter(
        self,
        book: sqlite3.Connection,
        bid: Bid,
        grant: Grant,
        spent: Amounts,
        ticket: _Ticket | None,
        *,
        is_known: bool,
    ) -> None:
        now, promised, held = self._now(), coded(NOTHING), coded(NOTHING)
        entries = self._entries(now)
        if ticket is not None:
            promised = coded(grant.amounts)
            entries, is_held = _where(book, ticket.reservation)
            held = promised if is_held else held
            drop(book, [ticket.reservation])
        taken = coded(spent)
        change = {unit: taken[unit] - promised[unit] for unit in UNITS}
        back = {unit: -held[unit] for unit in UNITS}
        unknown = 0 if is_known or taken["dollars"] else 1
        for scope, period in entries:
            _add(book, scope, period, change, back, unknown=unknown)
        if self._watch is not None and spent.steps:
            self._watch.entered(book, self.bounds, bid, spent, now)

    def _entries(self, now: float) -> tuple[tuple[str, str], ...]:
        return tuple((bound.scope.key, period) for bound in self.bounds for period in periods.keys(now))


def _where(book: sqlite3.Connection, reservation: int | None) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Where a promise is entered, and whether it is held still: somebody may have taken its process for dead."""
    rows = book.execute("SELECT scope, period FROM entered WHERE reservation = ?", (reservation,)).fetchall()
    row = book.execute("SELECT in_doubt FROM reservations WHERE id = ?", (reservation,)).fetchone()
    return tuple((scope, period) for scope, period in rows), row is not None and not row[0]


def rooms_of(book: sqlite3.Connection, bounds: Sequence[Bound], now: float) -> list[Room]:
    """Every budget of a day and a month that these scopes have, raises included, and what is gone of it."""
    limited = [bound for bound in bounds if bound.is_limited]
    raised = raises(book, now) if limited else {}
    rooms = []
    for bound in limited:
        for period in kept_limits(bound.settings):
            limits = {unit: raised_limit(bound, period, unit, raised) for unit in UNITS}
            key = periods.key(period, now)
            rooms.append(Room(_budget(bound, period, limits), spent_of(book, bound.scope.key, key)))
    return rooms


def raises(book: sqlite3.Connection, now: float) -> dict[tuple[str, str, str], int]:
    """What limits are raised to for the time being, by scope, period and unit."""
    rows = book.execute("SELECT scope, period, unit, amount FROM raises WHERE until > ? AND made <= ?", (now, now))
    return {(scope, period, unit): amount for scope, period, unit, amount in rows}


def raised_limit(bound: Bound, period: Period, unit: Unit, raised: dict[tuple[str, str, str], int]) -> int | None:
    """A limit as the file keeps amounts, raised where the user raised it; None where there is none."""
    kept = kept_limits(bound.settings).get(period, {}).get(unit)
    return None if kept is None else max(kept, raised.get((bound.scope.key, period, unit), kept))


@lru_cache(maxsize=64)
def kept_limits(settings: BudgetSettings) -> dict[Period, dict[Unit, int]]:
    """The limits of a day and a month that there are, as the file keeps amounts."""
    found: dict[Period, dict[Unit, int]] = {}
    for (period, unit), name in _LIMITS.items():
        limit = getattr(settings, name)
        if limit is not None:
            found.setdefault(period, {})[unit] = coded(Amounts(**{unit: limit}))[unit]
    return found


def spent_of(book: sqlite3.Connection, scope: str, period: str) -> Amounts:
    """What is spent or promised in a period; what stands under a later date counts too."""
    if not period:
        row = book.execute("SELECT dollars, tokens, seconds, steps FROM sums WHERE scope = ?", (scope,)).fetchone()
        return NOTHING if row is None else decoded(*row)
    row = book.execute(
        f"SELECT {_SUMS} FROM sums WHERE scope = ? AND period >= ? AND period < ?",  # noqa: S608  # our own words
        (scope, period, periods.after(period)),
    ).fetchone()
    return decoded(*row)


def give_up(book: sqlite3.Connection, reservations: Sequence[int | None]) -> None:
    """Mark promises of which nobody knows what became: they stay spent, and are no longer held."""
    for number in reservations:
        for scope, period, *held in book.execute(
            "SELECT e.scope, e.period, r.dollars, r.tokens, r.seconds, r.steps FROM entered e"
            " JOIN reservations r ON r.id = e.reservation WHERE r.id = ? AND r.in_doubt = 0",
            (number,),
        ).fetchall():
            _add(book, scope, period, coded(NOTHING), dict(zip(UNITS, (-each for each in held), strict=True)))
        book.execute("UPDATE reservations SET in_doubt = 1 WHERE id = ?", (number,))


def sweep(book: sqlite3.Connection) -> None:
    """Mark the promises whose process has ended."""
    rows = book.execute("SELECT id, holder FROM reservations WHERE in_doubt = 0").fetchall()
    give_up(book, [number for number, holder in rows if processes.is_gone(holder)])


def drop(book: sqlite3.Connection, reservations: Sequence[int | None]) -> None:
    """Forget promises; what was entered for them is the caller's to correct."""
    book.executemany("DELETE FROM reservations WHERE id = ?", [(number,) for number in reservations])
    book.executemany("DELETE FROM entered WHERE reservation = ?", [(number,) for number in reservations])


def _budget(bound: Bound, period: Period, limits: dict[Unit, int | None]) -> Budget:
    dollars, tokens, seconds, steps = (limits[unit] for unit in UNITS)
    amounts = decoded(dollars or 0, tokens or 0, seconds or 0, steps or 0)
    return Budget(
        dollars=None if dollars is None else amounts.dollars,
        tokens=tokens,
        seconds=None if seconds is None else amounts.seconds,
        steps=steps,
        min_output=bound.settings.min_output,
        whose=f"{_WHOSE[period]} budget of {bound.scope}",
        hint=f"synapse budget show; for this once: synapse budget raise {_words(bound.scope)}{period} AMOUNT",
    )


def _words(scope: Scope) -> str:
    """How a scope is typed; the profile's own needs no word."""
    return "" if scope.kind == "profile" else f"{scope.kind}:{scope.name} "


def _family_key(run_id: str) -> str:
    return Scope("run", run_id).key


def _add(
    book: sqlite3.Connection,
    scope: str,
    period: str,
    change: dict[Unit, int],
    held: dict[Unit, int],
    *,
    unknown: int = 0,
) -> None:
    """Change a sum, and what of it is only promised."""
    book.execute(
        "INSERT INTO sums VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET"
        " dollars = dollars + ?3, tokens = tokens + ?4, seconds = seconds + ?5, steps = steps + ?6,"
        " held_dollars = held_dollars + ?7, held_tokens = held_tokens + ?8, held_seconds = held_seconds + ?9,"
        " held_steps = held_steps + ?10, unknown = unknown + ?11",
        (scope, period, *(change[unit] for unit in UNITS), *(held[unit] for unit in UNITS), unknown),
    )
