"""`synapse shadow`: have accepted answers of cheap tiers looked at again by a dearer one."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from synapse_cli.cli.listing import as_age, print_rows, print_table
from synapse_cli.cli.looking import ledger_path
from synapse_cli.cli.scope import Tenant
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.flows.shadowing import Progress
    from synapse_cli.ledger.shadowing import Queue
    from synapse_cli.profile.model import Profile

app = typer.Typer(
    help="Have accepted answers of cheap tiers looked at again by a dearer one.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_MOST_COST = Decimal("0.50")
"""Dollars, where neither --max-cost nor [shadow] per_day says."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Named = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Another profile than the usual.")]


@app.callback()
def shadow() -> None:
    """Have accepted answers of cheap tiers looked at again by a dearer one."""


@app.command()
def run(
    *,
    limit: Annotated[int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="At most this many.")] = None,
    max_cost: Annotated[
        str | None,
        typer.Option("--max-cost", metavar="0.50", help="Dollars; without it what [shadow] per_day leaves, or 0.50."),
    ] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", metavar="N", min=1, max=64, help="So many at a time.")] = 1,
    retry: Annotated[
        bool, typer.Option("--retry", help="Those too that failed, or were cut off while they were asked.")
    ] = False,
    profile: Named = None,
    tenant: Tenant = None,
    json: AsJson = False,
) -> int:
    """Send what waits to the dearer tier, and compare both answers, blind.

    The judge is not told whose they are. A profile's `[shadow] share = 0.05` puts a share of accepted answers into the
    queue; nothing is sent until this is run. Every call counts in budgets and record. What is cut short goes on the
    next time, and pays for nothing twice.

    Examples:

      synapse shadow run --max-cost 0.25

      17 3 * * *  synapse shadow run --limit 200 --jobs 4
    """
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.report.problem import tell, warn

    found = find_profile(profile, Witness())
    queue = _queue(found, tenant)
    dollars = _dollars(max_cost, found)
    _drop_old(queue, found)
    in_doubt = queue.take_back(time.time(), retry=retry)
    ended = _run(found, queue, dollars, limit, jobs)
    if in_doubt:
        warn(f"{in_doubt} were cut off while they were asked: what that cost is not known; --retry asks them again")
    _tell_of_other(queue, found)
    _show(ended, json=json)
    if ended.end == "failed" and ended.error is not None:
        tell(ended.error)
        return ended.error.exit_code
    return 130 if ended.end == "interrupted" else 0


def _run(profile: Profile, queue: Queue, dollars: Decimal, limit: int | None, jobs: int) -> Progress:
    """Compare, in sight of whoever looks on."""
    from synapse_cli.cli.interruptible import interruptible
    from synapse_cli.cli.log_keeping import Line
    from synapse_cli.core.clock import SystemClock
    from synapse_cli.flows.shadowing import Course
    from synapse_cli.report.shadow import progress_line

    line = Line()

    def hear(told: Progress) -> None:
        line.draw(progress_line(told))

    course = Course(profile, queue, SystemClock(), max_cost=dollars, limit=limit, jobs=jobs, hear=hear)
    with interruptible(course):
        ended = course.run()
    line.wipe()
    return ended


@app.command("list")
def list_entries(
    *,
    state: Annotated[
        Literal["waiting", "asking", "in doubt", "done", "failed"] | None,
        typer.Option("--state", metavar="STATE", help="Only these: waiting, asking, in doubt, done, failed."),
    ] = None,
    most: Annotated[
        int, typer.Option("-n", "--most", metavar="N", min=0, help="At most this many, the newest; 0 is all.")
    ] = 20,
    tenant: Tenant = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
) -> None:
    """List the queue, and what became of it, newest first.

    Example:

      synapse shadow list --json | jq -r '.[] | select(.result == "worse") | .prompt'
    """
    from synapse_cli.ledger import shadowing

    rows = shadowing.entries(ledger_path(), state=state, tenant=tenant, most=most or None)
    if print_rows(rows, json=json, jsonl=jsonl):
        return
    now = time.time()
    cells = [
        (
            str(row["run_id"]),
            as_age(row["queued"], now).removesuffix(" ago"),
            str(row["state"]),
            str(row["result"] or "-"),
            str(row["route"] or "-"),
            str(row["model"]),
            str(row["against"]),
            str(row["why"] or ""),
        )
        for row in rows
    ]
    print_table(
        ("run", "when", "state", "result", "route", "model", "against", "why"), cells, "nothing is in the queue"
    )


