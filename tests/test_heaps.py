"""Threads that come and go leave no heaps of their own behind, and what was freed goes back to the system."""

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such heaps")
def test_threads_share_two_heaps() -> None:
    def heaps(how: str) -> int:
        told = subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, check=True)
        return int(told.stdout)

    assert heaps("shared") <= 2 < heaps("own")


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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries know no such call")
def test_what_was_freed_between_others_goes_back() -> None:
    told = subprocess.run([sys.executable, "-c", SPARSE], capture_output=True, text=True, check=True)
    assert int(told.stdout) > 50_000_000
