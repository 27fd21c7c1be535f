"""`synapse telemetry`: where runs are told in OpenTelemetry's terms, and whether they arrive."""

from __future__ import annotations

import json as _json
import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synapse_cli.core.errors import EngineMissing, Unavailable, UsageError

if TYPE_CHECKING:
    from synapse_cli.telemetry.settings import Target

app = typer.Typer(
    help="Say where runs are told, and whether they arrive.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")]
_HOW = "set file or endpoint in [telemetry], SYNAPSE_TELEMETRY=FILE, or OTEL_EXPORTER_OTLP_ENDPOINT"


@app.callback()
def telemetry() -> None:
    """Say where runs are told in OpenTelemetry's terms, and whether they arrive."""


@app.command()
def status(
    profile: _Profile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say where spans and metrics go, what waits and what failed.

    Nothing is sent.

    Example:

      synapse telemetry status --json | jq .waiting
    """
    from synapse_cli.telemetry.standing import standing

    told = standing(_target(profile), _state(), os.environ)
    if json:
        typer.echo(_json.dumps(told, ensure_ascii=False))
        return
    for what, said in _lines(told):
        typer.echo(f"{what:<9} {said}")


@app.command("test")
def send_test(profile: _Profile = None) -> None:
    """Send one span and one count, and say whether they arrived.

    Example:

      OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 synapse telemetry test
    """
    from synapse_cli.telemetry import standing
    from synapse_cli.telemetry.settings import shown

    target = _wanted(profile)
    if target.file is not None:
        _write(target, target.file)
    if target.endpoint is not None:
        _need_sdk(target)
        trace, why = standing.test(target, _state(), os.environ)
        if why is not None:
            raise Unavailable(
                f"{shown(target.endpoint)} took no test: {why}", "check address, protocol (http or grpc) and headers"
            )
        typer.echo(f"{shown(target.endpoint)}\tdelivered\t{trace}")


@app.command()
def flush(
    profile: _Profile = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait at most so long.")] = 30.0,
) -> None:
    """Send what waits, and wait until it has arrived.

    For containers and CI jobs, which end before a sender in the background can.

    Example:

      synapse run "Summarise this" < report.md; synapse telemetry flush
    """
    from synapse_cli.telemetry import standing
    from synapse_cli.telemetry.settings import shown

    target = _wanted(profile)
    if target.endpoint is None:
        return
    _need_sdk(target)
    runs, why = standing.flush(target, _state(), os.environ, timeout_s=timeout)
    if why is not None:
        raise Unavailable(
            f"{shown(target.endpoint)} did not take all that waited ({_runs(runs)}): {why}",
            "they are kept, and sent later",
        )
    typer.echo(f"{shown(target.endpoint)}\t{runs}")


def _write(target: Target, path: str) -> None:
    from synapse_cli.core.errors import InputError
    from synapse_cli.core.ids import new_run_id
    from synapse_cli.telemetry.lines import append
    from synapse_cli.telemetry.standing import test_lines

    try:
        append(path, test_lines(target, new_run_id(time.time())))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"telemetry cannot be written to {path}: {why}", "name another file in [telemetry]") from error
    typer.echo(f"{path}\twritten")


def _need_sdk(target: Target) -> None:
    from synapse_cli.telemetry.network import HOW_TO_INSTALL, has_sdk
    from synapse_cli.telemetry.settings import shown

    if not has_sdk():
        raise EngineMissing(
            f"OpenTelemetry is not installed, so nothing can go to {shown(target.endpoint or '')}", HOW_TO_INSTALL
        )


def _wanted(profile: str | None) -> Target:
    found = _target(profile)
    if found is None:
        raise UsageError("runs are told to nobody", _HOW)
    return found


def _target(profile: str | None) -> Target | None:
    """Where runs of this profile are told; the environment may say so where no profile is."""
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness
    from synapse_cli.telemetry.settings import target

    return target(find_profile(profile, Witness()).telemetry, os.environ)


def _state() -> str:
    from synapse_cli.core.places import folder

    try:
        return folder("state", os.environ)
    except OSError:
        from synapse_cli.profile.paths import state_dir

        return str(state_dir())


def _lines(told: dict[str, Any]) -> list[tuple[str, str]]:
    if not told["on"]:
        return [("off", _HOW)]
    kinds = " and ".join(kind for kind in ("spans", "metrics") if told[kind])
    lines = [("tells", f"{kinds} as {told['service']}, {'with' if told['content'] else 'without'} prompts and answers")]
    if told["file"] is not None:
        size = told["file_bytes"]
        lines.append(("file", f"{told['file']} ({'made on first use' if size is None else f'{size:,} bytes'})"))
    if told["endpoint"] is None:
        return lines
    lines.append(("endpoint", f"{told['endpoint']} ({told['protocol']})"))
    if not told["sdk_installed"]:
        from synapse_cli.telemetry.network import HOW_TO_INSTALL

        lines.append(("missing", f"OpenTelemetry: {HOW_TO_INSTALL}"))
    dropped = f", {told['dropped']} dropped for want of room" if told["dropped"] else ""
    lines.append(("waiting", f"{_runs(told['waiting'])}, {told['waiting_bytes']:,} bytes{dropped}"))
    if told["failure"] is not None:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(told["failure"]["since"]))
        lines.append(("failing", f"since {since}: {told['failure']['why']}"))
    return lines


def _runs(number: int) -> str:
    return f"{number} run" if number == 1 else f"{number} runs"
