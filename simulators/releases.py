"""Which version of an app runs: a new one comes about every eighteen hours, and with each ``deploy`` incident."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random

from simulators.traffic import HOUR_MS

_SLOT_MS = 18 * HOUR_MS
# Each slot's release comes in its first hours, so that a day never passes without one.
_LATEST_MS = 5 * HOUR_MS
_RELEASES_A_MAJOR = 40
_MOST_RELEASES = 5 * _RELEASES_A_MAJOR


@dataclass(frozen=True, slots=True)
class Release:
    """A version and the revision (12 hex digits) that it was built from."""

    version: str
    revision: str


def release_at(app: str, seed: int, now_ms: int, hotfixes: int = 0) -> Release:
    """Return what runs at a time, after so many deployments on request."""
    slot, into = divmod(now_ms, _SLOT_MS)
    number = slot if into >= _moment(app, seed, slot) else slot - 1
    # Every app is of its own age; the minor version counts releases, and begins anew with each major one.
    major, minor = divmod((number + _age(app)) % _MOST_RELEASES, _RELEASES_A_MAJOR)
    version = f"{major + 1}.{minor}.{hotfixes}"
    return Release(version, fingerprint(app, seed, version))


def _age(app: str) -> int:
    return int(fingerprint("age", app), 16) % _MOST_RELEASES


def fingerprint(*parts: object) -> str:
    """Return 12 hex digits that stand for the parts."""
    return sha256("/".join(map(str, parts)).encode()).hexdigest()[:12]


def _moment(app: str, seed: int, slot: int) -> float:
    return Random(f"release/{seed}/{app}/{slot}").uniform(0, _LATEST_MS)  # noqa: S311 - a simulation, not a secret
