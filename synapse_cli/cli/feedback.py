"""What do `synapse good` and `synapse bad` share? What a person says of an answer, kept; silent in a pipe."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from synapse_cli.cli.listing import print_rows, visible
from synapse_cli.core.errors import InputError
from synapse_cli.core.prompt import Json

if TYPE_CHECKING:
    from synapse_cli.ledger.feedback import Judged

Which = Annotated[str, typer.Argument(metavar="[RUN]", help="An id, the beginning of one, or `last`.")]
Better = Annotated[
    str | None, typer.Option("--better", metavar="FILE", help="An answer that would have been better; `-` is stdin.")
]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why, in your own words.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def say(run: str, *, is_good: bool, better: str | None, note: str | None, tenant: str | None, json: bool) -> None:
    """Keep what is said of a run's answer; a bad one is forgotten by the cache."""
    from synapse_cli.cli.looking import ledger_path
    from synapse_cli.ledger import feedback

    text = None if better is None else _better(better)
    keeps_text = (text is None and note is None) or _keeps_text()
    said = feedback.Feedback(good=is_good, better=text, note=note)
    judged = feedback.give(ledger_path(), run, said, time.time(), tenant=tenant, keeps_text=keeps_text)
    dropped = (0, 0) if is_good else _forget(judged)
    if (note is not None or text is not None) and not judged.keeps_text:
        typer.echo(
            "synapse: warning: texts of this run are not kept: of the better answer only a hash, of the note nothing",
            err=True,
        )
    if json:
        print_rows([_as_json(judged, is_good, dropped)], jsonl=True)
    elif sys.stderr.isatty():
        typer.echo(_line(judged, is_good, dropped), err=True)


def _better(name: str) -> str:
    from synapse_cli.cli.texts import Reading, read_texts

    (text,) = read_texts([], [name], Reading())
    if not text.text.strip():
        raise InputError(f"--better: {name!r} holds no answer", "write the better answer into it")
    return text.text


def _keeps_text() -> bool:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    return find_profile(None, Witness()).ledger.text


def _forget(judged: Judged) -> tuple[int, int]:
    """Drop what would give the answer again: memos of whole command lines, and the finished call."""
    from synapse_cli.cache import memo
    from synapse_cli.cache.exact import Exact
    from synapse_cli.core import places
    from synapse_cli.flows.tenancy import cache_folder
    from synapse_cli.report.problem import warn

    def is_of_it(facts: Mapping[str, str]) -> bool:
        same = (facts.get("prompt"), facts.get("answer"), facts.get("tenant"))
        return facts.get("run") == judged.run_id or same == (judged.prompt_hash, judged.answer_hash, judged.tenant)

    memos = answers = 0
    try:
        memos = memo.drop(os.environ, is_of_it)
        kept = Exact(cache_folder(places.folder("cache", os.environ), judged.tenant), warn=warn)
        answers = sum(kept.forget(key) for key in judged.cache_keys)
        kept.close()
    except (OSError, sqlite3.Error, ValueError) as error:
        warn(f"the cache may give this answer again: {error}")
    return memos, answers


def _as_json(judged: Judged, is_good: bool, dropped: tuple[int, int]) -> dict[str, Json]:
    from synapse_cli.ledger.reading import word

    return {
        "schema_version": 1,
        "run_id": judged.run_id,
        "verdict": word(is_good),
        "before": None if judged.before is None else word(judged.before),
        "route": judged.route,
        "model": judged.model,
        "texts_kept": judged.keeps_text,
        "dropped": {"memos": dropped[0], "answers": dropped[1]},
    }


def _line(judged: Judged, is_good: bool, dropped: tuple[int, int]) -> str:
    """Which answer it was, so that a wrong `last` is seen at once."""
    first = (judged.prompt or "").strip().partition("\n")[0]
    shown = visible(first if len(first) <= 60 else first[:59] + "…")
    told = ["good" if is_good else "bad", judged.run_id, judged.model or "-"]
    told += [f'"{shown}"'] if shown else []
    if judged.before is not None and judged.before != is_good:
        told.append(f"it was {'good' if judged.before else 'bad'} before")
    return " · ".join([*told, *(["not given again from the cache"] if any(dropped) else [])])
