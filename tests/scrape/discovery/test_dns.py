"""DNS records become targets as in Prometheus; a name that no server can tell keeps what it had."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from dashboard.config.discovery import DnsSdConfig, DnsType
from dashboard.scrape.discovery.dns import DnsProvider
from dashboard.scrape.discovery.metrics import DiscoveryMetrics

from .conftest import addresses

RECORDS = {
    ("_web._tcp.example.test.", "SRV"): ["10 5 8080 a.example.test.", "10 5 9090 b.example.test."],
    ("host.example.test.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("host.example.test.", "AAAA"): ["2001:db8::1"],
    ("example.test.", "MX"): ["10 mail.example.test."],
    ("example.test.", "NS"): ["ns.example.test."],
    ("alias.example.test.", "CNAME"): ["host.example.test."],
    ("short.search.test.", "A"): ["192.0.2.9"],
}


@dataclass
class NameServer:
    """A server for the records above; ``codes`` are the answers for names that go wrong."""

    port: int
    codes: dict[str, dns.rcode.Rcode] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    silent: bool = False

    def answer(self, request: bytes) -> bytes | None:
        query = dns.message.from_wire(request)
        name, kind = str(query.question[0].name), dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append(name)
        if self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        response.set_rcode(self.codes.get(name, dns.rcode.NOERROR))
        if name in self.codes:
            return response.to_wire()
        alias = RECORDS.get((name, "CNAME"), [None])[0]
        if alias:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", alias))
        records = RECORDS.get((alias or name, kind), [])
        if records:
            response.answer.append(dns.rrset.from_text(alias or name, 60, "IN", kind, *records))
        elif not any(name == known for known, _ in RECORDS):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        resolver.timeout, resolver.lifetime = 0.2, 0.3
        resolver.search = [dns.name.from_text("search.test.")]
        return resolver


@pytest.fixture
def server() -> Iterator[NameServer]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        found = NameServer(sock.getsockname()[1])

        def serve() -> None:
            while True:
                request, client = sock.recvfrom(4096)
                if not request:
                    return
                answer = found.answer(request)
                if answer:
                    sock.sendto(answer, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield found
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", found.port))
        thread.join()


Make = Callable[..., DnsProvider]


@pytest.fixture
def provider(server: NameServer, metrics: DiscoveryMetrics) -> Make:
    def make(*names: str, kind: DnsType = DnsType.A, port: int = 80) -> DnsProvider:
        return DnsProvider(DnsSdConfig(names=names, type=kind, port=port), metrics, server.resolver)

    return make


@pytest.mark.parametrize(
    ("name", "kind", "targets"),
    [
        (
            "_web._tcp.example.test",
            DnsType.SRV,
            [
                {
                    "__address__": f"{host}.example.test:{port}",
                    "__meta_dns_srv_record_target": f"{host}.example.test.",
                    "__meta_dns_srv_record_port": f"{port}",
                }
                for host, port in (("a", 8080), ("b", 9090))
            ],
        ),
        ("host.example.test", DnsType.A, [{"__address__": "192.0.2.1:80"}, {"__address__": "192.0.2.2:80"}]),
        ("alias.example.test", DnsType.A, [{"__address__": "192.0.2.1:80"}, {"__address__": "192.0.2.2:80"}]),
        ("host.example.test", DnsType.AAAA, [{"__address__": "[2001:db8::1]:80"}]),
        (
            "example.test",
            DnsType.MX,
            [{"__address__": "mail.example.test:80", "__meta_dns_mx_record_target": "mail.example.test."}],
        ),
        (
            "example.test",
            DnsType.NS,
            [{"__address__": "ns.example.test:80", "__meta_dns_ns_record_target": "ns.example.test."}],
        ),
        ("host.example.test", DnsType.MX, []),
        ("unknown.example.test", DnsType.A, []),
    ],
)
def test_records_become_targets(provider: Make, name: str, kind: DnsType, targets: list[dict[str, str]]) -> None:
    found = provider(name, kind=kind).refresh()
    (group,) = found.groups
    assert list(group.targets) == [{**target, "__meta_dns_name": name} for target in targets]
    assert found.errors == ()


def test_a_name_without_dots_is_looked_up_below_the_search_domains_first(provider: Make, server: NameServer) -> None:
    assert addresses(provider("short").refresh().groups) == ["192.0.2.9:80"]
    assert server.asked == ["short.search.test."]
    provider("short.example").refresh()
    assert server.asked[1:] == ["short.example.", "short.example.search.test."]
    provider("short.").refresh()
    assert server.asked[3:] == ["short."]


@pytest.mark.parametrize("silent", [False, True])
def test_a_name_that_no_server_can_tell_keeps_its_targets(
    provider: Make, server: NameServer, count: Callable[..., float], silent: bool
) -> None:
    names = provider("host.example.test", "example.test")
    before = names.refresh()
    server.codes["host.example.test."] = dns.rcode.SERVFAIL
    server.silent = silent
    found = names.refresh()
    assert found.groups == before.groups
    assert 'could not resolve "host.example.test"' in found.errors[0]
    assert len(found.errors) == (2 if silent else 1)
    assert (count("dns_lookups_total"), count("dns_lookup_failures_total")) == (4, len(found.errors))


def test_a_name_that_is_gone_has_no_targets(provider: Make, server: NameServer) -> None:
    names = provider("host.example.test")
    names.refresh()
    server.codes["host.example.test."] = dns.rcode.NXDOMAIN
    found = names.refresh()
    assert (addresses(found.groups), found.errors) == ([], ())


def test_a_fault_below_one_search_domain_leaves_open_whether_the_name_exists(
    provider: Make, server: NameServer
) -> None:
    server.codes["other.search.test."] = dns.rcode.REFUSED
    (error,) = provider("other").refresh().errors
    assert "could not resolve" in error
    assert server.asked[-1] == "other."


def test_many_names_are_looked_up(provider: Make) -> None:
    names = [f"n{number}.example.test" for number in range(30)] + ["host.example.test", "host.example.test"]
    assert addresses(provider(*names).refresh().groups) == ["192.0.2.1:80", "192.0.2.2:80"]


def test_what_is_no_name_is_an_error(provider: Make) -> None:
    (error,) = provider("a..b").refresh().errors
    assert error.startswith('could not resolve "a..b"')
