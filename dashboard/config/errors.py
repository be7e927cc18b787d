"""The errors of configuration files.

- ``ConfigError``: a file cannot be used; the message names the file, the line, the key and what is wrong.
"""

from __future__ import annotations

from pathlib import Path


class ConfigError(Exception):
    """A configuration file cannot be used. A ``line`` of 0 stands for none that could be named."""

    def __init__(self, file: Path, reason: str, key: str = "", line: int = 0) -> None:
        place = f"{file}:{line}" if line else str(file)
        super().__init__(f"{place}: {key}: {reason}" if key else f"{place}: {reason}")
        self.file = file
        self.key = key
        self.reason = reason
        self.line = line
