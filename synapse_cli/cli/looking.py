"""Where and how do `stats`, `trace` and `watch` look: the ledger's place, the terminal's width and colours."""

from __future__ import annotations

import os
import shutil
import sys


def ledger_path() -> str:
    """The ledger of this user."""
    from synapse_cli.ledger.schema import FILE
    from synapse_cli.profile.paths import state_dir

    return str(state_dir() / FILE)


def width() -> int | None:
    """The columns of the terminal that stdout is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def has_colour(no_color: bool) -> bool:
    """Whether to draw in colour: at a terminal that can, unless the user does not want it."""
    wanted = not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and sys.stdout.isatty()
