"""What does this machine give us? Memory that is free, and cores, within what a container grants."""

from __future__ import annotations

import os


def available() -> int | None:
    """Bytes that this process may still take: of the machine and of its container; None where nothing tells."""
    return min((told for told in (_machine_memory(), *_container_memory()) if told is not None), default=None)


def give_memory_back() -> None:
    """Hand freed memory to the system at once; glibc keeps up to 32 MB of a freed model's tables for later."""
    import ctypes

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # not glibc, or Windows
        return


def physical_cores() -> int:
    """Cores without their hyper-threads, which share the arithmetic units and only get in each other's way."""
    try:
        mine: set[int] = os.sched_getaffinity(0)
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
    cores = set()
    for number in mine:
        try:
            with open(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list", encoding="ascii") as file:
                cores.add(file.read().strip())
        except OSError:
            return len(mine)
    return len(cores)


def granted_cores() -> int:
    """Cores that a container is granted; threads beyond them wait in turn while the others spin."""
    for read in (_quota_v2, _quota_v1):
        try:
            granted, period = read()
            if granted > 0:
                return max(1, granted // period)
        except (OSError, ValueError):
            continue
    return 1 << 16


def _quota_v2() -> tuple[int, int]:
    with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
        granted, period = file.read().split()
    return int(granted), int(period)


def _quota_v1() -> tuple[int, int]:
    folder = "/sys/fs/cgroup/cpu"
    with (
        open(f"{folder}/cpu.cfs_quota_us", encoding="ascii") as quota,
        open(f"{folder}/cpu.cfs_period_us", encoding="ascii") as period,
    ):
        return int(quota.read()), int(period.read())


def _machine_memory() -> int | None:
    """What the system could give without swapping, else all that it has."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on Windows
        return None


def _container_memory() -> list[int | None]:
    """What is left of each limit that a container sets, cgroup v2 and v1."""
    return [
        _left(f"{root}/{limit}", f"{root}/{used}")
        for root in _cgroups()
        for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    ]


def _cgroups() -> list[str]:
    """Folders of this process's control groups and of those above."""
    roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            named = [line.rstrip("\n").split(":", 2) for line in file]
    except (OSError, ValueError):
        return roots
    for number, controllers, path in (parts for parts in named if len(parts) == 3):
        base = roots[0] if number == "0" else roots[1] if "memory" in controllers.split(",") else None
        names = path.strip("/").split("/") if base and path.strip("/") else []
        roots += [f"{base}/{'/'.join(names[:depth])}" for depth in range(len(names), 0, -1)]
    return roots


def _left(limit: str, used: str) -> int | None:
    """Bytes that are left; what the kernel keeps of files is given back when it is needed, and does not count."""
    try:
        with open(limit, encoding="ascii") as file:
            most = file.read().strip()
        if not most.isdigit() or int(most) >= 1 << 60:
            return None
        with open(used, encoding="ascii") as file:
            taken = int(file.read())
        with open(os.path.join(os.path.dirname(used), "memory.stat"), encoding="ascii") as file:
            stat = dict(line.split(" ", 1) for line in file)
        return max(0, int(most) - taken + int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None
