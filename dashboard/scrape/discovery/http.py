"""Targets that a URL lists (``discovery/http`` of Prometheus)."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from dashboard.config.discovery import HttpSdConfig
from dashboard.config.urls import without_password
from dashboard.scrape.discovery.group import TargetGroup, read_json
from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.discovery.provider import Findings
from dashboard.scrape.errors import DiscoveryError, FetchError
from dashboard.scrape.http_client import HttpClient

_MOST_BYTES = 16 * 1024 * 1024
_JSON = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)


class HttpProvider:
    """Asks a URL for its list; while that fails, the last good one counts."""

    mechanism = "http"

    def __init__(self, config: HttpSdConfig, metrics: DiscoveryMetrics) -> None:
        self._url = config.url
        self._shown_url = without_password(config.url)
        self._seconds = config.refresh_interval / 1000
        self._metrics = metrics
        self._session = HttpClient(config.http).session()
        self._groups: Sequence[TargetGroup] = ()

    def refresh(self) -> Findings:
        """Ask once."""
        try:
            self._groups = self._ask()
        except DiscoveryError as error:
            self._metrics.http_failures.inc()
            return Findings(self._groups, (str(error),))
        finally:
            # Not kept for so long: the server would have closed the connection by the next time.
            self._session.close()
        return Findings(self._groups)

    def wait(self, stop: threading.Event) -> None:
        """Wait until the refresh interval is over."""
        stop.wait(self._seconds)

    def close(self) -> None:
        """End a request that runs, and ask no more."""
        self._session.cancel()

    def _ask(self) -> list[TargetGroup]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "X-Prometheus-Refresh-Interval-Seconds": f"{self._seconds:.10g}",
        }
        try:
            answer = self._session.get(self._url, headers, timeout=self._seconds, body_limit=_MOST_BYTES)
        except FetchError as error:
            raise DiscoveryError(f"{self._shown_url}: {error}") from error
        with answer.share:
            kind = answer.headers.get("content-type", "").strip()
            if not _JSON.fullmatch(kind):
                raise DiscoveryError(f'{self._shown_url}: unsupported content type "{kind}"')
            groups = read_json(self._shown_url, answer.body)
        return [TargetGroup.of(group, __meta_url=self._shown_url) for group in groups]
