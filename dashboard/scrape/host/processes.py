"""The processes that use most, by name, under process-exporter's names (``namedprocess_namegroup_*``).

Names only: a command line may hold a secret. All processes of one name are one group, all threads of the kernel are the
group ``[kernel]``, and only the groups that have used most of the CPUs lately, and those that have most memory, are
told. The list is made anew at most every 15 seconds, whoever asks how often.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dashboard.scrape.host.families import Family, counter, gauge

MOST_GROUPS = 10
"""How many groups are told for the CPU, and how many for the memory."""

_LIFETIME = 15.0
_MEMORY_OF_RANK = 300.0
"""Over how many seconds use of the CPU counts for the rank: a group must not come and go with each look."""

_LONGEST_NAME = 64
_KERNEL = "[kernel]"
_KERNEL_THREAD = 0x00200000  # PF_KTHREAD (include/linux/sched.h)
_GROUP = ("groupname",)


@dataclass(frozen=True, slots=True)
class Process:
    """What one process uses: seconds of CPU since it began (``started``, in seconds since 1970), and bytes."""

    pid: int
    name: str
    started: float
    user: float
    system: float
    resident: int
    virtual: int
    threads: int

    @property
    def cpu(self) -> float:
        """Seconds of CPU in both modes."""
        return self.user + self.system


@dataclass(slots=True)
class _Group:
    """The processes of one name. What a process has used stays counted when it ends."""

    user: float = 0.0
    system: float = 0.0
    rank: float = 0.0
    members: list[Process] = field(default_factory=list)

    @property
    def resident(self) -> int:
        return sum(process.resident for process in self.members)


class ProcessCollector:
    """Keeps what each group has used; ``list_processes`` looks at the system, ``clock`` gives seconds since 1970."""

    def __init__(
        self,
        list_processes: Callable[[], Iterable[Process]] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        most: int = MOST_GROUPS,
    ) -> None:
        self._list = list_processes or system_processes()
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._looked = -math.inf
        self._seen: dict[tuple[int, float], Process] = {}
        self._groups: dict[str, _Group] = {}

    def __call__(self) -> Iterator[Family]:
        """Yield the figures of the groups that use most."""
        with self._lock:
            now = self._clock()
            # A clock that was set back must not keep the old list for hours.
            if not 0 <= now - self._looked < _LIFETIME:
                self._look(now)
            yield from _families(self._top())

    def _look(self, now: float) -> None:
        fading = math.exp(-max(0.0, now - self._looked) / _MEMORY_OF_RANK)
        for group in self._groups.values():
            group.rank *= fading
            group.members = []
        seen = {}
        for process in self._list():
            seen[process.pid, process.started] = process
            self._count(process, now)
        self._seen = seen
        self._groups = {name: group for name, group in self._groups.items() if group.members}
        self._looked = now

    def _count(self, process: Process, now: float) -> None:
        group = self._groups.setdefault(process.name, _Group())
        before = self._seen.get((process.pid, process.started))
        group.members.append(process)
        group.user += max(0.0, process.user - (before.user if before else 0.0))
        group.system += max(0.0, process.system - (before.system if before else 0.0))
        group.rank += max(0.0, process.cpu - before.cpu) if before else _lately(process, now)

    def _top(self) -> dict[str, _Group]:
        # Names settle who of two equals is told, so that the choice does not waver.
        by_cpu = sorted(self._groups.items(), key=lambda item: (-item[1].rank, item[0]))
        by_memory = sorted(self._groups.items(), key=lambda item: (-item[1].resident, item[0]))
        return dict(sorted([*by_cpu[: self._most], *by_memory[: self._most]]))


def _lately(process: Process, now: float) -> float:
    """Return what a process that is new to us has used lately, if it always was as busy as on average."""
    age = max(0.0, now - process.started)
    return process.cpu * min(1.0, _MEMORY_OF_RANK / age) if age else process.cpu


def _families(groups: dict[str, _Group]) -> Iterator[Family]:
    cpu = counter(
        "namedprocess_namegroup_cpu_seconds_total", "Seconds of CPU that the group has used.", (*_GROUP, "mode")
    )
    memory = gauge("namedprocess_namegroup_memory_bytes", "Number of bytes of memory in use.", (*_GROUP, "memtype"))
    number = gauge("namedprocess_namegroup_num_procs", "Number of processes in this group.", _GROUP)
    threads = gauge("namedprocess_namegroup_num_threads", "Number of threads of the group.", _GROUP)
    oldest = gauge(
        "namedprocess_namegroup_oldest_start_time_seconds",
        "Start time in seconds since 1970 of the oldest process in the group.",
        _GROUP,
    )
    for name, group in groups.items():
        cpu.add(group.user, name, "user")
        cpu.add(group.system, name, "system")
        memory.add(group.resident, name, "resident")
        memory.add(sum(process.virtual for process in group.members), name, "virtual")
        number.add(len(group.members), name)
        threads.add(sum(process.threads for process in group.members), name)
        oldest.add(min(process.started for process in group.members), name)
    yield from (cpu, memory, number, threads, oldest)


def system_processes(platform: str = sys.platform) -> Callable[[], Iterable[Process]]:
    """Return how the processes of this system are listed."""
    return LinuxProcesses() if platform == "linux" else other_processes


class LinuxProcesses:
    """Reads the one file of each process that everybody may read, and that holds no command line."""

    def __init__(self, folder: Path = Path("/proc")) -> None:
        self._folder = folder
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._page_size = os.sysconf("SC_PAGE_SIZE")
        # Read once: it moves when the clock is set, and a process must be known again by when it began.
        self._booted = psutil.boot_time()

    def __call__(self) -> Iterator[Process]:
        """Yield the processes there are; one that ends meanwhile is left out."""
        for place in self._folder.iterdir():
            if place.name.isdigit():
                try:
                    told = (place / "stat").read_bytes()
                except OSError:
                    continue
                yield self._process(told)

    def _process(self, told: bytes) -> Process:
        # The name stands in brackets, and may itself hold brackets and spaces (proc_pid_stat(5)).
        begin, end = told.index(b"("), told.rindex(b")")
        fields = told[end + 2 :].split(b" ")
        kernel = int(fields[6]) & _KERNEL_THREAD
        return Process(
            pid=int(told[:begin]),
            name=_KERNEL if kernel else group_name(told[begin + 1 : end].decode("utf-8", "replace")),
            started=self._booted + int(fields[19]) / self._ticks,
            user=int(fields[11]) / self._ticks,
            system=int(fields[12]) / self._ticks,
            resident=int(fields[21]) * self._page_size,
            virtual=int(fields[20]),
            threads=int(fields[17]),
        )


def other_processes() -> Iterator[Process]:
    """Yield the processes that psutil lists and may ask, without their command lines."""
    for process in psutil.process_iter(("name", "cpu_times", "memory_info", "num_threads", "create_time")):
        told = process.info
        times, memory = told["cpu_times"], told["memory_info"]
        if times is None or memory is None:
            continue
        yield Process(
            pid=process.pid,
            name=group_name(told["name"] or ""),
            started=told["create_time"] or 0.0,
            user=times.user,
            system=times.system,
            resident=memory.rss,
            virtual=memory.vms,
            threads=told["num_threads"] or 0,
        )


def group_name(name: str) -> str:
    """Return a process's name as the name of its group: bounded, and without signs that do not show."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:_LONGEST_NAME])
    return shown.strip() or "?"


def process_name(pid: int) -> str:
    """Return the name of the group that a process belongs to; ``?`` where it cannot be seen."""
    try:
        if sys.platform == "linux":
            return group_name(Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").rstrip("\n"))
        return group_name(psutil.Process(pid).name())
    except (OSError, psutil.Error):
        return group_name("")
