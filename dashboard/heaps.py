"""How the C library hands out memory: what many threads have given back can serve others, or goes to the system."""

from __future__ import annotations

import ctypes
import sys

# The numbers of glibc's settings, in malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_MOST_HEAPS = 2
_LARGE = 8 << 20
"""What is as large as that is mapped by itself; when as much is free at the end of a heap, it is given back."""


def share_heaps() -> bool:
    """Have all threads share two heaps; ``False`` where the C library is not glibc and knows no such setting.

    glibc gives each new thread a heap of its own, up to eight for each processor, and keeps what was freed there: after
    large pages in many threads the process would hold several times what it uses. Nothing is lost by that, since
    Python lets one thread run at a time. It also takes ever larger arrays from the heaps, once it has seen some come
    and go, which leaves holes there that nothing else fills.
    """
    settings = ((_ARENA_MAX, _MOST_HEAPS), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE))
    return all(_call("mallopt", name, value) for name, value in settings)


def trim_heaps() -> bool:
    """Give the system back what was freed; ``False`` where nothing was, or it cannot be told.

    glibc keeps every page below the highest one in use, and between rows that come and go once a scrape lies what stays
    for hours: the process would hold up to twice what it uses. This takes some milliseconds.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    """Call a function of glibc, if that is the C library."""
    if sys.platform != "linux":
        return False
    function = getattr(ctypes.CDLL(None), name, None)
    return function is not None and bool(function(*arguments))
