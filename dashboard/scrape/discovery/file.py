"""Targets that are listed in files (``discovery/file`` of Prometheus)."""

from __future__ import annotations

import contextlib
import glob
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from dashboard.config.discovery import FileSdConfig, StaticConfig
from dashboard.scrape.discovery.group import TargetGroup, read_json, read_yaml
from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.discovery.provider import Findings
from dashboard.scrape.errors import DiscoveryError

_MOST_BYTES = 16 * 1024 * 1024
# To ask for the times of a few files costs next to nothing, and works on network drives, which tell of no changes.
_LOOK_EVERY = 1.0

_Seen = dict[str, tuple[int, int, int]]


class FileProvider:
    """Reads the files of some patterns; a file that cannot be read keeps the groups that it had."""

    mechanism = "file"

    def __init__(self, config: FileSdConfig, metrics: DiscoveryMetrics) -> None:
        self._config = config
        self._metrics = metrics
        self._groups: dict[str, list[TargetGroup]] = {}
        self._seen: _Seen = {}

    def refresh(self) -> Findings:
        """Read every file."""
        with self._metrics.file_scan_duration.time():
            self._seen = self._look()
            before, self._groups, errors = self._groups, {}, []
            for file in self._seen:
                try:
                    self._groups[file] = self._read(Path(file))
                except DiscoveryError as error:
                    self._metrics.file_read_errors.inc()
                    errors.append(str(error))
                    self._groups[file] = before.get(file, [])
        self._forget_times(before.keys() - self._groups.keys())
        return Findings([group for groups in self._groups.values() for group in groups], tuple(errors))

    def wait(self, stop: threading.Event) -> None:
        """Wait until a file has changed, or the refresh interval is over."""
        due = time.monotonic() + self._config.refresh_interval / 1000
        while not stop.wait(min(_LOOK_EVERY, max(0.0, due - time.monotonic()))):
            if time.monotonic() >= due or self._look() != self._seen:
                return

    def close(self) -> None:
        """Forget the files; reading them cannot be cut short."""
        self._forget_times(list(self._groups))

    def _look(self) -> _Seen:
        """Return what tells a changed file from an unchanged one, for each file of the patterns."""
        found: _Seen = {}
        for pattern in self._config.files:
            for file in sorted(glob.glob(pattern, include_hidden=True)):  # noqa: PTH207 - as in Go, * finds hidden files too.
                try:
                    status = Path(file).stat()
                    found[file] = status.st_mtime_ns, status.st_size, status.st_ino
                except OSError:
                    # It is gone again, or is a link to nothing: reading it will say so.
                    found[file] = 0, 0, 0
        return found

    def _read(self, file: Path) -> list[TargetGroup]:
        listed = read_groups(file)
        self._metrics.file_mtime.labels(str(file)).set(self._seen[str(file)][0] // 10**9)
        return [TargetGroup.of(group, __meta_filepath=str(file)) for group in listed]

    def _forget_times(self, files: Iterable[str]) -> None:
        for file in files:
            # A file that could never be read has none.
            with contextlib.suppress(KeyError):
                self._metrics.file_mtime.remove(file)


def read_groups(file: Path) -> Sequence[StaticConfig]:
    """Read a file that lists target groups, in JSON or YAML as its name says.

    Raises:
        DiscoveryError: it cannot be read, or lists none.
    """
    return read_json(str(file), _bytes_of(file)) if file.suffix.lower() == ".json" else read_yaml(file)


def _bytes_of(file: Path) -> bytes:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise DiscoveryError(f"{file}: larger than {_MOST_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise DiscoveryError(f"{file}: cannot be read: {error.strerror or error}") from error
