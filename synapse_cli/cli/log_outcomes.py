"""`synapse log outcomes`: what the record knows of the quality of answers, as the table that `tune` learns from."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.scope import Tenant

if TYPE_CHECKING:
    from synapse_cli.lab.recorded import Recorded


def outcomes(
    file: Annotated[str | None, typer.Argument(metavar="[FILE]", help="Where to; `-` or nothing is stdout.")] = None,
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="30d", help="Only runs of this long ago.")] = None,
    route: Annotated[str | None, typer.Option("-r", "--route", metavar="NAME", help="Only this route.")] = None,
    tenant: Tenant = None,
    count: Annotated[bool, typer.Option("--count", help="Only say how many labels there are.")] = False,
) -> None:
    """Write whose answers were good, one JSON object a prompt.

    It is what `synapse tune` learns from. Labels are what you said (`good`, `bad`), what a bench graded, how answers
    fared against a dearer tier's (`shadow run`), and answers that were not valid. Who was not asked, or not judged, is
    missing.

    Examples:

      synapse log outcomes --count

      synapse log outcomes --since 30d table.jsonl
    """
    from synapse_cli.cli.looking import ledger_path, seconds_of
    from synapse_cli.cli.sink import sink
    from synapse_cli.lab.recorded import recorded_outcomes

    start = None if since is None else time.time() - seconds_of(since, "--since")
    found = recorded_outcomes(ledger_path(), since=start, route=route, tenant=tenant)
    if count:
        sys.stdout.write(json.dumps(_counts(found), ensure_ascii=False) + "\n")
        return
    with sink(None if file in {None, "-"} else file) as write:
        for row in found.rows:
            write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
    if sys.stderr.isatty() or not found.rows:
        typer.echo(said(found), err=True)


def said(found: Recorded) -> str:
    """How many labels there are, in a line."""
    if not found.labels:
        return "no answer was judged yet: synapse good, synapse bad, synapse bench or synapse shadow run judge them"
    sources: Counter[str] = Counter()
    models: Counter[str] = Counter()
    for (_, model, source), n in found.labels.items():
        sources[source] += n
        models[model] += n
    by = ", ".join(f"{n} by {source}" for source, n in sources.most_common())
    whose = ", ".join(f"{model} {n}" for model, n in models.most_common())
    left = [(found.without_text, "without a kept prompt"), (found.without_price, "without a known price")]
    out = "; ".join(f"{n} {why} left out" for n, why in left if n)
    return f"{len(found.rows)} prompts, {sum(sources.values())} labels ({by}): {whose}" + (f"; {out}" if out else "")


def _counts(found: Recorded) -> dict[str, object]:
    return {
        "schema_version": 1,
        "prompts": len(found.rows),
        "labels": [
            {"route": route, "model": model, "source": source, "count": n}
            for (route, model, source), n in sorted(found.labels.items())
        ],
        "without_text": found.without_text,
        "without_price": found.without_price,
    }
