"""Everything that can be wrong with the machine around a run, each as a `with` that makes it so and mends it after.

python -m tests.chaos.trouble [TIMES]      what each trouble adds to a run, in ms of CPU and of time
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.machine import SYNAPSE, Machine

PAID = """schema = 1
[models.paid]
backend = "scripted"
price = { input = 1.0, output = 2.0 }
limits = { rpm = 100000, parallel = 50 }
replies = [{ match = "", text = "an answer", tokens = { input = 10, output = 5 } }]
[routes.default]
use = "paid"
"""
"""A model that costs something, so that a run passes budget, limits and breaker; nothing leaves the machine."""
ANSWER = b"an answer\n"
MOST_ADDED_S = 0.05
OTHER = 12345
"""A user who is somebody else."""
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_FOWNER = 1, 2, 3


@dataclass(frozen=True)
class Bent:
    """How a process is started under a trouble."""

    env: Mapping[str, str | None] = field(default_factory=dict)
    """None takes a variable away."""
    before: Callable[[], None] | None = None
    """Done in the child before it becomes `synapse`."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it took."""

    code: int
    out: bytes
    lines: list[str]
    cpu_s: float
    wall_s: float


Trouble = Callable[[Machine], AbstractContextManager[Bent]]


def run(machine: Machine, bent: Bent, *arguments: str) -> Ended:
    """Run `synapse` under a trouble, and measure it."""
    env = {name: value for name, value in {**machine.env, **bent.env}.items() if value is not None}
    began = time.monotonic()
    process = subprocess.Popen(
        [SYNAPSE, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=machine.work,
        env=env,
        preexec_fn=bent.before,  # noqa: PLW1509  # limits and users must be set in the child
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        out = process.stdout.read()
        said = process.stderr.read().decode("utf-8", "replace").splitlines()
    _, status, used = os.wait4(process.pid, 0)  # `communicate` would wait too, and not tell what it took
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, out, said, used.ru_utime + used.ru_stime, time.monotonic() - began)


# --- the troubles ---


def obey_modes() -> None:
    """In the child of a root user: file modes bind it as they bind everybody else."""
    if os.getuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH, _CAP_FOWNER):
            assert libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


@contextmanager
def none(_: Machine) -> Iterator[Bent]:
    """What the others are compared with."""
    yield Bent()


@contextmanager
def full_disk(_: Machine) -> Iterator[Bent]:
    """No file may grow."""
    yield Bent(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))


@contextmanager
def full_disk_from_the_start(machine: Machine) -> Iterator[Bent]:
    """No file may grow, and none is there yet."""
    _forget(machine)
    with full_disk(machine) as bent:
        yield bent


@contextmanager
def full_file_system(machine: Machine) -> Iterator[Bent]:
    """Cache and state are on a small file system that is full to its last byte; root's alone to make."""
    with _mounted(machine) as root:
        _fill(root / "filler")
        yield Bent(env={"SYNAPSE_CACHE_DIR": str(root / "cache"), "SYNAPSE_STATE_DIR": str(root / "state")})


@contextmanager
def file_system_filled_later(machine: Machine) -> Iterator[Bent]:
    """The same, but everything was there and in use before it filled up."""
    with _mounted(machine) as root:
        bent = Bent(env={"SYNAPSE_CACHE_DIR": str(root / "cache"), "SYNAPSE_STATE_DIR": str(root / "state")})
        run(machine, bent, "run", "before it was full")
        _fill(root / "filler")
        yield bent


@contextmanager
def read_only_home(machine: Machine) -> Iterator[Bent]:
    """Nothing below the home can be written."""
    places = [machine.home, *machine.home.rglob("*")]
    modes = {place: place.stat().st_mode & 0o7777 for place in places}
    for place in places:
        place.chmod(modes[place] & ~0o222)
    yield Bent(before=obey_modes)
    for place, mode in modes.items():
        place.chmod(mode)


@contextmanager
def read_only_empty_home(machine: Machine) -> Iterator[Bent]:
    """The same, and nothing was ever kept."""
    _forget(machine)
    with read_only_home(machine) as bent:
        yield bent


