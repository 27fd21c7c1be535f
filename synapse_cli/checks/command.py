"""Does a program of the user's own accept the answer?"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import ClassVar, Literal

from synapse_cli.checks.doubtful import one_line, passes_if_missing, unevaluated
from synapse_cli.core import child
from synapse_cli.core.completion import Completion
from synapse_cli.core.control import Control
from synapse_cli.core.options import Options
from synapse_cli.core.prompt import Request
from synapse_cli.core.verdict import Verdict

_DEFAULT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Command:
    """Passes an answer for which `argv` exits with 0.

    The answer is the program's stdin, without a shell in between, in the folder of the profile that names it, so
    that relative paths in `argv` resolve from there. The first line of its stderr is the reason. The program
    inherits the environment: it is the user's own.
    """

    kind: ClassVar[str] = "command"
    binds: ClassVar[Literal["validity", "doubt"]] = "validity"

    argv: tuple[str, ...]
    timeout_s: float = _DEFAULT_TIMEOUT_S
    cwd: str | None = None
    if_missing_pass: bool = False
    edition: str = ""
    """Size, times and place of its files: a verdict kept for an older edition is not this program's."""

    @classmethod
    def parse(cls, options: Options) -> Command:
        """Read `argv` and `timeout_s`."""
        options.require("argv")
        argv = options.texts("argv")
        if options.values.get("argv") == []:
            options.problem("argv", "an empty list", "a program and its arguments")
        if any("\0" in word for word in argv):
            options.problem("argv", "a NUL character", "arguments that a program can be given")
        timeout_s = options.number("timeout_s", _DEFAULT_TIMEOUT_S, least=0.01, most=3600.0)
        folder = os.path.dirname(os.path.abspath(options.file)) if options.file else None
        anchored = _anchored(argv, folder)
        missing_pass = passes_if_missing(options)
        return cls(anchored, timeout_s or _DEFAULT_TIMEOUT_S, folder, missing_pass, _edition(_files(anchored, folder)))

    @property
    def files(self) -> tuple[str, ...]:
        """The program and those of its arguments that are files: when one changes, an old verdict says nothing."""
        return _files(self.argv, self.cwd)

    def judge(self, request: Request, completion: Completion, control: Control) -> Verdict:
        """Run the program on the answer."""
        del request
        text = completion.text.encode("utf-8", "replace")
        ended = child.run(self.argv, text, timeout_s=self.timeout_s, control=control, cwd=self.cwd)
        if isinstance(ended, child.Unended):
            return unevaluated(self.kind, ended.reason, passes=self.if_missing_pass)
        if ended.exit_code == 0:
            return Verdict(self.kind, passed=True)
        return Verdict(self.kind, passed=False, reason=_reason(self.argv[0], ended))


def _anchored(argv: tuple[str, ...], folder: str | None) -> tuple[str, ...]:
    if argv and folder is not None and os.path.basename(argv[0]) != argv[0]:
        return (os.path.join(folder, os.path.expanduser(argv[0])), *argv[1:])
    return argv


def _files(argv: tuple[str, ...], cwd: str | None) -> tuple[str, ...]:
    if not argv or any("\0" in word for word in argv):
        return ()
    paths = [shutil.which(argv[0]), *(os.path.join(cwd or os.getcwd(), word) for word in argv[1:])]
    return tuple(path for path in paths if path is not None and os.path.isfile(path))


def _edition(files: tuple[str, ...]) -> str:
    stats = [os.stat(path) for path in files]
    return " ".join(f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}" for found in stats)


def _reason(program: str, ended: child.Ended) -> str:
    first = ended.err.decode("utf-8", "replace").strip().partition("\n")[0]
    code = ended.exit_code
    how = f"{os.path.basename(program)} exited with {code}" if code >= 0 else f"a signal ({-code}) ended {program}"
    return one_line(first) or one_line(how)
