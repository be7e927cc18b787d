"""The thread in which one provider works."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.discovery.provider import Findings, Provider

log = logging.getLogger(__name__)


class Runner:
    """Has a provider look for targets until it is stopped, and tells when that found something else than before.

    The thread is a daemon: one that hangs, with a dead network drive perhaps, does not keep the process from ending.
    """

    def __init__(self, provider: Provider, publish: Callable[[Runner], None], metrics: DiscoveryMetrics) -> None:
        self.findings: Findings | None = None
        """What the last look found; ``None`` before the first has ended."""
        self._provider = provider
        self._publish = publish
        self._metrics = metrics
        self._failures = metrics.refresh_failures.labels(provider.mechanism)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"discovery-{provider.mechanism}", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and publish nothing more; this does not wait."""
        self._stop.set()
        self._provider.close()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, but no longer than so many seconds."""
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
                self._provider.wait(self._stop)
            except Exception:  # The edge of the thread: whatever goes wrong must not end discovery.
                log.exception("discovery by %s failed", self._provider.mechanism)
                self._stop.wait(1)

    def _look(self) -> None:
        before = self.findings
        with self._metrics.refresh_duration.labels(self._provider.mechanism).time():
            found = self._provider.refresh()
        if self._stop.is_set():
            return
        self._tell_errors(before, found)
        self._metrics.received.labels("scrape").inc()
        self.findings = found
        if found != before:
            self._publish(self)

    def _tell_errors(self, before: Findings | None, found: Findings) -> None:
        if found.errors:
            self._failures.inc()
        for error in found.errors:
            if before is None or error not in before.errors:
                log.warning("looking for targets failed: %s", error)
