"""What is written of a call: a row before it is sent, and how it ended after."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass

from synapse_cli.core.completion import NO_USAGE, Completion
from synapse_cli.core.errors import UNBILLED, SynapseError
from synapse_cli.ledger.booking import rebook
from synapse_cli.ledger.rows import money_text, sayable, text_name, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is about to be sent."""

    run: str
    place: int
    """Its number within the run, from 0 on, in the order in which calls began."""
    kind: str
    """What for: "tier", "route" (to decide where a prompt goes), "judge", "sample"."""
    model: str
    provider: str
    deployment: str | None
    """Which address and key, where there is a choice; never the key itself."""
    started: float


def write_begun(book: sqlite3.Connection, call: Call) -> None:
    """Write a call down before it is sent; within the caller's transaction."""
    book.execute(
        "INSERT OR REPLACE INTO calls (run, place, kind, model, provider, deployment, started, pid)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.run,
            call.place,
            call.kind,
            call.model,
            call.provider,
            sayable(call.deployment),
            call.started,
            os.getpid(),
        ),
    )


def write_answered(book: sqlite3.Connection, call: Call, completion: Completion, *, keeps_text: bool) -> None:
    """Write how a call was answered, and the answer itself where texts are kept: the run may not get to it."""
    _end(
        book,
        call,
        outcome="answered",
        finish=completion.finish,
        latency_s=completion.latency_s,
        first_latency_s=completion.first_latency_s,
        **tokens(completion.usage),
        cost=money_text(completion.cost),
        answer=text_name(book, completion.text, keeps_text=keeps_text),
    )


def write_failed(book: sqlite3.Connection, call: Call, error: BaseException, latency_s: float, is_local: bool) -> None:
    """Write how a call failed, and what it cost where that is known."""
    is_free = is_local or isinstance(error, UNBILLED)
    _end(
        book,
        call,
        outcome="failed",
        error_kind=error.kind if isinstance(error, SynapseError) else "bug",
        latency_s=latency_s,
        **(tokens(NO_USAGE) if is_free else {}),
        cost="0" if is_free else None,
    )


def forget(book: sqlite3.Connection, call: Call) -> None:
    """Delete the row of a call that was not sent after all."""
    book.execute("DELETE FROM calls WHERE run = ? AND place = ?", (call.run, call.place))


def _end(book: sqlite3.Connection, call: Call, **values: object) -> None:
    columns = ", ".join(f"{name} = ?" for name in values)
    update = f"UPDATE calls SET {columns} WHERE run = ? AND place = ?"  # noqa: S608  # our own words
    rebook(book, call.run, lambda: book.execute(update, (*values.values(), call.run, call.place)))
