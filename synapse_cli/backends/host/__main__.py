"""The root of a host's process: `python …/host/__main__.py KIND FOLDER NAME IDLE_S READY`, started by `host.start`.

Where processes can fork there are two of it. The thin one waits: it keeps the log within its bound, tells how the
other ended and clears away what it left. The other serves, and may crash.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import NoReturn

if not __package__:  # run by its path, so that the list of processes says what it is
    sys.path.append(os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3)))

from synapse_cli.backends.host.kind import KINDS, Kind
from synapse_cli.backends.host.place import Place, sweep

_HAS_FORK = hasattr(os, "fork")


def main(arguments: list[str]) -> int:
    """Be the host of a place, or end at once where there is one already."""
    from synapse_cli.backends.host.start import NOT_NEEDED
    from synapse_cli.core.exclusive import take

    kind = next(kind for kind in KINDS if kind == arguments[0])
    place, idle_s, ready = Place(arguments[1], arguments[2]), float(arguments[3]), int(arguments[4])
    os.umask(0o077)
    life = os.open(place.life, os.O_RDWR | os.O_CREAT, 0o600)
    if not take(life):
        return NOT_NEEDED
    _keep_no_core()
    if not _HAS_FORK:
        return _serve(place, kind, idle_s, life, ready)
    if os.fork():
        return 0  # whoever started us reaps this one, and is nobody's parent
    os.setsid()
    return _attend(place, kind, idle_s, life, ready)


def _attend(place: Place, kind: Kind, idle_s: float, life: int, ready: int) -> int:
    """Start the one that serves, and wait for its end."""
    from synapse_cli.backends.host.ending import oom_kills, write_end
    from synapse_cli.backends.host.log import keep

    killed_before = oom_kills()
    source, sink = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(source)
        for stream in (1, 2):
            os.dup2(sink, stream)
        os.close(sink)
        _leave(_serve(place, kind, idle_s, life, ready))
    os.close(sink)
    os.close(ready)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    keep(source, place.log)
    _, status = os.waitpid(pid, 0)
    write_end(place, kind, pid, status, is_out_of_memory=oom_kills() > killed_before)
    return 0


def _serve(place: Place, kind: Kind, idle_s: float, life: int, ready: int) -> int:
    import faulthandler
    import json

    from synapse_cli.backends.host.address import listen
    from synapse_cli.backends.host.calls import Calls
    from synapse_cli.backends.host.journal import Journal
    from synapse_cli.backends.host.log import say
    from synapse_cli.backends.host.server import Server

    faulthandler.enable()  # what every thread did at a crash, in the log
    key = _own_key(place)
    server = Server(place, kind, key, listen(place), Calls(Journal(place.doing(os.getpid())), idle_s))
    _hear_signals(server)
    with open(place.card, "w", encoding="utf-8") as card:
        json.dump({**server.about, "attendant": os.getppid()}, card)
    say(f"{kind} host {os.getpid()} listens")
    _say_ready(ready)
    _warm(kind)
    sweep(place, time.time())
    code = server.serve(lambda: os.close(life) if not _HAS_FORK else _unlock(life))
    say(f"{kind} host {os.getpid()} ends")
    return code


def _own_key(place: Place) -> bytes:
    """A new key, in a file that only this user can read."""
    from synapse_cli.backends.host.greeting import KEY_BYTES

    key = os.urandom(KEY_BYTES)
    scratch = f"{place.key}.{os.getpid()}"
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(handle, key)
    os.close(handle)
    os.replace(scratch, place.key)
    return key


def _hear_signals(server: object) -> None:
    from synapse_cli.backends.host.server import Server

    assert isinstance(server, Server)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the commands at the terminal
    signal.signal(signal.SIGTERM, lambda *_: server.leave(now=True))
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _warm(kind: Kind) -> None:
    """Load what takes seconds while the first client still says what it wants."""
    if kind != "litellm":
        return
    from threading import Thread

    from synapse_cli.backends.litellm_package import package

    Thread(target=package, daemon=True).start()


def _say_ready(ready: int) -> None:
    if ready >= 0:
        os.write(ready, b"1")
        os.close(ready)


def _unlock(life: int) -> None:
    """Let the next host begin; the lock is shared with the process that waits, so closing it here is not enough."""
    import fcntl

    fcntl.flock(life, fcntl.LOCK_UN)


def _keep_no_core() -> None:
    """A core file would put the keys of calls under way on a disk."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _leave(code: int) -> NoReturn:
    """End without tearing down: a native engine's threads do not always let go."""
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1:]))
