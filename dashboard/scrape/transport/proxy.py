"""Which proxy a request goes through (``golang.org/x/net/http/httpproxy``)."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import NamedTuple

from dashboard.config.http_client import ProxyConfig


class Destination(NamedTuple):
    """Where a request is going."""

    scheme: str
    host: str
    port: int


def proxy_of(config: ProxyConfig, destination: Destination, environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL of the proxy for a destination, empty for none."""
    if config.proxy_url:
        # As in Prometheus, without a list of exceptions even this machine is asked for through the proxy.
        exempt = bool(config.no_proxy) and _is_exempt(destination, config.no_proxy)
        return "" if exempt else config.proxy_url
    if not config.proxy_from_environment:
        return ""
    url = _variable(environment, f"{destination.scheme}_proxy")
    if not url or _is_exempt(destination, _variable(environment, "no_proxy")):
        return ""
    return url if "://" in url else f"http://{url}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name.upper()) or environment.get(name) or ""


def _is_exempt(destination: Destination, no_proxy: str) -> bool:
    address = _address(destination.host)
    if destination.host == "localhost" or (address is not None and address.is_loopback):
        return True
    rules = (rule.strip().lower() for rule in no_proxy.split(","))
    return any(rule and _fits(rule, destination, address) for rule in rules)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _fits(rule: str, destination: Destination, address: _Address | None) -> bool:
    if rule == "*":
        return True
    if "/" in rule:
        return address is not None and _is_within(address, rule)
    host, port = _split_port(rule)
    if port and port != str(destination.port):
        return False
    if address is not None:
        return _address(host) == address
    if host.startswith(("*.", ".")):
        return destination.host.endswith(host.removeprefix("*"))
    return destination.host == host or destination.host.endswith(f".{host}")


def _is_within(address: _Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def _split_port(rule: str) -> tuple[str, str]:
    if rule.startswith("["):
        host, _, port = rule[1:].partition("]")
        return host, port.removeprefix(":")
    if rule.count(":") == 1:
        host, _, port = rule.partition(":")
        return host, port
    return rule, ""
