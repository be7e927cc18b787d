"""Files named by patterns, as Go's ``filepath.Glob`` finds them."""

from __future__ import annotations

import glob
from pathlib import Path


def matching(pattern: str) -> list[Path]:
    """Return the existing files at an absolute pattern of ``*``, ``?`` and ``[...]``, sorted."""
    found = glob.glob(pattern.replace("[^", "[!"), include_hidden=True)  # noqa: PTH207 - as in Go, a pattern matches hidden files, too.
    return [Path(name) for name in sorted(found)]
