"""What did the user give? Arguments, files and stdin, read, checked and put together into one text.

Arguments come first, joined by a space; then each file, named and fenced; then stdin, raw, unless a lone `-` among the
arguments or `-f -` has placed it elsewhere. A blank line stands between parts; newlines at the end of stdin and of
files are dropped, so that `echo` and `printf` ask the same.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from synapse_cli.context import reading
from synapse_cli.core.errors import InputError, UsageError
from synapse_cli.core.witness import Witness

_STDIN = "-"
_STDIN_PATHS = frozenset({_STDIN, "/dev/stdin", "/dev/fd/0"})
_GLOB = re.compile(r"[*?\[]")
_NOTHING = 'say something: synapse run "Summarize this" < notes.txt (see synapse run -h)'


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """Everything the user gave."""

    text: str
    """All of it in order: the prompt where no template is used."""
    words: str
    """The arguments alone."""
    attached: str
    """Files and stdin: what `{{ input }}` stands for in a template."""
    files: tuple[str, ...] = ()
    """Names as they are shown to the model; `-` is stdin."""
    memoisable: bool = True
    """False where a pipe or a device was read, which nobody can look at again."""


def gather(
    prompt_words: Sequence[str],
    files: Sequence[str],
    stdin_bytes: bytes | None,
    *,
    cwd: str,
    encoding: str = "utf-8",
    max_bytes: int,
    witness: Witness,
    may_be_empty: bool = False,
) -> Input:
    """Read and join the inputs. `stdin_bytes` is None where stdin is a terminal.

    Raises InputError for what cannot be read or is no text, UsageError where nothing was given at all (unless a
    template asks for nothing more).
    """
    reading.check_encoding(encoding)
    words = [_word(word) for word in prompt_words]
    gatherer = _Gatherer(cwd, encoding, max_bytes, witness)
    gatherer.spend(sum(len(word.encode()) for word in words), "the prompt")
    wanted = [name for pattern in files for name in gatherer.expand(pattern)]
    places = words.count(_STDIN) + sum(name in _STDIN_PATHS for name in wanted)
    if places > 1:
        raise UsageError("stdin can stand in one place only", "use one `-`")
    stdin = _stdin(stdin_bytes, gatherer, asked=places > 0)

    fenced = [(name, gatherer.file(name, stdin)) for name in wanted]
    blocks = [_fenced(name, text) for name, text in fenced]
    before, after = _around_stdin(words)
    here = [stdin] if _STDIN in words else []
    last = [stdin] if places == 0 else []
    text = _join(before, *here, after, *blocks, *last)
    if not text and not may_be_empty:
        raise UsageError("there is no prompt", _NOTHING)
    return Input(
        text=text,
        words=" ".join(word for word in words if word != _STDIN),
        attached=_join(*blocks, *here, *last),
        files=tuple(wanted),
        memoisable=gatherer.memoisable,
    )


class _Gatherer:
    """Reads within one common size cap, and tells the witness what was looked at."""

    def __init__(self, cwd: str, encoding: str, max_bytes: int, witness: Witness) -> None:
        self.cwd = cwd
        self.encoding = encoding
        self.left = self.max_bytes = max_bytes
        self.witness = witness
        self.memoisable = True

    def expand(self, pattern: str) -> list[str]:
        """Names that a `-f` stands for: itself, or the sorted files that a glob matches."""
        path = os.path.join(self.cwd, pattern)
        if pattern in _STDIN_PATHS or not _GLOB.search(pattern) or os.path.lexists(path):
            return [pattern]
        import glob

        self.witness.looked_for(path)
        matches = sorted(glob.glob(pattern, root_dir=self.cwd, recursive=True))
        found = sorted(os.path.abspath(os.path.join(self.cwd, match)) for match in matches)
        self.witness.matched(path, tuple(found))
        names = [match for match in matches if not os.path.isdir(os.path.join(self.cwd, match))]
        if not names:
            raise InputError(f"no file matches {pattern!r}", f"looked in {self.cwd}")
        return names

    def file(self, name: str, stdin: str) -> str:
        """The text of one file."""
        if name in _STDIN_PATHS:
            return stdin
        path = os.path.join(self.cwd, name)
        try:
            data, repeatable = reading.read(path, name, self.left)
        except reading.TooLarge as large:
            raise self._too_large(name, large.size) from None
        except InputError:
            self.witness.looked_for(path)
            raise
        if repeatable:
            self.witness.read(path, hashlib.sha256(data).hexdigest())
        else:
            self.memoisable = False
        self.spend(len(data), name)
        return reading.decode(data, name, self.encoding)

    def spend(self, size: int, name: str) -> None:
        """Count bytes against the cap."""
        if size > self.left:
            raise self._too_large(name, size)
        self.left -= size

    def _too_large(self, name: str, size: int | None) -> InputError:
        read = self.max_bytes - self.left
        what = f"{name} is too large" if size is None else f"{name} has {size:,} bytes"
        already = f" ({read:,} are taken by what came before it)" if read else ""
        return InputError(
            f"{what}; at most {self.max_bytes:,} bytes may be given in all{already}",
            "cut it, or raise max_input under [defaults] in the profile",
        )


def _word(word: str) -> str:
    """Refuse an argument that the shell passed as bytes that are no UTF-8."""
    try:
        word.encode("utf-8")
    except UnicodeEncodeError as error:
        at = len(word[: error.start].encode("utf-8", "surrogateescape"))
        raise InputError(
            f"an argument is not UTF-8 (byte {at})", "pass the text through stdin, with --encoding"
        ) from None
    return word


def _stdin(stdin_bytes: bytes | None, gatherer: _Gatherer, *, asked: bool) -> str:
    if stdin_bytes is None:
        if asked:
            raise InputError("nothing was piped in, but `-` asks for stdin", "cat FILE | synapse run PROMPT -")
        return ""
    gatherer.spend(len(stdin_bytes), "stdin")
    return reading.decode(stdin_bytes, "stdin", gatherer.encoding)


def _around_stdin(words: Sequence[str]) -> tuple[str, str]:
    if _STDIN not in words:
        return " ".join(words), ""
    at = words.index(_STDIN)
    return " ".join(words[:at]), " ".join(words[at + 1 :])


def _fenced(name: str, text: str) -> str:
    """Name and fence a file; the fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    shown = "stdin" if name in _STDIN_PATHS else re.sub(r"[\x00-\x1f\x7f]", "?", name)
    return f"File: {shown}\n{fence}\n{text}\n{fence}"


def _join(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part.strip())
