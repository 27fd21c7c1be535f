"""Tell the user's own command that a budget is nearly used, without waiting for it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping

from synapse_cli.core.prompt import Json


def tell(command: tuple[str, ...], alert: Mapping[str, Json], *, cwd: str, warn: Callable[[str], None]) -> None:
    """Start a command with the alert as JSON on its stdin, in a session of its own; it may outlive this process.

    Its output goes nowhere: stdout is the answer's. Where it cannot be started, that is warned of.
    """
    try:
        with tempfile.TemporaryFile() as stdin:  # a pipe would want somebody to feed it when we are gone
            stdin.write(json.dumps(dict(alert), ensure_ascii=False).encode() + b"\n")
            stdin.seek(0)
            process = subprocess.Popen(
                list(command),
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=cwd if os.path.isdir(cwd) else None,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        warn(
            f"the budget's alert_command cannot be started: {command[0]!r}: {getattr(error, 'strerror', None) or error}"
        )
        return
    process.returncode = 0  # nobody waits for it, and Python is not to warn of that
