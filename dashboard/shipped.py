"""The ``monitoring/`` folder that we ship: found in a checkout or an installed package, copied by ``glass init``."""

from __future__ import annotations

import shutil
from pathlib import Path


def shipped_monitoring() -> Path:
    """Return the folder as shipped: within the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "monitoring"
    return installed if installed.is_dir() else package.parent / "monitoring"


def write_monitoring(target: Path) -> Path:
    """Copy the shipped folder to ``target/monitoring`` and return its path.

    Raises:
        FileExistsError: the folder is there already; nothing is touched.
    """
    folder = target / "monitoring"
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; nothing was written")
    shutil.copytree(shipped_monitoring(), folder)
    return folder
