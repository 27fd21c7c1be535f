"""How do two processes on this machine exchange frames?

The frames are those of `multiprocessing.connection`: a length of four bytes, big-endian and signed, then the
content. They are spoken over the bare socket because importing that library costs three times what Python
itself costs to start, and because its reads know neither a deadline nor a way to be asked to stop.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

from synapse_cli.core.prompt import Json

FRAME_BYTES = 64 << 20
"""The longest frame that either side takes: six times the longest prompt that a profile allows by itself."""
_CHUNK = 1 << 16
_HEAD = 4

Patience = Callable[[], float | None]
"""Asked before each wait: how many seconds it may take (None is for ever). What it raises ends the wait."""


class Gone(Exception):
    """The other side is not there any more."""


class BadFrame(Exception):
    """The other side sent what is no frame of ours, or one that is too long."""


def for_ever() -> float | None:
    """Wait until something comes."""
    return None


class Wire:
    """One connection. One thread may send while another receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._read = bytearray()

    def send(self, content: bytes) -> None:
        """Send one frame. Raises Gone, and BadFrame for a content that the other side would not take."""
        if len(content) > FRAME_BYTES:
            raise BadFrame(f"a frame of {len(content)} bytes is longer than the {FRAME_BYTES} that a host takes")
        try:
            self._socket.sendall(len(content).to_bytes(_HEAD, "big") + content)
        except OSError as error:
            raise Gone(str(error)) from error

    def receive(self, at_most: int = FRAME_BYTES, patience: Patience = for_ever) -> bytes:
        """Return the next frame. Raises Gone, BadFrame, and whatever `patience` raises."""
        length = int.from_bytes(self._take(_HEAD, patience), "big", signed=True)
        if not 0 <= length <= at_most:
            raise BadFrame(f"a frame says that it is {length} bytes long, and {at_most} are the most")
        return self._take(length, patience)

    def send_json(self, value: Json) -> None:
        """Send a value as one frame."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        self.send(text.encode("utf-8", "surrogatepass"))

    def receive_json(self, patience: Patience = for_ever) -> dict[str, Json]:
        """Return the next frame's table. Raises BadFrame where it is none."""
        content = self.receive(patience=patience)
        try:
            value = json.loads(content.decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError) as error:
            raise BadFrame("a frame is not JSON") from error
        if not isinstance(value, dict):
            raise BadFrame("a frame is not a JSON object")
        return value

    def end(self) -> None:
        """Send nothing more, and wake whoever waits for a frame here."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is gone already

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, count: int, patience: Patience) -> bytes:
        while len(self._read) < count:
            self._fill(patience)
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken

    def _fill(self, patience: Patience) -> None:
        """Read what there is, or wait for it once."""
        wait_s = patience()
        try:
            self._socket.settimeout(wait_s)
            chunk = self._socket.recv(_CHUNK)
        except TimeoutError:
            return
        except OSError as error:
            raise Gone(str(error)) from error
        if not chunk:
            raise Gone("the connection ended")
        self._read += chunk
