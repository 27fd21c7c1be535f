"""How is a place listened at, and reached?

By a Unix socket; where a system has none (Windows), by a port of the loopback interface whose number lies in the
file where the socket would be. The greeting protects both alike.
"""

from __future__ import annotations

import os
import socket

from synapse_cli.backends.host.place import Place

_BACKLOG = 128
_LOOPBACK = "127.0.0.1"


def listen(place: Place, *, unix: bool = hasattr(socket, "AF_UNIX")) -> socket.socket:
    """Listen at a place; a socket that a dead host left behind is replaced. Raises OSError."""
    try:
        os.unlink(place.socket)
    except FileNotFoundError:
        pass  # the usual case
    if unix:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(place.socket)
        os.chmod(place.socket, 0o600)
        listener.listen(_BACKLOG)
        return listener
    listener = socket.create_server((_LOOPBACK, 0), backlog=_BACKLOG)
    scratch = f"{place.socket}.{os.getpid()}"
    with open(scratch, "w", encoding="ascii") as file:
        file.write(str(listener.getsockname()[1]))
    os.replace(scratch, place.socket)
    return listener


def reach(place: Place, timeout_s: float, *, unix: bool = hasattr(socket, "AF_UNIX")) -> socket.socket:
    """Connect to who listens at a place. Raises OSError where nobody does, BlockingIOError where too many wait."""
    if unix:
        connection = socket.socket(socket.AF_UNIX)
        address: str | tuple[str, int] = place.socket
    else:
        with open(place.socket, encoding="ascii") as file:
            address = (_LOOPBACK, int(file.read()))
        connection = socket.socket()
    connection.settimeout(timeout_s)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
