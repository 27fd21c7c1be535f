"""Make a foreign text fit to be shown: one line, no control characters, no key."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
_FRAGMENT = 8
"""Characters of a secret that are hidden even alone: providers echo a key's head, or cut a message in the middle."""
_LOOKS_SECRET = re.compile(
    r"""\b(?:sk|pk|rk|gsk|xai|hf|pplx|nvapi|r8|tgp|csk|fw|ghp|glpat)[-_][\w.*-]{12,}  # heads of providers' keys
      | \b(?:AKIA|AIza|ya29\.)[\w-]{12,}
      | (?i:(?<=bearer\s)|(?<=api-key:\s))\S+  # in headers
      | (?<=[?&]key=)[^&\s"']+  # in addresses
      | [\w.-]{1,40}\*{3,}[\w.*-]*  # masked by the provider
    """,
    re.VERBOSE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide every secret, each piece of one, and whatever looks like a key."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = _hide(text, secret)
    return _LOOKS_SECRET.sub(HIDDEN, text)


def one_line(text: str, secrets: Iterable[str] = (), *, at_most: int = 300) -> str:
    """Return a redacted text as one printable line, cut with an ellipsis (after redaction, never through a key)."""
    clean = redact(text, secrets)
    line = " ".join("".join(character if character.isprintable() else " " for character in clean).split())
    return line if len(line) <= at_most else line[: at_most - 1].rstrip() + "…"


def _hide(text: str, secret: str) -> str:
    if len(secret) <= _FRAGMENT:
        return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
    heads = {secret[start : start + _FRAGMENT] for start in range(len(secret) - _FRAGMENT + 1)}
    marked = [False] * len(text)
    for start in range(len(text) - _FRAGMENT + 1):
        if text[start : start + _FRAGMENT] in heads:
            marked[start : start + _FRAGMENT] = [True] * _FRAGMENT
    return _collapse(text, marked)


def _collapse(text: str, marked: list[bool]) -> str:
    pieces: list[str] = []
    for index, character in enumerate(text):
        if not marked[index]:
            pieces.append(character)
        elif index == 0 or not marked[index - 1]:
            pieces.append(HIDDEN)
    return "".join(pieces)
