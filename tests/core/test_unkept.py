"""What could not be kept is one line, however many files it was."""

from __future__ import annotations

import sqlite3

from synapse_cli.core.unkept import Unkept, gathered

LEDGER = Unkept.of(
    "the ledger /s/l", sqlite3.OperationalError("disk I/O error"), "this run is not recorded", use="written"
)
CACHE = Unkept.of("the cache in /c", sqlite3.OperationalError("disk I/O error"), "going on without the cache")
PACE = Unkept.of(
    "/s/p", PermissionError(13, "Permission denied", "/s/p.77.draft"), "nobody knows of others", hint="mend it"
)


def test_one_is_told_as_it_is() -> None:
    assert LEDGER == "the ledger /s/l cannot be written: disk I/O error: this run is not recorded"
    assert PACE == "/s/p cannot be used: Permission denied: nobody knows of others (mend it)"
    assert gathered(["a", LEDGER, "b"]) == ["a", LEDGER, "b"]


def test_several_are_one_line_with_every_file_every_reason_once_and_every_effect() -> None:
    said = gathered(["a", LEDGER, "b", CACHE, PACE])

    assert said[0::2] == ["a", "b"]
    assert said[1] == (
        "the ledger /s/l, the cache in /c and /s/p cannot be used: disk I/O error, Permission denied: "
        "this run is not recorded; going on without the cache; nobody knows of others"
    )
