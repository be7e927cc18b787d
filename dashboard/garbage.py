"""Python's search for garbage in cycles: what is there for long is left out of it.

All threads stand still while it goes on. Over the labels of 50,000 series that takes 100 ms and more, and a query that
makes as many labels sets it off several times.
"""

from __future__ import annotations

import gc

SETTLE_SECONDS = 10
RECONSIDER_SECONDS = 3600


def settle() -> None:
    """Search what came since the last time, and leave out from now on what is no garbage."""
    gc.collect()
    gc.freeze()


def reconsider() -> None:
    """Search everything: what was left out may have become garbage."""
    gc.unfreeze()
    settle()
