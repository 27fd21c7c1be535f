"""`synapse log prune`, `export` and `vacuum`: how the record is kept small, and handed on."""

from __future__ import annotations

import csv as _csv
import io
import json as _json
import os
import sys
import time
from typing import Annotated

import typer

from synapse_cli.cli.listing import as_size, print_rows
from synapse_cli.cli.scope import Tenant
from synapse_cli.core.errors import UsageError
from synapse_cli.ledger.reading import Filter, Row
from synapse_cli.profile.settings import LedgerSettings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def prune(
    *,
    before: Annotated[str | None, typer.Option("--before", metavar="30d", help="Runs older than this.")] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="500MB", help="The oldest, until it is no larger than this.")
    ] = None,
    tenant: Tenant = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: AsJson = False,
) -> None:
    """Forget old runs; what they cost and came to stays in `stats` and `cost`.

    Without --before and --max-size the profile's [ledger] keep and max_size hold, as they do at every run.

    Example:

      synapse log prune --before 30d --dry-run
    """
    from synapse_cli.ledger import upkeep

    size = _size(max_size)
    age_s = _age_s(before)
    if before is None and max_size is None:
        settings = _settings()
        age_s, size = settings.keep_s, settings.max_size
    bar = Line()
    found = upkeep.prune(
        _path(),
        before=None if age_s is None else time.time() - age_s,
        max_size=size,
        tenant=tenant,
        dry_run=dry_run,
        say=lambda gone: bar.draw(f"{gone} runs forgotten"),
    )
    bar.wipe()
    if json:
        told = {"runs": found.runs, "bytes_before": found.bytes_before, "bytes_after": found.bytes_after}
        print_rows([{**told, "dry_run": dry_run}], jsonl=True)
        return
    verb = "would be forgotten" if dry_run else "forgotten"
    runs = "run" if found.runs == 1 else "runs"
    typer.echo(f"{found.runs} {runs} {verb}: {as_size(found.bytes_before)} to {as_size(found.bytes_after)}")


def export(
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="Where to; `-` or nothing is stdout.")] = None,
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="7d", help="Only runs of this long ago.")] = None,
    route: Annotated[str | None, typer.Option("-r", "--route", metavar="NAME", help="Only this route.")] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="NAME", help="Only this model.")] = None,
    tenant: Tenant = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line, each run whole.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="A table with a header, one line a run.")] = False,
    texts: Annotated[bool, typer.Option("--texts", help="With prompts and answers.")] = False,
) -> None:
    """Write recorded runs for other programs, oldest first.

    Without --texts nothing is written that quotes a prompt or an answer. A file is there whole or not at all.

    Examples:

      synapse log export --since 30d --csv runs.csv

      synapse log export --jsonl --texts | jq -r 'select(.accepted) | .answer'
    """
    from synapse_cli.cli.sink import sink
    from synapse_cli.ledger import exporting

    if jsonl and csv:
        raise UsageError("--jsonl and --csv were both given", "give one of them")
    now = time.time()
    age_s = _age_s(since, "--since")
    wanted = Filter(route=route, model=model, since=None if age_s is None else now - age_s, tenant=tenant)
    is_table = csv or (not jsonl and (file or "").endswith(".csv"))
    with sink(None if file in {None, "-"} else file) as write:
        if is_table:
            write(_csv_line([*exporting.COLUMNS, *(exporting.TEXTS if texts else ())]))
        for run in exporting.whole_runs(_path(), wanted, now, texts=texts):
            write(_csv_line(exporting.cells(run, texts=texts)) if is_table else _json_line(run))


def vacuum(json: AsJson = False) -> None:
    """Fold the ledger's file together, and take every text into the index.

    Runs that are recorded meanwhile wait for it.

    Example:

      synapse log vacuum
    """
    from synapse_cli.ledger import upkeep

    bar = Line()
    before, after = upkeep.vacuum(_path(), _settings().max_size, bar.draw)
    bar.wipe()
    if json:
        print_rows([{"bytes_before": before, "bytes_after": after}], jsonl=True)
        return
    typer.echo(f"{as_size(before)} to {as_size(after)}")
    for copy in _copies():
        typer.echo(f"beside it lies {copy}, which is not needed any more", err=True)


class Line:
    """One line on a terminal's stderr that is drawn over itself, and wiped at the end."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._drawn_at = 0.0

    def draw(self, text: str) -> None:
        """Show how far it is, ten times a second at most."""
        if self._shows and time.monotonic() - self._drawn_at > 0.1:
            self._drawn_at = time.monotonic()
            typer.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def wipe(self) -> None:
        """Leave no trace."""
        if self._drawn_at:
            typer.echo("\r\x1b[K", nl=False, err=True)


def _settings() -> LedgerSettings:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    return find_profile(None, Witness()).ledger


def _path() -> str:
    from synapse_cli.cli.looking import ledger_path

    return ledger_path()


def _copies() -> list[str]:
    """Copies that were made of older versions, and damaged ledgers that were set aside."""
    path = _path()
    folder, name = os.path.split(path)
    marks = (f"{name}.v", f"{name}.damaged-")
    found = os.listdir(folder) if os.path.isdir(folder) else []
    return [os.path.join(folder, each) for each in sorted(found) if each.startswith(marks)]


def _age_s(text: str | None, flag: str = "--before") -> float | None:
    from synapse_cli.profile.units import duration_s

    try:
        return None if text is None else duration_s(text)
    except ValueError as error:
        raise UsageError(f"{flag} takes {error}, found {text!r}", f"for example {flag} 30d") from error


def _size(text: str | None) -> int | None:
    from synapse_cli.profile.units import size_bytes

    try:
        return None if text is None else size_bytes(text)
    except ValueError as error:
        raise UsageError(f"--max-size takes {error}, found {text!r}", "for example --max-size 500MB") from error


def _json_line(run: Row) -> bytes:
    return (_json.dumps(run, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _csv_line(cells: list[str]) -> bytes:
    line = io.StringIO()
    _csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
