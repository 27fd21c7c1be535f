"""What do `stats`, `trace` and `watch` share: the ledger's place, the terminal, and how runs are told in a pipe."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Mapping

from synapse_cli.core.errors import UsageError
from synapse_cli.core.prompt import Json


def state_folder() -> str:
    """Where the ledger is, and what else is known of runs."""
    from synapse_cli.profile.paths import state_dir

    return str(state_dir())


def ledger_path() -> str:
    """The ledger of this user."""
    from synapse_cli.ledger.schema import FILE

    return os.path.join(state_folder(), FILE)


def width() -> int | None:
    """The columns of the terminal that stdout is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def has_colour(*, no_color: bool) -> bool:
    """Whether to draw in colour: at a terminal that can, unless the user does not want it."""
    wanted = not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()


def seconds_of(span: str, flag: str) -> float:
    """Seconds of a flag such as `2h`. Raises UsageError."""
    from synapse_cli.profile.units import duration_s

    try:
        return duration_s(span)
    except ValueError as error:
        raise UsageError(f"{flag} takes {error}, found {span!r}", f"for example {flag} 2h") from error


def ended_line(run: Mapping[str, Json], *, as_json: bool) -> str:
    """A run that has ended, as a line for scripts: JSON, or fields parted by tabs as `log list` has them."""
    import json

    if as_json:
        return json.dumps(run, ensure_ascii=False) + "\n"
    told = run["tokens"] if isinstance(run["tokens"], dict) else {}
    used = f"{told['input']}+{told['output']}" if told.get("input") is not None else "?"
    status = (
        f"{run['status']} (memo)" if run["memo"] else f"{run['status']} (cached)" if run["cached"] else run["status"]
    )
    took = run["latency_s"]
    fields = (run["run_id"], run["started"], status, run["route"], run["model"], used, run["cost_usd"])
    said = [*("-" if field is None else str(field) for field in fields), "-" if took is None else f"{took:.3f}"]
    return "\t".join(" ".join(field.split()) for field in said) + "\n"


def is_read_no_more(wait_s: float) -> bool:
    """Wait so long, or until whoever reads stdout goes away; whether that has happened."""
    if not hasattr(select, "poll"):
        time.sleep(wait_s)
        return False  # Windows: the next line that is written finds out
    ears = select.poll()
    ears.register(sys.stdout.fileno(), 0)
    gone = ears.poll(wait_s * 1000)
    return any(events & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, events in gone)
