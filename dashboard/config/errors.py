"""The errors of configuration files.

- ``ConfigError``: a file cannot be used; the message names the file, the key and what is wrong.
"""

from __future__ import annotations

from pathlib import Path


class ConfigError(Exception):
    """A configuration file cannot be used."""

    def __init__(self, file: Path, reason: str, key: str = "") -> None:
        where = f"{file}: {key}" if key else str(file)
        super().__init__(f"{where}: {reason}")
        self.file = file
        self.key = key
        self.reason = reason
