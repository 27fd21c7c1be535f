"""Which tokens of a JSON answer say something? Those of its values: keys and punctuation are the schema's."""

from __future__ import annotations

from collections.abc import Sequence

_SPACE = b" \t\r\n"


def of_values(tokens: Sequence[bytes]) -> list[bool]:
    """For each token, whether any byte of it belongs to a value (its quotes aside).

    The text may end anywhere; what is no JSON object or array is all value.
    """
    told = _value_bytes(b"".join(tokens))
    flags, at = [], 0
    for token in tokens:
        flags.append(any(told[at : at + len(token)]))
        at += len(token)
    return flags


def _value_bytes(text: bytes) -> list[bool]:
    """For each byte, whether it belongs to a value."""
    told = [False] * len(text)
    nesting: list[bytes] = []
    is_key, in_text, escaped = False, False, False
    for at, code in enumerate(text):
        byte = bytes((code,))
        if in_text:
            if escaped or byte != b'"':
                told[at] = not is_key
                escaped = not escaped and byte == b"\\"
            else:
                in_text = False
        elif byte == b'"':
            in_text = True
        elif byte in b"{[":
            nesting.append(byte)
            is_key = byte == b"{"
        elif byte in b"}]":
            if nesting:
                nesting.pop()
        elif byte == b":":
            is_key = False
        elif byte == b",":
            is_key = bool(nesting) and nesting[-1] == b"{"
        elif byte not in _SPACE:
            told[at] = True
    return told
