"""`synapse doctor`: is everything there that an answer needs?"""

from __future__ import annotations

import json as _json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from synapse_cli.core.errors import DoctorFailed, SynapseError
from synapse_cli.profile.model import Model, Profile

Status = Literal["pass", "fail", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A note is worth knowing and fails nothing."""

    what: str
    status: Status
    detail: str


def doctor(
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME|PATH", help="Profile to use.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> int:
    """Check engines, keys, files, cache, ledger and one local answer; exit 69 where one fails.

    Example:

      synapse doctor --json | jq '.[] | select(.status == "fail")'
    """
    findings = []
    for finding in _examine(profile):
        findings.append(finding)
        if not json:
            mark = {"pass": "ok  ", "fail": "FAIL", "note": "note"}[finding.status]
            typer.echo(f"{mark}  {finding.what}: {finding.detail}")
    if json:
        rows = [{"what": f.what, "status": f.status, "detail": f.detail} for f in findings]
        typer.echo(_json.dumps(rows, ensure_ascii=False))
    failed = [finding.what for finding in findings if finding.status == "fail"]
    if failed:
        raise DoctorFailed(f"{len(failed)} of {len(findings)} checks failed: {', '.join(failed)}", "see above")
    return 0


def _examine(choice: str | None) -> Iterator[Finding]:
    from synapse_cli.cli.profiles import find_profile
    from synapse_cli.core.witness import Witness

    yield Finding("python", "pass", f"{sys.version.split()[0]} at {sys.executable}")
    yield from _engines()
    try:
        profile = find_profile(choice, Witness())
    except SynapseError as error:
        first, *others = error.message.splitlines() or [""]
        more = [f"and {len(others)} more: synapse profile check"] if others else []
        more += [error.hint] if error.hint else []
        yield Finding("profile", "fail", first + (f" ({'; '.join(more)})" if more else ""))
        return
    yield Finding("profile", "pass", profile.path)
    yield from _models(profile)
    yield from _folders()
    yield _hosts()
    yield _ledger()
    yield _cache()
    yield from _telemetry(profile)
    yield _local_answer(profile)


_HOW_LONG = "r = resource.getrusage(0); print(round(r.ru_utime + r.ru_stime, 2))"
_LOOK = {
    "llama_cpp": f"import resource, llama_cpp; {_HOW_LONG}\n"
    "from synapse_cli.backends.llamacpp_devices import HOW_TO_GET_A_GPU, build\n"
    "found = build(); print(found)\n"
    "if not found.offloads: print(f'this llama.cpp computes on the CPU; for a GPU: {HOW_TO_GET_A_GPU}')",
    "litellm": f"import resource, litellm; {_HOW_LONG}",
}
"""What is run in a process of its own: seconds, what was found, and what is worth knowing, a line each."""


def _engines() -> Iterator[Finding]:
    """Look at each engine in a process of its own, so that one that crashes is a finding; report what it took."""
    for what, module, package in (
        ("engine llama.cpp", "llama_cpp", "llama-cpp-python"),
        ("engine litellm", "litellm", "litellm"),
    ):
        environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _LOOK[module]],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            yield Finding(what, "fail", "importing it took over two minutes")
            continue
        if done.returncode == 0:
            seconds, *found = done.stdout.splitlines()
            yield Finding(what, "pass", ", ".join([f"imports in {seconds} s of CPU", *found[:1]]))
            yield from (Finding("gpu", "note", line) for line in found[1:])
        else:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            yield Finding(what, "note", f"not usable: {last}; pip install {package} (the other engine still works)")


def _models(profile: Profile) -> Iterator[Finding]:
    """Each model's file or key, by source and never by value."""
    from synapse_cli.core.witness import Witness
    from synapse_cli.flows.ask import Ask
    from synapse_cli.flows.session import Session
    from synapse_cli.flows.wiring import model_path

    session = Session(profile, Ask(prompt=""), Witness())
    for model in profile.models.values():
        what = f"model {model.name}"
        try:
            session.facts(model)
            if model.backend == "student":
                yield Finding(what, "pass", _of_student(model))
                continue
            if (path := model_path(model)) is not None:
                from synapse_cli.backends.gguf import read_header

                header = read_header(path, "any" if model.backend == "encoder" else "text")
                yield Finding(what, "pass", f"{path} ({header.architecture}, {header.quantization or 'mixed'})")
                continue
            session.check_keys(model)
            yield Finding(what, "pass", f"key from {', '.join(model.keys) or 'the environment, or none needed'}")
        except SynapseError as error:
            said = f"{error.message}: {error.hint}" if "synapse models pull" in error.hint else error.message
            may_lack = error.exit_code == 77 or model.source == "builtin:minilm"  # the climb goes on without it
            yield Finding(what, "note" if may_lack else "fail", said)


def _of_student(model: Model) -> str:
    """What a student says of itself. Raises InputError for a file that is no use."""
    from synapse_cli.learned.student import load

    student = load((model.source or "").removeprefix("file:"))
    return f"learned {student.route} from {student.told.get('texts', '?')} texts, answers from {student.least:.2f} on"


def _folders() -> Iterator[Finding]:
    from synapse_cli.profile.paths import cache_dir, config_dir, state_dir

    for what, folder in (("config", config_dir()), ("cache", cache_dir()), ("state", state_dir())):
        yield _folder(f"{what} folder", str(folder))


def _folder(what: str, path: str) -> Finding:
    if os.path.lexists(path) and not os.path.isdir(path):
        return Finding(what, "fail", f"{path} is not a folder")
    if not os.path.isdir(path):
        parent = path
        while not os.path.exists(parent):
            parent = os.path.dirname(parent)
        if os.access(parent, os.W_OK):
            return Finding(what, "pass", f"{path} (made on first use)")
        return Finding(what, "fail", f"{path} is not there, and {parent} is not writable")
    mode = os.stat(path).st_mode & 0o777
    if os.name == "posix" and mode & 0o077:
        # a profile holds no secret, and people make its folder by hand; cache and ledger hold prompts and answers
        is_open = what != "config folder" or mode & 0o022
        can = "write" if mode & 0o022 else "look"
        told = f"{path} has mode {mode:o}: others can {can} into it; chmod 700 {path}"
        return Finding(what, "fail" if is_open else "note", told)
    if not os.access(path, os.W_OK):
        return Finding(what, "fail", f"{path} is not writable")
    return Finding(what, "pass", f"{path} (mode {mode:o})")


def _hosts() -> Finding:
    """Whether models can stay warm here; where they cannot, answers still come, only slower."""
    from synapse_cli.backends.host.listing import running
    from synapse_cli.backends.host.place import folder
    from synapse_cli.flows.wiring import hosts_are_on

    if not hosts_are_on():
        return Finding("hosts", "note", "off (SYNAPSE_HOSTS): every run loads its model anew")
    try:
        found, where = running(os.environ), folder(os.environ)
    except OSError as error:
        return Finding("hosts", "note", f"{error}: every run loads its model anew (XDG_RUNTIME_DIR may name a folder)")
    deaf = [host.place.name for host in found if host.state == "deaf"]
    if deaf:
        return Finding("hosts", "note", f"{deaf[0]} does not answer: synapse hosts stop {deaf[0]}")
    return Finding("hosts", "pass", f"{where}, {len(found)} running")


def _ledger() -> Finding:
    from synapse_cli.profile.paths import state_dir

    return _database("ledger", str(state_dir() / "ledger.sqlite3"))


def _cache() -> Finding:
    from synapse_cli.cache.exact import FOLDER
    from synapse_cli.profile.paths import cache_dir

    return _database("cache", str(cache_dir() / FOLDER / "cache.db"))


def _telemetry(profile: Profile) -> Iterator[Finding]:
    """Where runs are told, where they are; nothing is sent for it."""
    from synapse_cli.profile.paths import state_dir
    from synapse_cli.telemetry.network import HOW_TO_INSTALL
    from synapse_cli.telemetry.settings import target
    from synapse_cli.telemetry.standing import standing

    told = standing(target(profile.telemetry, os.environ), str(state_dir()), os.environ)
    if not told["on"]:
        return
    where = ", ".join(place for place in (told["file"], told["endpoint"]) if place)
    if told["endpoint"] is not None and not told["sdk_installed"]:
        yield Finding("telemetry", "note", f"{where}: OpenTelemetry is not installed: {HOW_TO_INSTALL}")
    elif told.get("failure"):
        yield Finding("telemetry", "note", f"{where}: {told['failure']['why']} (synapse telemetry status)")
    else:
        yield Finding("telemetry", "pass", f"{where} (synapse telemetry test sends one span)")


def _database(what: str, path: str) -> Finding:
    import sqlite3

    if not os.path.exists(path):
        return Finding(what, "pass", f"{path} (made on first use)")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            verdict = str(connection.execute("PRAGMA quick_check").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        return Finding(what, "fail", f"{path}: {error}")
    size = os.path.getsize(path)
    return Finding(what, "pass" if verdict == "ok" else "fail", f"{path}: {verdict}, {size:,} bytes")


def _local_answer(profile: Profile) -> Finding:
    """One real answer of the cheapest local model, in a process of its own."""
    from synapse_cli.flows.choosing import NANO

    local = [m for m in profile.models.values() if m.backend == "llama.cpp"] or [NANO]
    command = [sys.executable, "-m", "synapse_cli", "run", "--no-cache", "--no-log", "-q", "--no-stream"]
    chosen = ["--profile", profile.path, "-m", local[0].name] if local[0] is not NANO else ["--tier", NANO.name]
    asked = [
        "--choices",
        "positive,negative",
        "Is this review positive or negative?\n\nWonderful food, friendly staff.",
    ]
    try:
        done = subprocess.run(
            [*command, *chosen, *asked],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Finding("local answer", "fail", f"{local[0].name} took over two minutes")
    if done.returncode in (0, 65):
        return Finding("local answer", "pass", f"{local[0].name} says {done.stdout.strip()!r}")
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
    return Finding("local answer", "fail", last)
