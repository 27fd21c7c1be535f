"""The process that sends what waits in one spool: `python -P synapse_cli/telemetry/__main__.py FOLDER [now]`."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Send, stay for what comes soon after (not with `now`), and end; 75 where the collector took nothing."""
    os.closerange(3, 1024)  # a pipe of whoever started it would stay open for as long as this lives
    from synapse_cli.telemetry.sender import LINGER_S, send
    from synapse_cli.telemetry.spool import Spool

    if hasattr(os, "nice"):
        os.nice(10)
    linger_s = 0.0 if sys.argv[2:] == ["now"] else LINGER_S
    return 0 if send(Spool(sys.argv[1]), linger_s=linger_s) is None else 75


if __name__ == "__main__":
    sys.exit(main())
