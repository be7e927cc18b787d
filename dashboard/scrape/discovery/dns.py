"""Targets that are DNS records (``discovery/dns`` of Prometheus)."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from dashboard.config.discovery import DnsSdConfig, DnsType
from dashboard.scrape.discovery.group import ADDRESS, TargetGroup
from dashboard.scrape.discovery.metrics import DiscoveryMetrics
from dashboard.scrape.discovery.provider import Findings
from dashboard.scrape.errors import DiscoveryError

if TYPE_CHECKING:
    from dns.name import Name
    from dns.resolver import Resolver

_LIFETIME, _PATIENCE = 5.0, 2.0
_MOST_AT_ONCE = 8


def system_resolver() -> Resolver:
    """Return a resolver with the name servers and search domains of this system.

    Raises:
        DNSException: the system has none.
    """
    from dns.resolver import Resolver

    resolver = Resolver()
    resolver.timeout, resolver.lifetime = _PATIENCE, _LIFETIME
    return resolver


class DnsProvider:
    """Looks names up; a name that no server can tell keeps the targets that it had."""

    mechanism = "dns"

    def __init__(
        self, config: DnsSdConfig, metrics: DiscoveryMetrics, resolver: Callable[[], Resolver] = system_resolver
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._resolver = resolver
        self._groups: dict[str, TargetGroup] = {}

    def refresh(self) -> Findings:
        """Look up every name, some at once."""
        errors: dict[str, str] = {}
        open_names: SimpleQueue[str] = SimpleQueue()
        names = dict.fromkeys(self._config.names)
        for name in names:
            open_names.put(name)
        # Not a pool of threads, for whose end the process would wait.
        threads = [
            threading.Thread(target=self._refresh_names, args=(open_names, errors), name="dns", daemon=True)
            for _ in range(min(len(names), _MOST_AT_ONCE))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Findings(
            [self._groups[name] for name in names if name in self._groups],
            tuple(errors[name] for name in names if name in errors),
        )

    def wait(self, stop: threading.Event) -> None:
        """Wait until the refresh interval is over."""
        stop.wait(self._config.refresh_interval / 1000)

    def close(self) -> None:
        """Do nothing: every lookup ends after some seconds."""

    def _refresh_names(self, names: SimpleQueue[str], errors: dict[str, str]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._refresh_name(names.get_nowait(), errors)

    def _refresh_name(self, name: str, errors: dict[str, str]) -> None:
        self._metrics.dns_lookups.inc()
        try:
            records = self._look_up(name)
        except DiscoveryError as error:
            self._metrics.dns_lookup_failures.inc()
            errors[name] = str(error)
        else:
            self._groups[name] = TargetGroup(tuple(self._target(name, record) for record in records), {})

    def _look_up(self, name: str) -> list[Any]:
        """Return the records of the first of the name's full forms that exists; none, where no form does.

        Raises:
            DiscoveryError: no form was found, and for one of them no server had an answer.
        """
        from dns.exception import DNSException
        from dns.resolver import NXDOMAIN

        fault: Exception | None = None
        try:
            resolver = self._resolver()
            for full in _full_names(name, resolver):
                try:
                    answer = resolver.resolve(full, self._config.type.value, search=False, raise_on_no_answer=False)
                    # Servers take turns with the order of records, which says nothing.
                    return sorted(answer.rrset or (), key=str)
                except NXDOMAIN:
                    continue
                except (DNSException, OSError) as error:
                    fault = error
        except (DNSException, OSError) as error:
            fault = error
        if fault is not None:
            raise DiscoveryError(f'could not resolve "{name}": {fault}') from fault
        return []

    def _target(self, name: str, record: Any) -> dict[str, str]:
        make = _RECORDS[self._config.type]
        return {"__meta_dns_name": name, **make(record, self._config.port)}


def _full_names(name: str, resolver: Resolver) -> Iterator[Name]:
    """Yield the forms of a name, in the order of the resolver: as it is, and below each search domain."""
    from dns.name import from_text, root

    given = from_text(name, origin=None)
    if given.is_absolute():
        yield given
        return
    has_dots = len(given.labels) > (1 if resolver.ndots is None else resolver.ndots)
    if has_dots:
        yield given.concatenate(root)
    for domain in resolver.search or [resolver.domain]:
        yield given.concatenate(domain)
    if not has_dots:
        yield given.concatenate(root)


def _address(host: str, port: int) -> str:
    bare = host.rstrip(".")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def _service(record: Any, _port: int) -> dict[str, str]:
    host = record.target.to_text()
    return {
        ADDRESS: _address(host, record.port),
        "__meta_dns_srv_record_target": host,
        "__meta_dns_srv_record_port": str(record.port),
    }


def _host(record: Any, port: int) -> dict[str, str]:
    return {ADDRESS: _address(record.address, port)}


def _mail_exchange(record: Any, port: int) -> dict[str, str]:
    host = record.exchange.to_text()
    return {ADDRESS: _address(host, port), "__meta_dns_mx_record_target": host}


def _name_server(record: Any, port: int) -> dict[str, str]:
    host = record.target.to_text()
    return {ADDRESS: _address(host, port), "__meta_dns_ns_record_target": host}


_RECORDS: dict[DnsType, Callable[[Any, int], dict[str, str]]] = {
    DnsType.SRV: _service,
    DnsType.A: _host,
    DnsType.AAAA: _host,
    DnsType.MX: _mail_exchange,
    DnsType.NS: _name_server,
}