@contextmanager
def another_users_folders(machine: Machine) -> Iterator[Bent]:
    """Cache and state belong to somebody else, who lets nobody in; root's alone to make."""
    folders = (machine.cache, machine.state)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, OTHER, OTHER)
        folder.chmod(0o700)
    yield Bent(before=obey_modes)
    for folder in folders:
        os.chown(folder, os.getuid(), os.getgid())


@contextmanager
def another_users_files(machine: Machine) -> Iterator[Bent]:
    """Each file in cache and state is somebody else's (a `sudo synapse` did it), the folders are one's own."""
    files = [path for folder in (machine.cache, machine.state) for path in folder.rglob("*") if path.is_file()]
    for path in files:
        os.chown(path, OTHER, OTHER)
        path.chmod(0o600)
    yield Bent(before=obey_modes)
    for path in files:
        if path.exists():
            os.chown(path, os.getuid(), os.getgid())


@contextmanager
def no_home(machine: Machine) -> Iterator[Bent]:
    """HOME is not set; the folders are named by variables of their own."""
    folders = {"CONFIG": machine.config, "CACHE": machine.cache, "STATE": machine.state}
    yield Bent(env={"HOME": None} | {f"SYNAPSE_{kind}_DIR": str(folder) for kind, folder in folders.items()})


@contextmanager
def no_temporary_folder(machine: Machine) -> Iterator[Bent]:
    """There is no place for temporary files."""
    nowhere = str(machine.root / "nowhere")
    yield Bent(env={"TMPDIR": nowhere, "TEMP": nowhere, "TMP": nowhere, "SQLITE_TMPDIR": nowhere})


@contextmanager
def no_runtime_folder(machine: Machine) -> Iterator[Bent]:
    """The folder of sockets is not there."""
    yield Bent(env={"XDG_RUNTIME_DIR": str(machine.root / "nowhere"), "SYNAPSE_HOSTS": None})


@contextmanager
def folders_are_files(machine: Machine) -> Iterator[Bent]:
    """Files stand where cache and state should be."""
    for folder in (machine.cache, machine.state):
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.write_text("a file")
    yield Bent()


@contextmanager
def folders_are_gone(machine: Machine) -> Iterator[Bent]:
    """Somebody tidied up."""
    _forget(machine)
    yield Bent()


