"""How the C library hands out memory: few heaps, so that what many threads have given back can serve others."""

from __future__ import annotations

import ctypes
import sys

_ARENA_MAX = -8
_MOST_HEAPS = 2


def share_heaps() -> bool:
    """Have all threads share two heaps; ``False`` where the C library is not glibc and knows no such setting.

    glibc gives each new thread a heap of its own, up to eight for each processor, and keeps what was freed there: after
    large pages in many threads the process would hold several times what it uses. Nothing is lost by that, since
    Python lets one thread run at a time.
    """
    return _call("mallopt", _ARENA_MAX, _MOST_HEAPS)


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
