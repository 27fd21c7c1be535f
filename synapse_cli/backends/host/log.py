"""What did a host say? Its own lines and its engine's, in a file that never grows beyond a bound."""

from __future__ import annotations

import os
import sys
import time

from synapse_cli.core.redact import redact

MOST_BYTES = 1_000_000
_LONGEST_LINE = 8_192


def say(line: str) -> None:
    """Write a line into this host's log: never a prompt, an answer or a key."""
    try:
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line.rstrip()}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # whoever keeps the log is gone


def keep(source: int, path: str, most_bytes: int = MOST_BYTES) -> None:
    """Write what comes out of a pipe into the log until the pipe ends, less what looks like a key."""
    rest = b""
    while chunk := os.read(source, 65_536):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) > _LONGEST_LINE:
            whole, newline, rest = whole + newline + rest, b"\n", b""
        if whole:
            _append(path, whole + newline, most_bytes)
    if rest:
        _append(path, rest + b"\n", most_bytes)


def tail(path: str, lines: int) -> list[str]:
    """The last lines of a log. Raises OSError where there is none."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()[-lines:]


def _append(path: str, text: bytes, most_bytes: int) -> None:
    clean = redact(text.decode("utf-8", "replace")).encode()
    if len(clean) > most_bytes // 2:
        clean = clean[-most_bytes // 2 :].partition(b"\n")[2]
    try:
        with open(path, "ab") as file:
            os.chmod(path, 0o600)
            if file.tell() + len(clean) > most_bytes:
                _halve(path, most_bytes)
            file.write(clean)
    except OSError:
        return  # a full disk costs the log, never an answer


def _halve(path: str, most_bytes: int) -> None:
    with open(path, "r+b") as file:
        file.seek(-most_bytes // 2, os.SEEK_END)
        kept = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(kept)
        file.truncate()
