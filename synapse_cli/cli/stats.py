"""`synapse stats`: how it went, over days."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from synapse_cli.cli.listing import print_rows
from synapse_cli.cli.looking import has_colour, ledger_path, width
from synapse_cli.cli.scope import Tenant

if TYPE_CHECKING:
    from synapse_cli.ledger.totals import Row, Tally
    from synapse_cli.report.stats import Stats

_HOURLY_S = 3 * 86_400
"""Shorter spans are shown hour by hour."""


def stats(
    *,
    since: Annotated[str, typer.Option("--since", metavar="7d", help="So long ago, a day, a month, or `all`.")] = "7d",
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="Up to then.")] = None,
    by: Annotated[
        Literal["model", "provider", "route", "tenant", "hour", "day", "month"],
        typer.Option("--by", metavar="WHAT", help="A row for each model, provider, route, tenant, hour, day or month."),
    ] = "model",
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="NAME", help="Only this model.")] = None,
    route: Annotated[str | None, typer.Option("-r", "--route", metavar="NAME", help="Only this route.")] = None,
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object for each row of --by.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows of --by as CSV.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour.")] = False,
) -> None:
    """Say how it went: cache, acceptance, steps to dearer tiers, latencies, checks, errors, money.

    Draws from sums that are kept by the hour, so spans are rounded to whole hours.

    Examples:

      synapse stats --since 24h --by route

      synapse stats --since 2026-11-01 --by day --csv > november.csv

      synapse stats --json | jq .total.cache_hit_ratio
    """
    from synapse_cli.cli import span
    from synapse_cli.core.errors import UsageError

    if json + jsonl + csv > 1:
        raise UsageError("--json, --jsonl and --csv contradict each other", "give one of them")
    here = datetime.now().astimezone()
    now = here.timestamp()
    start = None if since == "all" else span.since(since, here)
    end = None if until is None else span.until(until, here)
    found = _found(by, start, end, tenant=tenant, model=model, route=route, now=now)
    if json:
        told = {"schema_version": 1, "since": _iso(start), "until": _iso(end if end is not None else now)}
        print_rows([{**told, **found.as_json()}], jsonl=True)
    elif jsonl:
        print_rows([{by: group.name, **group.as_json()} for group in found.groups], jsonl=True)
    elif csv:
        _print_csv(found)
    elif not found.total.sums.runs and not found.total.sums.calls:
        typer.echo(_nothing(since, filtered=any((model, route, tenant, until))), err=True)
    else:
        _print_page(found, since, until, no_color=no_color)


def _found(
    by: str,
    start: float | None,
    end: float | None,
    *,
    tenant: str | None,
    model: str | None,
    route: str | None,
    now: float,
) -> Stats:
    from synapse_cli.ledger.looking import in_doubt
    from synapse_cli.ledger.totals import tallies, totals
    from synapse_cli.report.stats import stats as put_together

    path = ledger_path()
    _check_names(path, {"model": model, "route": route}, tenant)
    pace = "hour" if start is not None and (end or now) - start <= _HOURLY_S else "day"

    def sums(*split: str, histograms: bool = False) -> list[Row]:
        return totals(
            path, since=start, until=end, tenant=tenant, model=model, route=route, by=split, histograms=histograms
        )

    def named(*, by_route: bool = False) -> list[Tally]:
        return tallies(path, since=start, until=end, tenant=tenant, model=model, route=route, by_route=by_route)

    return put_together(
        by,
        grouped=sums(by, "outcome", histograms=True),
        models=sums("model"),
        timed=sums(pace),
        tallies=named(),
        opinions=named(by_route=True),
        in_doubt=0 if model or route else in_doubt(path, since=start, until=end, tenant=tenant, now=now),
    )


def _check_names(path: str, wanted: Mapping[str, str | None], tenant: str | None) -> None:
    """Raise UsageError for a name that no recorded run has, and say which there are; a tenant's own where it asks."""
    from synapse_cli.core.errors import UsageError
    from synapse_cli.ledger.looking import names

    for what, name in wanted.items():
        if name is None:
            continue
        known = names(path, what, tenant)
        if known and name not in known:
            hint = f"recorded: {', '.join(known[:20])}" + (", …" if len(known) > 20 else "")
            raise UsageError(f"no recorded run has the {what} {name!r}", hint)


def _print_page(found: Stats, since: str, until: str | None, *, no_color: bool) -> None:
    from synapse_cli.report.cells import Painter
    from synapse_cli.report.stats_page import Page

    told = (
        "all time"
        if since == "all"
        else f"last {since}"
        if since[:1].isdigit() and "-" not in since
        else f"since {since}"
    )
    span = told + (f" until {until}" if until else "")
    page = Page(found, span, width=width() or 100, paint=Painter(has_colour=has_colour(no_color=no_color)))
    sys.stdout.writelines(f"{line}\n" for line in page.lines())


def _print_csv(found: Stats) -> None:
    import csv

    from synapse_cli.report.stats import columns

    rows = [columns(group, found.by) for group in found.groups]
    writer = csv.DictWriter(sys.stdout, list(columns(found.total, found.by)), lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)


def _nothing(since: str, *, filtered: bool) -> str:
    if filtered or since != "all":
        return "no run is recorded of that time and choice; --since all looks at everything"
    return 'no run is recorded yet; synapse run "Say hello" records one'


def _iso(instant: float | None) -> str | None:
    return None if instant is None else datetime.fromtimestamp(instant).astimezone().isoformat(timespec="seconds")
