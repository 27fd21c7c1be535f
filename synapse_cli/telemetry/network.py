"""Hand a run's exports to the sender, and say once what an earlier one could not deliver. Never waits for a network."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec

from synapse_cli.telemetry import spool as spools
from synapse_cli.telemetry.settings import shown
from synapse_cli.telemetry.spool import Failure, Spool
from synapse_cli.telemetry.start import start

TYPE_CHECKING = False  # a memo hit is told too; see core.places
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from synapse_cli.telemetry.settings import Target

HOW_TO_INSTALL = "pip install 'synapse-llm[otel]'"
_DAY_S = 86_400.0


def hand_over(
    target: Target, run_id: str, data: bytes, *, state: str, env: Mapping[str, str], warn: Callable[[str], None]
) -> None:
    """Leave the exports where a sender finds them, and see to it that there is one. Raises OSError."""
    if not has_sdk():
        _say_once_a_day(os.path.join(state, spools.FOLDER, "no-sdk"), warn, _lack(target))
        return
    spool = spools.spool_of(target, state, env)
    spools.put(spool, target, run_id, data)
    failed = spools.failure(spool)
    _say(spool, target, failed, warn)
    if not spools.is_resting(failed, spools.now()):
        start(spool, target, env)


def has_sdk() -> bool:
    """Whether the extra is installed; nothing of it is loaded to tell."""
    try:
        return find_spec("opentelemetry.sdk") is not None and find_spec("opentelemetry.exporter.otlp") is not None
    except (ImportError, ValueError):
        return False


def said(failed: Failure, endpoint: str) -> str:
    """What a person should know of an address that takes nothing."""
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(failed.since))
    return f"telemetry could not be delivered to {shown(endpoint)} since {since}: {failed.why}"


def _lack(target: Target) -> str:
    return f"telemetry cannot go to {shown(target.endpoint or '')}: OpenTelemetry is not installed: {HOW_TO_INSTALL}"


def _say(spool: Spool, target: Target, failed: Failure | None, warn: Callable[[str], None]) -> None:
    """Say a failure at the first run after it, and not again until something was delivered."""
    if failed is None or failed.is_told:
        return
    warn(said(failed, target.endpoint or ""))
    spools.note_failure(spool, Failure(failed.since, failed.last, failed.why, is_told=True))


def _say_once_a_day(marker: str, warn: Callable[[str], None], message: str) -> None:
    """A warning at every run would keep each from the memo."""
    try:
        if time.time() - os.stat(marker).st_mtime < _DAY_S:
            return
    except OSError:
        pass
    warn(message)
    from synapse_cli.core import places

    places.make_private(os.path.dirname(marker))
    spools.write_whole(marker, b"")
