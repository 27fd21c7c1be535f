"""Which budgets bind a run: its profile's, its tenant's and its route's, each for the run, the day and the month?"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from synapse_cli.core.budget import Budget, Meter
from synapse_cli.core.control import FAMILY, Control
from synapse_cli.flows.ask import Ask
from synapse_cli.profile.model import BudgetSettings, Profile, Route, Tenant

if TYPE_CHECKING:
    from synapse_cli.ledger.account_alerts import Alert
    from synapse_cli.ledger.account_calls import Bound, Drawn

_RUN_ID = re.compile("[0-9a-z]{20}")


class Budgets:
    """The budgets of one run, which the route joins once it is known. The account is opened on use."""

    def __init__(
        self,
        profile: Profile,
        ask: Ask,
        tenant: Tenant | None,
        *,
        run_id: str,
        folder: Callable[[], str],
        warn: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._profile = profile
        self._tenant = tenant
        self._route: Route | None = None
        self._run_id = run_id
        self._folder = folder
        self._warn = warn
        self._now = now
        self._drawn: Drawn | None = None
        self._is_shared = False
        self._explores = False
        self.meter = Meter(_of_run(profile.budget, ask))
        if tenant is not None and tenant.budget is not None:
            self.meter.budgets.append(_of_part(tenant.budget, f"tenant {tenant.name}"))

    def take_route(self, route: Route) -> float | None:
        """Let a route's own budget bind too; return the seconds that it gives the run, where it says."""
        if self._route is not None:
            return None
        self._route = route
        if self._drawn is not None:
            self._drawn.bounds = self._bounds()
        if route.budget is None:
            return None
        self.meter.budgets.append(_of_part(route.budget, f"route {route.name}"))
        return route.budget.seconds_per_run

    def explore(self, *, explores: bool) -> None:
        """Let what may be spent on exploring bind the calls from now on, or no longer."""
        self._explores = explores
        if self._drawn is not None:
            self._drawn.bounds = self._bounds()

    def open(self, *, is_local: bool) -> None:
        """Have the meter draw from the account, where a call of this kind is entered there."""
        if self.meter.purse is None and (not is_local or self._may_bind_local()):
            self.meter.purse = self._purse()

    def share(self, control: Control) -> str | None:
        """Let a program that is about to be started draw from this run's budget; under which name, if it can."""
        limited = [b for b in self.meter.budgets if (b.dollars, b.tokens, b.steps) != (None, None, None)]
        if not self._is_shared and (limited or control.deadline is not None):
            deadline = None if control.deadline is None else self._now() + control.deadline - control.clock()
            purse = self._purse()
            self._is_shared = purse.share(_tightest(limited), self.meter.gone, deadline)
            if self._is_shared:
                self.meter.purse = purse
        return self._run_id if self._is_shared else None

    def _may_bind_local(self) -> bool:
        if _parent() is not None:
            return True
        return any(_counts_local(table) for table in self._tables())

    def _tables(self) -> list[BudgetSettings]:
        parts = (self._tenant, self._route)
        return [self._profile.budget, *(part.budget for part in parts if part is not None and part.budget is not None)]

    def _purse(self) -> Drawn:
        from synapse_cli.ledger.account import shared
        from synapse_cli.ledger.account_calls import Drawn
        from synapse_cli.ledger.account_watch import Watch

        if self._drawn is None:
            account = shared(self._folder())
            watch = Watch(account, warn=self._warn, alert=self._alert)
            self._drawn = Drawn(account, self._run_id, warn=self._warn, now=self._now, watch=watch, parent=_parent())
            self._drawn.bounds = self._bounds()
        return self._drawn

    def _alert(self, alert: Alert) -> None:
        self._warn(alert.message)
        command = alert.command or self._profile.budget.alert_command
        if command:
            from synapse_cli.flows.alerting import tell

            tell(command, alert.as_json(), cwd=os.path.dirname(self._profile.path), warn=self._warn)

    def _bounds(self) -> list[Bound]:
        explored = [exploration(self._profile)] if self._explores else []
        return [*bounds(self._profile, self._route, self._tenant), *explored]


def bounds(profile: Profile, route: Route | None, tenant: Tenant | None) -> list[Bound]:
    """The scopes that a run is entered under."""
    from synapse_cli.ledger.account import Scope
    from synapse_cli.ledger.account_calls import Bound

    found = [Bound(Scope("profile", profile.name, profile.path), profile.budget)]
    if route is not None:
        found.append(Bound(Scope("route", route.name, profile.path), route.budget or BudgetSettings()))
    if tenant is not None:
        found.append(Bound(Scope("tenant", tenant.name), tenant.budget or BudgetSettings()))
    return found


def exploration(profile: Profile) -> Bound:
    """What a profile may spend in a day on trying other ways than the best; nothing where it does not say."""
    from synapse_cli.ledger.account import Scope
    from synapse_cli.ledger.account_calls import Bound

    limit = profile.routing.explore_budget or Decimal(0)
    return Bound(Scope("exploration", profile.name, profile.path), BudgetSettings(per_day=limit, alerts=()))


def all_bounds(profile: Profile) -> list[Bound]:
    """Every scope of a profile: its own, each route's and each tenant's, and exploring where it does."""
    routes = [bounds(profile, route, None)[1] for route in profile.routes.values()]
    tenants = [bounds(profile, None, tenant)[1] for tenant in profile.tenants.values()]
    explored = [exploration(profile)] if profile.routing.explore else []
    return [*bounds(profile, None, None), *routes, *tenants, *explored]


def seconds_of_run(profile: Profile, ask: Ask, tenant: Tenant | None) -> float | None:
    """How long the run may take, as far as that is known before its route."""
    of_tenant = None if tenant is None or tenant.budget is None else tenant.budget.seconds_per_run
    limits = [s for s in (ask.timeout_s, profile.budget.seconds_per_run, of_tenant) if s is not None]
    return min(limits, default=None)


def _parent() -> str | None:
    """The run whose check or script started this one."""
    named = os.environ.get(FAMILY, "")
    return named if _RUN_ID.fullmatch(named) else None


def _counts_local(table: BudgetSettings) -> bool:
    limits = (table.tokens_per_day, table.tokens_per_month, table.seconds_per_day, table.seconds_per_month)
    return any(limit is not None for limit in (*limits, table.steps_per_day, table.steps_per_month))


def _of_run(table: BudgetSettings, ask: Ask) -> Budget:
    dollars = [d for d in (ask.max_cost, table.per_run) if d is not None]
    return Budget(
        dollars=min(dollars, default=None),
        tokens=table.tokens_per_run,
        steps=table.steps_per_run,
        min_output=table.min_output,
    )


def _of_part(table: BudgetSettings, whose: str) -> Budget:
    return Budget(
        dollars=table.per_run,
        tokens=table.tokens_per_run,
        steps=table.steps_per_run,
        min_output=table.min_output,
        whose=f"the budget that {whose} has for a run",
        hint=f"raise the budget table of {whose}, or lower its min_output",
    )


def _tightest(budgets: list[Budget]) -> Budget:
    return Budget(
        dollars=min((b.dollars for b in budgets if b.dollars is not None), default=None),
        tokens=min((b.tokens for b in budgets if b.tokens is not None), default=None),
        steps=min((b.steps for b in budgets if b.steps is not None), default=None),
        min_output=min((b.min_output for b in budgets), default=16),
    )
