"""Start the sender of a spool, unless one is at work; nobody waits for it."""

from __future__ import annotations

import os
import sys

from synapse_cli.core.exclusive import is_held
from synapse_cli.telemetry.wanted import ENDPOINTS

TYPE_CHECKING = False  # a memo hit is told too; see core.places
if TYPE_CHECKING:
    from collections.abc import Mapping

    from synapse_cli.telemetry.settings import Target
    from synapse_cli.telemetry.spool import Spool

_MAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
_NAMES = frozenset(
    (
        *("PATH", "HOME", "USERPROFILE", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL"),
        *("VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    )
)
_HEADS = ("OTEL_", "GRPC_", "PYTHON")
"""What a sender inherits: how to run, and how to reach an address. Keys of providers are none of its business."""
_started: list[int] = []
"""Senders that this process started and has not heard the end of."""


def start(spool: Spool, target: Target, env: Mapping[str, str]) -> None:
    """Start a sender of its own session, with the address and the headers in its environment. Raises OSError."""
    _reap()
    if is_held(spool.lock):
        return
    command, around = [sys.executable, "-P", _MAIN, spool.path], sender_environment(target, env)
    if hasattr(os, "posix_spawn"):
        try:
            _started.append(_spawn(command, around))
            return
        except NotImplementedError:  # a C library without sessions for it
            pass
    _popen(command, around)


def send_now(spool: Spool, target: Target, env: Mapping[str, str]) -> bool:
    """Send as a sender does, in a process of its own, and wait for it; whether nothing went wrong."""
    import subprocess

    command = [sys.executable, "-P", _MAIN, spool.path, "now"]
    nowhere = subprocess.DEVNULL
    done = subprocess.run(
        command, env=sender_environment(target, env), stdin=nowhere, stdout=nowhere, stderr=nowhere, check=False
    )
    return done.returncode == 0


def sender_environment(target: Target, env: Mapping[str, str]) -> dict[str, str]:
    """What the exporters read: the profile's address in place of the environment's, and headers of both.

    Headers are never on argv, nor in a file.
    """
    around = {name: value for name, value in env.items() if name.upper() in _NAMES or name.startswith(_HEADS)}
    around["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc" if target.protocol == "grpc" else "http/protobuf"
    if target.is_of_profile:
        for name in ENDPOINTS:
            around.pop(name, None)
        around[ENDPOINTS[0]] = _base(target.endpoint or "")
    if target.headers:
        from urllib.parse import quote

        given = env.get("OTEL_EXPORTER_OTLP_HEADERS", "")
        told = [f"{quote(name)}={quote(value)}" for name, value in target.headers.items()]
        around["OTEL_EXPORTER_OTLP_HEADERS"] = ",".join([*([given] if given else []), *told])
    return around


def _base(endpoint: str) -> str:
    """The address without a signal's path: people copy it from a page that shows it with one."""
    for path in ("/v1/traces", "/v1/metrics"):
        endpoint = endpoint.rstrip("/").removesuffix(path)
    return endpoint


def _spawn(command: list[str], env: Mapping[str, str]) -> int:
    """Ten times as quick as importing subprocess for it; what is inherited besides, the sender closes itself."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)]
    streams = [(os.POSIX_SPAWN_DUP2, 0, number) for number in (1, 2)]
    return os.posix_spawn(command[0], command, env, file_actions=[*nowhere, *streams], setsid=True)


def _popen(command: list[str], env: Mapping[str, str]) -> None:
    import subprocess

    flags = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    nowhere = subprocess.DEVNULL
    subprocess.Popen(command, env=dict(env), stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=flags)


def _reap() -> None:
    """Hear the end of earlier senders; a process that answers many prompts would gather them as zombies."""
    for pid in list(_started):
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                _started.remove(pid)
        except ChildProcessError:
            _started.remove(pid)
