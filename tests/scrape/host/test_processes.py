"""Processes are told by name, few of them, and what a group has used never shrinks while it lives."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.scrape.host.processes import (
    LinuxProcesses,
    Process,
    ProcessCollector,
    group_name,
    other_processes,
    process_name,
    system_processes,
)

from .told import rows

BUSY = Process(1, "busy", 0.0, user=10.0, system=5.0, resident=100, virtual=1000, threads=2)


class World:
    """A system whose processes and clock a test sets."""

    def __init__(self, *processes: Process) -> None:
        self.processes = list(processes)
        self.now = 1_000_000.0
        self.looks = 0

    def __call__(self) -> list[Process]:
        self.looks += 1
        return self.processes

    def collector(self, most: int = 10) -> ProcessCollector:
        return ProcessCollector(self, clock=lambda: self.now, most=most)


def test_processes_of_one_name_are_one_group() -> None:
    world = World(BUSY, replace(BUSY, pid=2, started=7.0, resident=50))
    assert rows(world.collector()()) == {
        "namedprocess_namegroup_cpu_seconds_total": {("busy", "user"): 20, ("busy", "system"): 10},
        "namedprocess_namegroup_memory_bytes": {("busy", "resident"): 150, ("busy", "virtual"): 2000},
        "namedprocess_namegroup_num_procs": {("busy",): 2},
        "namedprocess_namegroup_num_threads": {("busy",): 4},
        "namedprocess_namegroup_oldest_start_time_seconds": {("busy",): 0},
    }


def cpu(collector: ProcessCollector) -> dict[str, float]:
    told = rows(collector())["namedprocess_namegroup_cpu_seconds_total"]
    return {name: told[name, "user"] + told[name, "system"] for name, mode in told if mode == "user"}


def test_what_an_ended_process_has_used_stays_counted() -> None:
    world = World(BUSY, replace(BUSY, pid=2))
    collector = world.collector()
    assert cpu(collector) == {"busy": 30}
    world.now += 60
    world.processes = [replace(BUSY, user=12.0)]
    assert cpu(collector) == {"busy": 32}


def test_a_number_that_the_system_gives_again_is_another_process() -> None:
    world = World(BUSY)
    collector = world.collector()
    cpu(collector)
    world.now += 60
    world.processes = [replace(BUSY, started=world.now, user=1.0, system=0.0)]
    assert cpu(collector) == {"busy": 16}


def test_the_list_is_not_made_anew_for_each_who_asks() -> None:
    world = World(BUSY)
    collector = world.collector()
    for _ in range(5):
        cpu(collector)
        world.now += 2
    assert world.looks == 1
    world.now += 10
    cpu(collector)
    world.now -= 3600
    cpu(collector)
    assert world.looks == 3


def test_the_busiest_and_the_largest_are_told_and_no_others() -> None:
    idle = [replace(BUSY, pid=n, name=f"idle{n}", user=0.0, system=0.0, resident=1) for n in range(10, 60)]
    large = replace(BUSY, pid=3, name="large", user=0.0, system=0.0, resident=10_000)
    assert set(cpu(World(*idle, BUSY, large).collector(most=1))) == {"busy", "large"}


def test_who_was_busy_lately_stays_for_a_while_and_then_makes_room() -> None:
    first, second = replace(BUSY, name="first", resident=0), replace(BUSY, pid=2, name="second", user=0.0, resident=0)
    # Both are so old that what they have used before counts for little.
    world = World(replace(first, started=999_700.0), second)
    collector = world.collector(most=1)
    shown = []
    for step in range(41):
        world.processes = [replace(first, started=999_700.0), replace(second, user=float(step))]
        shown.append("second" in cpu(collector))
        world.now += 60
    assert shown[:2] == [False, False]
    assert shown[-1]
    assert sorted(shown) == shown


def test_a_group_that_is_gone_is_told_no_more() -> None:
    world = World(BUSY)
    collector = world.collector()
    cpu(collector)
    world.now += 60
    world.processes = []
    assert cpu(collector) == {}


@given(st.text())
def test_a_groups_name_is_bounded_and_shows(name: str) -> None:
    shown = group_name(name)
    assert 0 < len(shown) <= 64
    assert shown.isprintable()


def stat(folder: Path, pid: int, name: bytes, *, flags: int = 0) -> None:
    (folder / str(pid)).mkdir()
    before = f"S 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 250 50 0 0 20 0 3 0 1000 4096 7"
    (folder / str(pid) / "stat").write_bytes(f"{pid} (".encode() + name + f") {before} 0 0\n".encode())
    (folder / str(pid) / "cmdline").write_bytes(b"secret\0--password=1234")


@pytest.mark.skipif(sys.platform != "linux", reason="asks for Linux's units")
def test_the_kernels_file_is_read_even_where_the_name_is_hostile(tmp_path: Path) -> None:
    stat(tmp_path, 7, b"a) S (b \xff\n")
    stat(tmp_path, 8, b"kworker/0:1", flags=0x00200000)
    (tmp_path / "9").mkdir()
    (tmp_path / "self").mkdir()
    found = {process.pid: process for process in LinuxProcesses(tmp_path)()}
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    hostile = found.pop(7)
    assert (hostile.name, hostile.user, hostile.system) == ("a) S (b �?", 250 / ticks, 50 / ticks)
    assert (hostile.resident, hostile.virtual, hostile.threads) == (7 * page, 4096, 3)
    assert [process.name for process in found.values()] == ["[kernel]"]


@pytest.mark.skipif(sys.platform != "linux", reason="compares Linux's list with psutil's")
def test_both_ways_of_listing_find_this_process() -> None:
    own = {way: {process.pid: process for process in way()}[os.getpid()] for way in (LinuxProcesses(), other_processes)}
    first, second = own.values()
    assert first.name == second.name[:15] == process_name(os.getpid())
    assert first.started == pytest.approx(second.started, abs=2)
    assert first.cpu == pytest.approx(second.cpu, abs=2)
    assert first.resident == pytest.approx(second.resident, rel=0.5)


def test_a_process_that_is_not_there_has_no_name() -> None:
    assert process_name(2**30) == "?"


def test_each_system_has_its_way() -> None:
    assert system_processes("win32") is system_processes("darwin") is other_processes
