"""`synapse cache`: what is kept, and how to be rid of it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from synapse_cli.cache.answers import Entry
from synapse_cli.cache.exact import Exact
from synapse_cli.cache.semantic_rows import Rows
from synapse_cli.cli.cache_similar import calibrate, evaluate
from synapse_cli.cli.listing import as_age, as_size, as_span, print_rows, print_table, visible
from synapse_cli.cli.scope import Tenant
from synapse_cli.core.prompt import Json
from synapse_cli.flows.tenancy import cache_folder

app = typer.Typer(
    help="Look into the cache, and clear it.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def cache() -> None:
    """Look into the cache, and clear it."""


@app.command()
def stats(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    tenant: Tenant = None,
) -> None:
    """Say how much is kept, and how large it is.

    Prompts are those that the semantic cache compares others with.

    Example:

      synapse cache stats --json | jq .bytes
    """
    from synapse_cli.cache import memo

    answers = _answers(tenant)
    kinds = [entry.kind for entry in answers.entries()]
    prompts = _prompts(tenant)
    memos, memo_bytes = memo.count(os.environ)
    figures: dict[str, int] = {
        "answers": kinds.count("answer"),
        "verdicts": kinds.count("verdicts"),
        "decisions": kinds.count("decision"),
        "memos": memos,
        "prompts": prompts.count(),
        "bytes": answers.bytes_used() + memo_bytes + _size(prompts.path),
    }
    if json:
        print_rows([{**figures, "path": _folder(tenant)}], jsonl=True)
        return
    for name, figure in figures.items():
        typer.echo(f"{name:<10} {as_size(figure) if name == 'bytes' else figure}")


@app.command("list")
def list_entries(
    most: Annotated[int, typer.Option("-n", "--most", metavar="N", min=0, help="At most this many; 0 is all.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line.")] = False,
    tenant: Tenant = None,
) -> None:
    """List what is kept, newest first.

    With the semantic cache an answer's `prompt` is what it may serve others for.

    Example:

      synapse cache list --json | jq -r '.[].key'
    """
    now = time.time()
    entries = sorted(_answers(tenant).entries(), key=lambda entry: (-entry.kept_at, entry.key))
    entries = entries[: most or None]
    prompts = {each.key: each.prompt for each in _prompts(tenant).everything()}
    if print_rows([_told(entry, prompts) for entry in entries], json=json, jsonl=jsonl):
        return
    cells = [
        (e.key[:12], e.kind, e.label or "-", as_age(e.kept_at, now), _left(e, now), as_size(e.size), _preview(e))
        for e in entries
    ]
    print_table(("key", "kind", "model", "kept", "ends in", "size", "text"), cells, "nothing is kept")


@app.command()
def show(
    key: Annotated[str, typer.Argument(metavar="KEY", help="A key, or the beginning of one.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    tenant: Tenant = None,
) -> None:
    """Show the answer under a key, and what checks said of it.

    Example:

      synapse cache show "$(synapse key 'Say hello')"
    """
    from synapse_cli.core.errors import UsageError

    found = [entry for entry in _answers(tenant).entries() if entry.key.startswith(key.lower())]
    keys = sorted({entry.key for entry in found})
    if len(keys) != 1:
        many = "more than one key begins" if keys else "no key begins"
        hint = "give more of it" if keys else "synapse cache list shows the keys"
        raise UsageError(f"{many} with {key!r}", hint)
    prompts = {each.key: each.prompt for each in _prompts(tenant).everything() if each.key == keys[0]}
    if print_rows([{**_told(entry, prompts), "value": entry.value} for entry in found], json=json):
        return
    for prompt in prompts.values():
        typer.echo(f"prompt  {visible(prompt)}", color=True)
    for entry in sorted(found, key=lambda entry: entry.kind):
        typer.echo(f"{entry.kind}  {entry.label}  {as_age(entry.kept_at, time.time())}")
        typer.echo(visible(_text(entry)), color=True)  # else Typer strips what a pipe should get


@app.command()
def clear(tenant: Tenant = None) -> None:
    """Drop every answer, verdict and memo; the ledger stays.

    Prompts that models have read and what is kept for tenants go too; with --tenant only what is kept for that one.

    Example:

      synapse cache clear
    """
    import sqlite3
    from glob import escape as glob_escape
    from glob import glob

    from synapse_cli.backends import llamacpp_stable
    from synapse_cli.cache import exact, memo, semantic_rows
    from synapse_cli.core.errors import InputError

    folder = _folder(tenant)
    tenants = [] if tenant else glob(os.path.join(glob_escape(folder), "tenants", "*"))
    try:
        dropped = sum(exact.clear(each) + semantic_rows.clear(each) for each in (folder, *tenants))
        dropped += memo.clear(os.environ)
        if not tenant:
            dropped += llamacpp_stable.clear(folder)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"the cache in {folder} cannot be cleared: {error}", "delete the folder by hand") from error
    typer.echo(f"dropped {dropped} kept {'thing' if dropped == 1 else 'things'}")


@app.command()
def prune(tenant: Tenant = None) -> None:
    """Drop what has expired or is over the size cap.

    Example:

      synapse cache prune
    """
    from synapse_cli.cache import memo

    dropped = _answers(tenant).prune() + memo.prune(os.environ) + _prompts(tenant).prune()
    typer.echo(f"dropped {dropped} kept {'thing' if dropped == 1 else 'things'}")


@app.command()
def path(tenant: Tenant = None) -> None:
    """Print the folder of the cache.

    Example:

      du -sh "$(synapse cache path)"
    """
    typer.echo(_folder(tenant))


app.command("calibrate")(calibrate)
app.command("eval")(evaluate)


def _folder(tenant: str | None) -> str:
    from synapse_cli.profile.paths import cache_dir

    return cache_folder(str(cache_dir()), tenant)


def _answers(tenant: str | None) -> Exact:
    from synapse_cli.report.problem import warn

    return Exact(_folder(tenant), warn=warn)


def _prompts(tenant: str | None) -> Rows:
    from synapse_cli.report.problem import warn

    return Rows(_folder(tenant), most_bytes=0, warn=warn)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _told(entry: Entry, prompts: Mapping[str, str]) -> dict[str, Json]:
    return {
        "key": entry.key,
        "kind": entry.kind,
        "model": entry.label or None,
        "kept_at": entry.kept_at,
        "expires_at": entry.expires_at,
        "bytes": entry.size,
        "text": _text(entry),
        "prompt": prompts.get(entry.key) if entry.kind == "answer" else None,
    }


def _left(entry: Entry, now: float) -> str:
    return "-" if entry.expires_at is None else as_span(entry.expires_at - now)


def _preview(entry: Entry) -> str:
    text = " ".join(_text(entry).split())
    return text if len(text) <= 60 else text[:59] + "…"


def _text(entry: Entry) -> str:
    """What a person wants to see of it: the answer, the rules that passed or did not, or the route."""
    value = entry.value
    if isinstance(value, list):
        told = [v for v in value if isinstance(v, dict)]
        return "; ".join(f"{v['rule']}: {'passed' if v['passed'] else v['reason'] or 'did not pass'}" for v in told)
    if not isinstance(value, dict):
        return ""
    return str(value["text"]) if entry.kind == "answer" else f"{value['route']}: {value['why']}"
