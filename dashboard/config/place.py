"""Where in a file a value stands, so that errors can say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dashboard.config.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Place:
    """The file, the path of keys and the line of a value."""

    file: Path
    key: str = ""
    line: int = 0

    def at(self, key: str, line: int = 0) -> Place:
        """Return the place of a key below this one."""
        return Place(self.file, f"{self.key}.{key}" if self.key else key, line or self.line)

    def item(self, number: int, line: int = 0) -> Place:
        """Return the place of an item of the list that stands here."""
        return Place(self.file, f"{self.key}[{number}]", line or self.line)

    def error(self, reason: str) -> ConfigError:
        """Return the error that says what is wrong here."""
        return ConfigError(self.file, reason, self.key, self.line)
