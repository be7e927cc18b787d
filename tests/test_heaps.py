"""Threads that come and go leave no heaps of their own behind, large arrays no holes, and what was freed goes back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Each thread holds much at once in pieces that are too small to be mapped, until all of them have theirs.
THREADS = """
import sys, threading
from dashboard.heaps import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps()
together = threading.Barrier(12)
def hold():
    held = [bytes(60_000) for _ in range(20)]
    together.wait(30)
threads = [threading.Thread(target=hold) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
# glibc maps each further heap at a multiple of its greatest size.
print(sum(int(line.split("-")[0], 16) % (64 << 20) == 0 for line in open("/proc/self/maps")))
"""


# glibc learns from what comes and goes, and takes arrays of up to 32 MiB from a heap; a small one holds them there.
ARRAYS = """
import sys
from dashboard.heaps import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps()
bytes(31 << 20)
held = []
for _ in range(4):
    held += [bytearray(12 << 20), bytearray(10_000)]
del held[::2]
print(int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")


def told(script: str, how: str) -> int:
    found = subprocess.run([sys.executable, "-c", script, how], capture_output=True, text=True, check=True)
    return int(found.stdout)


@glibc
def test_large_arrays_are_given_back_to_the_system() -> None:
    assert told(ARRAYS, "shared") + 30 < told(ARRAYS, "own")


@glibc
def test_threads_share_two_heaps() -> None:
    assert told(THREADS, "shared") <= 2 < told(THREADS, "own")


# Between pieces that are freed lies one that stays, so that no heap gets shorter.
SPARSE = """
import psutil
from dashboard.heaps import trim_heaps
held = [bytes(2000) for _ in range(50_000)]
kept = held[::100]
del held
before = psutil.Process().memory_info().rss
assert trim_heaps()
print(before - psutil.Process().memory_info().rss)
"""


@glibc
def test_what_was_freed_between_others_goes_back() -> None:
    assert told(SPARSE, "") > 50_000_000
