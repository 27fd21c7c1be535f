"""Answer from the memo, or load the command line; and turn every ending into an exit code."""

from __future__ import annotations

import os
import sys

from synapse_cli import __version__

TYPE_CHECKING = False  # see core.places
if TYPE_CHECKING:
    from typing import NoReturn

_UNWRITTEN = 66
"""The answer was there and could not be put where it was asked for: the same as for `-o`."""


def main() -> None:
    """Run `synapse` with this process's arguments and exit."""
    _open_streams()
    try:
        code = answer(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 141
    _leave(code)


def _open_streams() -> None:
    """Fill the place of a stream that was closed before the start, print UTF-8 in any locale, and buffered.

    A closed stdin is then empty, writing to a closed stdout fails as it should, and no file that is opened later
    gets the number of a stream and is written into by whoever prints.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", encoding="utf-8", closefd=False))
    if not hasattr(sys.stdout.buffer, "raw"):  # PYTHONUNBUFFERED: what a full disk did not take would not be known
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    elif hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")


def answer(arguments: list[str]) -> int:
    """Run a command line and return its exit code."""
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"synapse {__version__}\n")
        return 0
    if arguments and arguments[0] == "run":
        from synapse_cli.cache import memo

        code = memo.try_answer(arguments, _record)
        if code is not None:
            return code
    from synapse_cli.core.errors import ClosedPipe, SynapseError

    try:
        return _run_command(arguments)
    except ClosedPipe as error:
        return error.exit_code
    except SynapseError as error:
        from synapse_cli.report.problem import tell

        tell(error, debug="--debug" in arguments)
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001  # the last door: a bug is one line, and its traceback on demand
        if isinstance(error, OSError) and _is_of_stdout(error):
            return _unwritten(error)
        from synapse_cli.report.problem import tell_bug

        tell_bug(error, debug="--debug" in arguments)
        return 1


def _run_command(arguments: list[str]) -> int:
    """Run a plain `run` at once, and everything else through Typer."""
    if arguments and arguments[0] == "run":
        from synapse_cli.cli.quick import read

        flags = read(arguments[1:])
        if flags is not None:
            from synapse_cli.cli.run import run

            return run(flags)
    from synapse_cli.cli.app import main as through_typer

    return through_typer(arguments)


def _record(ledger: str, facts: dict[str, str], started: float, latency_s: float, exit_code: int) -> str | None:
    from synapse_cli.core.ids import new_run_id
    from synapse_cli.ledger.row import insert_memo_run

    run_id = new_run_id(started)
    warning = insert_memo_run(ledger, facts, started, latency_s, exit_code, run_id=run_id)
    if "telemetry" not in facts:
        return warning
    from synapse_cli.telemetry.remembered import tell_memo_hit

    said = tell_memo_hit(facts, run_id, started, latency_s, exit_code)
    return "; ".join([*([warning] if warning else []), *said]) or None


def _is_of_stdout(error: OSError) -> bool:
    """Whether writing the answer failed, and not something else."""
    try:
        sys.stdout.flush()
    except OSError as again:
        return again.errno == error.errno
    return False


def _unwritten(error: OSError) -> int:
    """Say that the answer could not be put on stdout (a full disk, a closed descriptor)."""
    try:
        sys.stderr.write(f"synapse: error: cannot write the answer: {error.strerror}\n")
    except OSError:
        pass  # nobody listens; the exit code still tells
    return _UNWRITTEN


def _leave(code: int) -> NoReturn:
    """Flush and end the process; a reader that went away is 141 and not a traceback.

    Python's own tear-down is skipped: it took a third of the CPU of a cached answer, and everything that matters is
    written by now (SQLite's files are whole after each transaction).
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 141
    except OSError as error:
        code = code or _unwritten(error)  # who failed before has said so
    try:
        sys.stderr.flush()
    except OSError:
        pass  # nobody listens; the exit code still tells
    os._exit(code)


if __name__ == "__main__":
    main()
