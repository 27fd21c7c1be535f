"""Say on stderr what went wrong, and what to try. One line each, no traceback unless `--debug` asks for the chain."""

from __future__ import annotations

import sys

from synapse_cli.core.errors import ProfileError, SynapseError


def tell(error: SynapseError, *, debug: bool = False) -> None:
    """Print an error of ours."""
    if isinstance(error, ProfileError):
        for problem in error.problems:
            _line("error", str(problem))
    elif error.message:
        _line("error", error.message)
    if error.hint:
        _line("hint", error.hint)
    if debug:
        _chain(error)


def tell_bug(error: Exception, *, debug: bool = False) -> None:
    """Print an error that nobody foresaw."""
    _line("bug", f"{type(error).__name__}: {' '.join(str(error).split())}")
    if debug:
        import traceback

        traceback.print_exception(error)
    else:
        _line("hint", "run it again with --debug for the traceback, and please report it")


def warn(message: str) -> None:
    """Print a warning."""
    _line("warning", message)


def say(line: str) -> None:
    """Print a line as it is; where nobody listens on stderr, the answer and the exit code still tell."""
    try:
        sys.stderr.write(line + "\n")
    except OSError:
        pass


def _line(kind: str, text: str) -> None:
    say(f"synapse: {kind}: {' '.join(text.split())}")


def _chain(error: BaseException) -> None:
    """The causes, innermost last, without arguments that may hold a key."""
    cause = error.__cause__
    while cause is not None:
        _line("cause", f"{type(cause).__module__}.{type(cause).__qualname__}")
        cause = cause.__cause__