@contextmanager
def locked_ledger(machine: Machine) -> Iterator[Bent]:
    """Another program holds the ledger for writing, and does not let go."""
    holder = sqlite3.connect(machine.state / "ledger.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield Bent()
    holder.execute("ROLLBACK")
    holder.close()


@contextmanager
def silent_collector(machine: Machine) -> Iterator[Bent]:
    """A collector of telemetry that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        machine.use(PAID + _endpoint(listener.getsockname()[1]))
        yield Bent()
    machine.use(PAID)


@contextmanager
def deaf_collector(machine: Machine) -> Iterator[Bent]:
    """A collector whose queue is full: connecting to it hangs, as to an address behind a wall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        callers = [_calling(address) for _ in range(4)]
        machine.use(PAID + _endpoint(address[1]))
        yield Bent()
        for caller in callers:
            caller.close()
    machine.use(PAID)


@contextmanager
def absent_collector(machine: Machine) -> Iterator[Bent]:
    """A collector that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    machine.use(PAID + _endpoint(port))
    yield Bent()
    machine.use(PAID)


ALONE: dict[str, Trouble] = {
    "full disk": full_disk,
    "full disk, nothing there yet": full_disk_from_the_start,
    "full file system": full_file_system,
    "file system filled later": file_system_filled_later,
    "read-only home": read_only_home,
    "read-only home, nothing there yet": read_only_empty_home,
    "another user's folders": another_users_folders,
    "another user's files": another_users_files,
    "files for folders": folders_are_files,
}
"""What costs one line."""
SILENT: dict[str, Trouble] = {
    "no HOME": no_home,
    "no temporary folder": no_temporary_folder,
    "no runtime folder": no_runtime_folder,
    "folders gone": folders_are_gone,
}
"""What nobody needs to be told."""
TELEMETRY: dict[str, Trouble] = {
    "silent collector": silent_collector,
    "deaf collector": deaf_collector,
    "absent collector": absent_collector,
}
NEEDS_ROOT = frozenset({full_file_system, file_system_filled_later, another_users_folders, another_users_files})
FIRST = frozenset({full_disk_from_the_start, full_file_system, read_only_empty_home, another_users_folders})
FIRST |= {folders_are_files}
"""Where nothing kept can be read, every run is a first one."""


# --- damage to one file ---


def databases(machine: Machine) -> list[Path]:
    """Every SQLite file that is kept."""
    kept = [path for folder in (machine.cache, machine.state) for path in folder.rglob("*") if path.is_file()]
    return [path for path in sorted(kept) if path.read_bytes()[:6] == b"SQLite"]


def _header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 64)


def _middle(path: Path) -> None:
    with path.open("r+b") as file:
        for at in range(4096, path.stat().st_size, 1024):
            file.seek(at)
            file.write(b"\xff" * 512)


def _folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def _other_tables(path: Path) -> None:
    path.unlink()
    book = sqlite3.connect(path)
    book.executescript("CREATE TABLE somebody (elses INTEGER); PRAGMA user_version = 1")
    book.close()


def _newer(path: Path) -> None:
    book = sqlite3.connect(path)
    book.executescript("PRAGMA user_version = 9999")
    book.close()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "header": _header,
    "middle": _middle,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 3),
    "empty": lambda path: os.truncate(path, 0),
    "text": lambda path: path.write_text("this is no database\n" * 400) and None,
    "folder": _folder,
    "another's tables": _other_tables,
    "newer": _newer,
}


def damage(path: Path, how: str) -> None:
    """Damage one database; what SQLite keeps beside it goes, as it would have belonged to another file."""
    for beside in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    DAMAGES[how](path)


# --- below: how ---


def _forget(machine: Machine) -> None:
    for folder in (machine.cache, machine.state):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _mounted(machine: Machine) -> Iterator[Path]:
    root = machine.root / "small"
    root.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(root)], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", str(root)], check=True)


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def _endpoint(port: int) -> str:
    return f'[telemetry]\nendpoint = "http://127.0.0.1:{port}"\n'


def _calling(address: tuple[str, int]) -> socket.socket:
    caller = socket.socket()
    caller.setblocking(False)
    caller.connect_ex(address)
    return caller


def compared(trouble: Trouble, folder: Path, times: int) -> tuple[list[Ended], list[Ended]]:
    """Runs of a machine without trouble and of one with it, taking turns: what else the computer does hits both."""
    plain, troubled = (Machine(folder / name) for name in ("plain", "troubled"))
    for machine in (plain, troubled):
        machine.use(PAID)
        run(machine, Bent(), "run", "warm up")
    well, bad = [], []
    with trouble(troubled) as bent:
        for at in range(times + 1):
            if trouble in FIRST:
                _forget(plain)
            well.append(run(plain, Bent(), "run", f"prompt {at}"))
            bad.append(run(troubled, bent, "run", f"prompt {at}"))
    return well[1:], bad[1:]  # the first may still have to make its files


def main(times: int) -> int:
    """Print what each trouble adds; 1 where an answer is lost or more than 50 ms of CPU are added."""
    missed = 0
    for name, trouble in {"(none)": none, **ALONE, **SILENT, **TELEMETRY}.items():
        if trouble in NEEDS_ROOT and os.getuid() != 0:
            continue
        with tempfile.TemporaryDirectory(prefix="synapse-trouble-") as folder:
            well, bad = compared(trouble, Path(folder), times)
        lost = sum((one.code, one.out) != (0, ANSWER) for one in bad)
        cpu_s = statistics.median(one.cpu_s for one in bad) - statistics.median(one.cpu_s for one in well)
        wall_s = statistics.median(one.wall_s for one in bad) - statistics.median(one.wall_s for one in well)
        missed += lost > 0 or cpu_s > MOST_ADDED_S
        sys.stdout.write(
            f"{name:<36} answers lost {lost} of {times}, lines {max(len(one.lines) for one in bad)}, "
            f"added {cpu_s * 1000:+6.1f} ms of CPU, {wall_s * 1000:+7.1f} ms\n"
        )
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
