"""Keep what the user says that models cost: overrides, and whole lists, each with a number so that it can be undone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from synapse_cli.backends.prices_list import read_list
from synapse_cli.backends.prices_own import SCHEMA, Own, Table, list_path, own, path
from synapse_cli.core.completion import Price
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.exclusive import exclusive
from synapse_cli.core.price_form import price_json
from synapse_cli.profile.paths import write_private

_KEPT = 10
"""Lists that can be gone back to."""


def override(name: str, price: Price, env: Mapping[str, str]) -> None:
    """Let `provider/id` cost this. Raises InputError where it cannot be written."""
    with _in_turn(env):
        known = own(env)
        _write(replace(known, overrides={**known.overrides, name: price_json(price)}), env)


def drop_override(name: str, env: Mapping[str, str]) -> None:
    """Let it cost again what list or catalogue say. Raises UsageError where nothing is overridden."""
    with _in_turn(env):
        known = own(env)
        if name not in known.overrides:
            held = ", ".join(known.overrides) or "none"
            raise UsageError(f"the price of {name} is not overridden", f"overridden are: {held}")
        _write(replace(known, overrides={key: value for key, value in known.overrides.items() if key != name}), env)


def update(file: str, env: Mapping[str, str], now: datetime) -> Table:
    """Take in a list; return what was taken. Nothing changes where the file is no list of prices (InputError)."""
    models, skipped = read_list(file)
    with _in_turn(env):
        return _take_in(file, models, skipped, env, now)


def _take_in(file: str, models: dict[str, Table], skipped: int, env: Mapping[str, str], now: datetime) -> Table:
    known = own(env)
    number = 1 + max((int(str(each["number"])) for each in known.lists), default=0)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(models.items()))
    taken: Table = {
        "number": number,
        "file": os.path.abspath(file),
        "at": now.isoformat(timespec="seconds"),
        "models": len(models),
        "skipped": skipped,
    }
    try:
        write_private(Path(list_path(number, env)), f"{{\n{lines}\n}}\n")
    except OSError as error:
        raise _unwritten(list_path(number, env), error) from error
    lists = (*known.lists, taken)
    _write(replace(known, lists=lists[-_KEPT:]), env)
    _forget(lists[:-_KEPT], env)
    return taken


def drop_list(env: Mapping[str, str]) -> tuple[Table, Table | None]:
    """Go back to the list before the newest; return the one that went and the one that counts now."""
    with _in_turn(env):
        known = own(env)
        if not known.lists:
            raise UsageError("no list of prices was taken in", "synapse prices update FILE takes one in")
        _write(replace(known, lists=known.lists[:-1]), env)
        _forget(known.lists[-1:], env)
    return known.lists[-1], known.lists[-2] if len(known.lists) > 1 else None


@contextmanager
def _in_turn(env: Mapping[str, str]) -> Iterator[None]:
    """One process at a time: what two say at once must both be kept."""
    turn = os.path.join(os.path.dirname(path(env)), ".prices.turn")
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(turn))
        except OSError as error:
            raise _unwritten(path(env), error) from error
        yield


def _write(known: Own, env: Mapping[str, str]) -> None:
    told = {"schema": SCHEMA, "overrides": dict(sorted(known.overrides.items())), "lists": list(known.lists)}
    try:
        write_private(Path(path(env)), json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise _unwritten(path(env), error) from error


def _forget(lists: tuple[Table, ...], env: Mapping[str, str]) -> None:
    """Delete lists that nobody goes back to; one that will not go does no harm."""
    for each in lists:
        try:
            os.unlink(list_path(int(str(each["number"])), env))
        except OSError:
            continue


def _unwritten(at: str, error: OSError) -> InputError:
    return InputError(f"cannot write {at}: {error.strerror}", "check the folder's mode, or set SYNAPSE_CONFIG_DIR")
