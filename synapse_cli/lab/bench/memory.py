"""How much memory did a call take, in this process and in the hosts that answer it?

All hosts of this user count, and what stays warm counts for each candidate: it is what the machine must hold.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence


class Memory:
    """Reads the high-water marks of processes, which Linux lets us lower again; elsewhere only this process's own."""

    def __init__(self, others: Callable[[], Sequence[int]] = tuple) -> None:
        self._others = others
        self._is_linux = sys.platform.startswith("linux")

    def begin(self) -> None:
        """Lower the marks to what is held now, where that can be done."""
        for process in self._processes() if self._is_linux else ():
            _lower(process)

    def peak(self) -> int | None:
        """The most that was held since `begin`; None where nobody knows."""
        if self._is_linux:
            return _sum(self._processes())
        return _peak_of_this_process()

    def _processes(self) -> list[int]:
        return [os.getpid(), *self._others()]


def hosts(env: Mapping[str, str]) -> list[int]:
    """The processes of the hosts that run; none where there is no place for any."""
    from synapse_cli.backends.host.ending import card_of
    from synapse_cli.backends.host.place import folder, places_in

    try:
        cards = [card_of(place) for place in places_in(folder(env))]
    except OSError:
        return []
    return [card["pid"] for card in cards if card is not None]


def loaded(env: Mapping[str, str], *, in_hosts: bool) -> dict[str, int]:
    """Bytes of each local model that is loaded, by name, as its engine counts them; here, or in hosts as well."""
    found: dict[str, int] = {}
    pool = sys.modules.get("synapse_cli.backends.llamacpp_pool")
    for model in () if pool is None else pool.pool().snapshot():
        found[model.name] = model.bytes
    return found | (_loaded_in_hosts(env) if in_hosts else {})


def _loaded_in_hosts(env: Mapping[str, str]) -> dict[str, int]:
    from synapse_cli.backends.host.listing import running

    try:
        listed = [model for host in running(env) for model in host.status.get("loaded", [])]
    except OSError:  # there is no place for hosts, and so there are none
        return {}
    return {str(model["name"]): int(model["bytes"]) for model in listed}


def _lower(process: int) -> None:
    try:
        with open(f"/proc/{process}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass  # it has ended, or the kernel was built without: then the mark is of its whole life


def _sum(processes: Sequence[int]) -> int | None:
    found = [size for size in map(_high_water, processes) if size is not None]
    return sum(found) if found else None


def _high_water(process: int) -> int | None:
    try:
        with open(f"/proc/{process}/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # it has ended meanwhile
    return None


def _peak_of_this_process() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
