"""Answer from the memo, or load the command line; and turn every ending into an exit code."""

from __future__ import annotations

import sys

from synapse_cli import __version__


def main() -> None:
    """Run `synapse` with this process's arguments and exit."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"synapse {__version__}\n")
        return
    try:
        code = _answer(arguments)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 141
    _leave(code)


def _answer(arguments: list[str]) -> int:
    if arguments and arguments[0] == "run":
        from synapse_cli.cache import memo

        code = memo.try_answer(arguments, _record)
        if code is not None:
            return code
    from synapse_cli.core.errors import ClosedPipe, SynapseError

    try:
        from synapse_cli.cli.app import main as run_command

        return run_command(arguments)
    except ClosedPipe as error:
        return error.exit_code
    except SynapseError as error:
        from synapse_cli.report.problem import tell

        tell(error, debug="--debug" in arguments)
        return error.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:  # the last door: a bug is one line, and its traceback on demand
        from synapse_cli.report.problem import tell_bug

        tell_bug(error, debug="--debug" in arguments)
        return 1


def _record(ledger: str, facts: dict[str, str], started: float, latency_s: float, exit_code: int) -> str | None:
    from synapse_cli.ledger.row import insert_memo_run

    return insert_memo_run(ledger, facts, started, latency_s, exit_code)


def _leave(code: int) -> None:
    """Flush and exit; a reader that went away is 141 and not a traceback."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 141
    except OSError as error:
        sys.stderr.write(f"synapse: error: cannot write the answer: {error.strerror}\n")
        code = code or 1
    if code == 141:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python flushes again at exit, and complains
    sys.exit(code)


if __name__ == "__main__":
    main()
