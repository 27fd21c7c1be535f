"""Which pairs of prompts ask the same, by somebody's label? Read from JSON lines, in an order that is their own.

A row is `{"a", "b", "dup"}`, with `"split"` where the author has said what is for training. gzip or plain.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from synapse_cli.core.errors import InputError

TRAIN = "train"
_HINT = '{"a": "How do I reset it?", "b": "How is it reset?", "dup": 1} on each line'
_LARGEST_GROUP = 0.2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prompts, and whether they ask the same."""

    first: str
    second: str
    same: bool
    split: str = ""

    @property
    def key(self) -> str:
        """Names the pair whichever prompt comes first."""
        texts = sorted((self.first, self.second))
        return sha256("\0".join((*texts, str(self.same))).encode("utf-8", "surrogatepass")).hexdigest()


def read(paths: Sequence[str]) -> list[Pair]:
    """All rows of these files, each pair once, sorted by their own hash. Raises InputError with file and line."""
    found = {pair.key: pair for path in paths for pair in _rows(path)}
    if not found:
        raise InputError(f"{', '.join(paths)} holds no pairs", _HINT)
    return [found[key] for key in sorted(found)]


def digest(pairs: Sequence[Pair]) -> str:
    """The SHA-256 of all pairs, whatever their order."""
    return sha256("\n".join(sorted(pair.key for pair in pairs)).encode()).hexdigest()


def parted(pairs: Sequence[Pair], share: float) -> tuple[list[Pair], list[Pair]]:
    """What is for training and what for the proof: as the rows say, else by hash, `share` of them for training.

    Pairs that share a prompt stay together, so that the proof is about prompts that the verifier has not seen; where
    that would put too many in one part, each goes its own way.
    """
    says = {pair.split == TRAIN for pair in pairs}
    if len(says) == 2:
        return [pair for pair in pairs if pair.split == TRAIN], [pair for pair in pairs if pair.split != TRAIN]
    groups = _groups(pairs)
    if Counter(groups).most_common(1)[0][1] > _LARGEST_GROUP * len(pairs):
        groups = [pair.key for pair in pairs]
    parts: tuple[list[Pair], list[Pair]] = ([], [])
    for pair, group in zip(pairs, groups, strict=True):
        parts[_place(group) >= share].append(pair)
    return parts


def _place(key: str) -> float:
    """A number in [0, 1) that the key alone decides."""
    return int.from_bytes(sha256(f"part\0{key}".encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def _groups(pairs: Sequence[Pair]) -> list[str]:
    """For each pair a name that all pairs have which are joined to it by common prompts."""
    leads: dict[str, str] = {}

    def lead(text: str) -> str:
        while (above := leads.setdefault(text, text)) != text:
            leads[text] = leads[above]
            text = above
        return text

    for pair in pairs:
        ends = sorted((lead(pair.first), lead(pair.second)))
        leads[ends[1]] = ends[0]
    return [lead(pair.first) for pair in pairs]


def _rows(path: str) -> Iterator[Pair]:
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            yield _pair(line, f"{path}, line {number}")


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            data = file.read()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})", "convert it: iconv -t utf-8") from error
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the pairs {path} cannot be read: {why}", _HINT) from error


def _pair(line: str, where: str) -> Pair:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: no JSON: {error}", _HINT) from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: found {type(row).__name__}, expected an object", _HINT)
    for key in ("a", "b"):
        if not isinstance(row.get(key), str):
            raise InputError(f"{where}: {key}: found {_found(row, key)}, expected a text", _HINT)
    if row.get("dup") not in (0, 1):
        raise InputError(f"{where}: dup: found {_found(row, 'dup')}, expected 1 (they ask the same) or 0", _HINT)
    return Pair(row["a"], row["b"], bool(row["dup"]), str(row.get("split") or ""))


def _found(row: dict[str, object], key: str) -> str:
    return json.dumps(row[key])[:60] if key in row else "nothing"