@app.command()
def status(*, profile: Named = None, tenant: Tenant = None, json: AsJson = False) -> None:
    """Say what waits, and how cheap answers fared against dearer ones.

    Example:

      synapse shadow status --json | jq '.fared[] | {route, model, not_worse}'
    """
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.ledger import shadowing
    from synapse_cli.report import shadow as told

    found, path = find_profile(profile, Witness()), ledger_path()
    fared = told.put_together(shadowing.fared(path, tenant=tenant))
    states = shadowing.counts(path, tenant=tenant)
    today = shadowing.spent(path, _midnight())
    if json:
        head: dict[str, Json] = {
            "schema_version": 1,
            "share": found.shadow.share,
            "per_day_usd": None if found.shadow.per_day is None else f"{found.shadow.per_day:f}",
            "spent_today_usd": f"{today:f}",
            "queue": {**states},
        }
        print_rows([{**head, "fared": [each.as_json() for each in fared]}], jsonl=True)
        return
    for each in told.status_lines(states, fared, share=found.shadow.share, today=today, per_day=found.shadow.per_day):
        typer.echo(each)
    if found.shadow.share and not found.ledger.text:
        typer.echo("synapse: warning: nothing is queued: [ledger] text = false keeps no prompt to send", err=True)


@app.command()
def clear(
    *,
    everything: Annotated[bool, typer.Option("--all", help="What was compared too.")] = False,
    tenant: Tenant = None,
    json: AsJson = False,
) -> None:
    """Drop what waits, failed, or is in doubt; nothing of it is sent any more.

    Example:

      synapse shadow clear
    """
    from synapse_cli.ledger.shadowing import Queue

    dropped = Queue(ledger_path(), "", tenant=tenant).clear(everything=everything)
    if json:
        print_rows([{"dropped": dropped}], jsonl=True)
        return
    typer.echo(f"dropped {dropped} {'entry' if dropped == 1 else 'entries'}")


def _queue(profile: Profile, tenant: str | None) -> Queue:
    from synapse_cli.ledger.shadowing import Queue

    return Queue(ledger_path(), profile.path, tenant=tenant)


def _dollars(max_cost: str | None, profile: Profile) -> Decimal:
    """What may be spent now: the flag's limit, and no more than the day has left."""
    from synapse_cli.cli.asking import money
    from synapse_cli.ledger.shadowing import spent

    asked, per_day = money("--max-cost", max_cost), profile.shadow.per_day
    if per_day is None:
        return _MOST_COST if asked is None else asked
    left = max(Decimal(0), per_day - spent(ledger_path(), _midnight()))
    return left if asked is None else min(asked, left)


def _midnight() -> float:
    return datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _drop_old(queue: Queue, profile: Profile) -> None:
    if profile.shadow.keep_s is not None:
        queue.clear(before=time.time() - profile.shadow.keep_s)


def _tell_of_other(queue: Queue, profile: Profile) -> None:
    from synapse_cli.report.problem import warn

    if profile.shadow.share and not profile.ledger.text:
        warn("nothing is queued: [ledger] text = false keeps no prompt to send")
    other = queue.elsewhere()
    if other:
        warn(f"{other} wait under other profiles: synapse shadow list --state waiting --json names them")


def _show(ended: Progress, *, json: bool) -> None:
    from synapse_cli.report.shadow import ended_json, ended_line

    if json:
        print_rows([ended_json(ended)], jsonl=True)
    else:
        typer.echo(ended_line(ended))
