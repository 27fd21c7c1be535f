"""Which answers of a route were accepted, and what did people say of them? For whoever learns from them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from synapse_cli.ledger import blobs
from synapse_cli.ledger.totals import opened, unreadable

_QUERY = """
SELECT r.id, r.model, r.prompt, r.system, r.answer, f.good, f.better
FROM decisions d JOIN runs r ON r.id = d.run
LEFT JOIN feedback f ON f.id = (SELECT max(id) FROM feedback WHERE run = r.id)
WHERE d.route = ? AND r.accepted = 1 AND r.memo_of IS NULL AND (? IS NULL OR r.tenant = ?)
ORDER BY r.id
"""


@dataclass(frozen=True, slots=True)
class Taught:
    """An accepted answer and its prompt. Texts are None where the ledger keeps none, or no more."""

    run_id: str
    model: str
    prompt: str | None
    system: str | None
    """As a flag gave it; the route's own is not recorded with each run."""
    answer: str | None
    good: bool | None
    """What a person said last of the answer."""
    better: str | None


def taught(path: str, route: str, tenant: str | None = None) -> Iterator[Taught]:
    """The accepted answers of a route, oldest first, without repetitions by the memo. Raises InputError."""
    with closing(opened(path)) as book:
        try:
            for run_id, model, prompt, system, answer, good, better in book.execute(_QUERY, (route, tenant, tenant)):
                yield Taught(
                    run_id=str(run_id),
                    model=str(model),
                    prompt=blobs.get(book, prompt),
                    system=blobs.get(book, system),
                    answer=blobs.get(book, answer),
                    good=None if good is None else bool(good),
                    better=blobs.get(book, better),
                )
        except sqlite3.Error as error:
            raise unreadable(path, error) from error
