"""Where does a model file come from: the hub, at a revision or by quantization, or an address with a hash?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from synapse_cli.core.errors import UsageError
from synapse_cli.core.providers import is_loopback

_HUB = re.compile(
    r"(?:hf:)?(?:(?:hf|huggingface)\.co/)?([\w.-]+/[\w.-]+)(?:/([^\s@:]+\.gguf)|:([\w.-]+))?(?:@([\w./-]+))?",
    re.IGNORECASE,
)
_PAGE = re.compile(r"/([\w.-]+/[\w.-]+)(?:/|/(?:resolve|blob|raw)/([^/]+)/(.+\.gguf)|/tree/([^/]+)/?)?", re.IGNORECASE)
"""The pages of the hub that people copy: of a repository, of a revision, of a file."""
_HUB_HOSTS = frozenset({"huggingface.co", "hf.co", "www.huggingface.co"})
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_FORMS = "write hf:OWNER/REPO/FILE[@REVISION], hf:OWNER/REPO:QUANT, or https://…/FILE.gguf with --sha256"


@dataclass(frozen=True, slots=True)
class Hub:
    """A model of the Hugging Face hub, or of a mirror that HF_ENDPOINT names."""

    repo: str
    """`OWNER/REPO`."""
    file: str | None = None
    quantization: str | None = None
    revision: str | None = None
    """A commit, tag or branch; None is the repository's main one."""

    @property
    def text(self) -> str:
        """As a profile writes it; the key of its pin."""
        part = f"/{self.file}" if self.file else f":{self.quantization}" if self.quantization else ""
        return f"hf:{self.repo}{part}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True, slots=True)
class Web:
    """A file at an address; the hash is what makes it a known one."""

    url: str
    sha256: str

    @property
    def text(self) -> str:
        """As a profile writes it; the key of its pin."""
        return self.url


Source: TypeAlias = Hub | Web


def key_of(text: str) -> str:
    """The key under which a lock has a source. Raises UsageError where the text is none."""
    return text if text.startswith("http") and _page(text) is None else parse(text).text


def parse(text: str, sha256: str | None = None) -> Source:
    """Read a source as a profile or a command line writes it. Raises UsageError."""
    if text.startswith(("https:", "http:")):
        return _of_address(text, sha256)
    if text.startswith("builtin:"):
        raise UsageError(f"{text} comes with Synapse: there is nothing to pin or to remove", "synapse models path NAME")
    found = _HUB.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} names no model file", _FORMS)
    if sha256 is not None:
        raise UsageError("--sha256 belongs to an https: address", "the hub tells its files' hashes itself")
    quantization = found[3].upper() if found[3] else None
    return Hub(found[1], found[2], quantization, found[4])


def _page(text: str) -> Hub | None:
    """What a page of the hub shows."""
    parts = urlsplit(text)
    found = _PAGE.fullmatch(unquote(parts.path)) if parts.hostname in _HUB_HOSTS else None
    if found is None:
        return None
    revision = found[2] or found[4]
    return Hub(found[1], found[3], None, None if revision == "main" else revision)


def _of_address(text: str, sha256: str | None) -> Source:
    parts, page = urlsplit(text), _page(text)
    if page is not None:
        return page
    if parts.scheme == "http" and not is_loopback(text):
        raise UsageError(f"{text!r} is not an https: address", "use https:, which nobody on the way can change")
    if not parts.hostname or parts.username or len(parts.path) < 2:
        raise UsageError(f"{text!r} is no address of a file", _FORMS)
    if sha256 is None:
        hint = "--sha256 HEX; sha256sum tells it of a file that you trust"
        raise UsageError(f"the address {text} alone does not say what should come from it", hint)
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{sha256[:80]!r} is no SHA-256", "it has 64 hexadecimal digits")
    return Web(text, sha256.lower())
