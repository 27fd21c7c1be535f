"""Read one input as text, or say in one line why it cannot be read."""

from __future__ import annotations

import codecs
import os
import stat

from synapse_cli.core.errors import InputError, UsageError

_CHUNK = 1 << 20
_BINARY = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip archive (or an office document)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"GGUF", "a model file"),
)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TooLarge(Exception):
    """News for the caller, who knows the cap and words the error; `size` is None where nobody knows it."""

    def __init__(self, size: int | None) -> None:
        super().__init__(size)
        self.size = size


def check_encoding(encoding: str) -> None:
    """Raise UsageError where Python knows no text encoding of this name."""
    try:
        if codecs.lookup(encoding)._is_text_encoding:  # noqa: SLF001  # the only place where Python says it
            return
    except LookupError:
        pass
    raise UsageError(f"there is no text encoding named {encoding!r}", "for example utf-8, utf-16, latin-1, cp1252")


def read(path: str, name: str, max_bytes: int) -> tuple[bytes, bool]:
    """Return a file's bytes, and whether it is a regular file that can be looked at again.

    A pipe is read to its end (`<(command)` is one). Raises InputError, or TooLarge before it has read more than
    `max_bytes`.
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{name} is a folder", f"name its files: -f '{name.rstrip('/')}/*'")
        if stat.S_ISREG(found.st_mode) and found.st_size > max_bytes:
            raise TooLarge(found.st_size)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode)):
            raise InputError(f"{name} is neither a file nor a pipe")
        return _bytes(path, max_bytes), stat.S_ISREG(found.st_mode)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"cannot read {name!r}: {error}") from error


def decode(data: bytes, name: str, encoding: str) -> str:
    """Turn bytes into text, without byte order mark and without newlines at the end."""
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        raise _not_text(data, name, encoding, error) from None
    if "\0" in text:
        raise _binary(data, name, text.index("\0"))
    return text.removeprefix("\ufeff").rstrip("\r\n")


def _bytes(path: str, max_bytes: int) -> bytes:
    pieces = []
    size = 0
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(min(_CHUNK, max_bytes + 1 - size)):
            size += len(piece)
            if size > max_bytes:
                raise TooLarge(None)
            pieces.append(piece)
    return b"".join(pieces)


def _not_text(data: bytes, name: str, encoding: str, error: UnicodeError) -> InputError:
    known = _kind(data)
    if known:
        return _attachment(name, known)
    at = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
    hint = "--encoding utf-16" if data.startswith(_UTF16) else "name its encoding, for example --encoding latin-1"
    return InputError(f"{name} is not {encoding.upper()}{at}", hint)


def _binary(data: bytes, name: str, at: int) -> InputError:
    known = _kind(data)
    return _attachment(name, known) if known else InputError(f"{name} is not text: it holds a NUL (character {at})")


def _attachment(name: str, known: str) -> InputError:
    return InputError(f"{name} is {known}: only text can be given, attachments are not taken yet")


def _kind(data: bytes) -> str | None:
    return next((known for start, known in _BINARY if data.startswith(start)), None)
