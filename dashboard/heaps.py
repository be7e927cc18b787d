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
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_ARENA_MAX, _MOST_HEAPS))
