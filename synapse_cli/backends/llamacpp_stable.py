"""Where does the beginning of a route's prompts survive a restart? On disk, by the hash of what was read and by what.

A file that is damaged, or of another model, adapter or version, is no file; one that cannot be written costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from synapse_cli.backends.gguf import Header
from synapse_cli.backends.llamacpp_library import version
from synapse_cli.core import places
from synapse_cli.core.files import file_sha256
from synapse_cli.profile.model import Model

if TYPE_CHECKING:
    from synapse_cli.backends.llamacpp_context import State

_MAGIC = b"synapse prefix 1\n"
_DIGEST = hashlib.sha256().digest_size
_MOST_EACH = 256_000_000
_MOST = 1_000_000_000
"""Bytes in the folder; what was of no use for longest goes first."""


def beginnings_of(model: Model, header: Header) -> Beginnings | None:
    """Those of a model of the profile; None where the environment does not say where they could be."""
    try:
        folder = _folder(places.folder("cache", os.environ))
        weights = [file_sha256(path) for path in header.parts]
        adapters = [(file_sha256(lora.file), lora.scale) for lora in model.lora]
    except OSError:
        return None
    return Beginnings(folder, repr((version(), weights, adapters, model.gpu)))


def clear(cache: str) -> int:
    """Drop those of every model from a cache folder; how many there were."""
    try:
        found = [entry.path for entry in os.scandir(_folder(cache))]
    except FileNotFoundError:
        return 0
    for path in found:
        os.remove(path)
    return len(found)


def _folder(cache: str) -> str:
    return os.path.join(cache, "prefixes")


class Beginnings:
    """The beginnings kept for one model as it is loaded."""

    def __init__(self, folder: str, identity: str) -> None:
        """`identity` names everything but the tokens that decides what llama.cpp makes of them."""
        self._folder = folder
        self._identity = identity
        self.most_bytes = _MOST_EACH

    def load(self, tokens: Sequence[int]) -> State | None:
        """What llama.cpp held after these tokens; None where that is not known."""
        import numpy as np

        path = self._path(tokens)
        try:
            with open(path, "rb") as file:
                head = file.read(len(_MAGIC) + _DIGEST)
                state = np.frombuffer(file.read(_MOST_EACH), np.uint8)
        except OSError:
            return None
        if head != _MAGIC + hashlib.sha256(state.data).digest():
            self._remove(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # of use: it goes last
        return state.copy()  # llama.cpp wants to be given what it could write to

    def has(self, tokens: Sequence[int]) -> bool:
        """Whether these were saved."""
        return os.path.exists(self._path(tokens))

    def save(self, tokens: Sequence[int], state: State) -> None:
        """Keep what llama.cpp holds after these tokens."""
        path = self._path(tokens)
        draft = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            places.make_private(self._folder)
            descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(state.data).digest())
                file.write(state.data)
            os.replace(draft, path)
            self._prune()
        except OSError:
            self._remove(draft)

    def _path(self, tokens: Sequence[int]) -> str:
        text = f"{self._identity}\n{','.join(map(str, tokens))}"
        return os.path.join(self._folder, hashlib.sha256(text.encode()).hexdigest())

    def _prune(self) -> None:
        found = sorted(os.scandir(self._folder), key=lambda entry: -entry.stat().st_mtime_ns)
        size = 0
        for entry in found:
            size += entry.stat().st_size
            if size > _MOST:
                self._remove(entry.path)

    @staticmethod
    def _remove(path: str) -> None:
        with contextlib.suppress(OSError):
            os.remove(path)
