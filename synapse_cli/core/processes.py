"""Is the process that wrote this down still there? Told by pid and start time, since pids are used again."""

from __future__ import annotations

import os
import sys
from functools import lru_cache


def holder() -> str:
    """This process, as a word that another can ask `is_gone` about: machine, pid and start time."""
    return _holder(os.getpid())


def is_gone(holder: str) -> bool:
    """Whether a process has surely ended; False where that cannot be known (another machine, no pid to ask)."""
    try:
        machine, pid_text, born = holder.rsplit(" ", 2)
        pid = int(pid_text)
    except ValueError:
        return True  # nobody wrote this
    if machine != _machine() or sys.platform == "win32":  # where signal 0 would end the process that is asked after
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return born != "-" and _born(pid) not in (born, "-")


@lru_cache(maxsize=2)  # by pid: a fork is another process
def _holder(pid: int) -> str:
    return f"{_machine()} {pid} {_born(pid)}"


def _machine() -> str:
    """Containers that share a home have pids of their own, and mostly names of their own."""
    return "-" if sys.platform == "win32" else os.uname().nodename.replace(" ", "-")


def _born(pid: int) -> str:
    """When a process started, in ticks since the machine did; "-" where the system does not say.

    One that has ended and whose parent has not asked how (a zombie) holds nothing any more: "ended".
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            told = stat.read().rpartition(b")")[2].split()  # the name before it may hold anything
        return "ended" if told[0] in (b"Z", b"X") else told[19].decode()
    except (OSError, IndexError):
        return "-"
