"""What the system is and which version it has, under node_exporter's names, and which version of ours tells it."""

from __future__ import annotations

import platform
import re
import socket
from collections.abc import Iterator

import dashboard
from dashboard.scrape.host.families import Family, gauge, info

# The labels in node_exporter's order (collector/os_release.go), each the lower-case name of a field of os-release.
_OS_LABELS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)
_VERSION_LABELS = ("id", "id_like", "name")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def uname() -> Iterator[Family]:
    """Yield what the system is called."""
    told = platform.uname()
    # Such systems as have no domain name say so as Linux does.
    host, _, domain = socket.gethostname().partition(".")
    labels = {
        "domainname": domain or "(none)",
        "machine": told.machine,
        "nodename": told.node or host,
        "release": told.release,
        "sysname": told.system,
        "version": told.version,
    }
    yield info("node_uname_info", "Labeled system information.", labels)


def linux_release() -> Iterator[Family]:
    """Yield which distribution this is; nothing where it does not say."""
    try:
        fields = platform.freedesktop_os_release()
    except OSError:
        return
    yield from _release({name.lower(): value for name, value in fields.items()})


def mac_release() -> Iterator[Family]:
    """Yield which version of macOS this is."""
    version = platform.mac_ver()[0]
    yield from _release({"name": "macOS", "version": version, "version_id": version})


def _release(fields: dict[str, str]) -> Iterator[Family]:
    labels = {name: fields.get(name, "") for name in _OS_LABELS}
    yield info("node_os_info", "The operating system's own facts, the value is always 1.", labels)
    number = _NUMBER.match(fields.get("version_id", ""))
    if number:
        version = gauge("node_os_version", "Major and minor version of the operating system.", _VERSION_LABELS)
        version.add(float(number[0]), *(fields.get(name, "") for name in _VERSION_LABELS))
        yield version


def build() -> Iterator[Family]:
    """Yield which version of this program tells all that, as ``node_exporter_build_info`` does for that one."""
    labels = {"version": dashboard.__version__, "pythonversion": platform.python_version()}
    yield info("glass_host_build_info", "The version of Glass Cockpit that tells these figures.", labels)
