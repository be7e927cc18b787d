"""The incidents that a demo app's simulator can play: which there are, which run, and how one is ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests

from dashboard.scrape.status import TargetStatus
from dashboard.web.views import text

_PATIENCE = 2.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LONGEST_ANSWER = 65_536


class IncidentError(Exception):
    """A simulator could not be asked, or has refused; ``refused`` says which."""

    def __init__(self, reason: str, *, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Incident:
    """One kind of incident that an app can have."""

    id: Annotated[str, "The kind."]
    left: Annotated[str, "How long the incident still runs, or nothing."]
    running: Annotated[str, "true while the incident runs, else false."]


def simulator_address(targets: Sequence[TargetStatus]) -> str:
    """Return where the simulator behind an app's targets listens, or nothing where that is not this machine."""
    for target in targets:
        parts = urlsplit(target.url)
        if parts.hostname in _LOOPBACK:
            return f"{parts.scheme}://{parts.netloc}"
    return ""


def ask_incidents(address: str) -> tuple[Incident, ...]:
    """Return the incidents of the simulator at an address.

    Raises:
        IncidentError: it cannot be asked.
    """
    answer = _ask("GET", f"{address}/incidents", None)
    try:
        left = {str(item["kind"]): int(item["seconds_left"]) for item in answer.get("running", ())}
        kinds = [str(kind) for kind in answer["supported"]]
    except (KeyError, TypeError, ValueError) as error:
        raise IncidentError("The simulator's answer cannot be read.", refused=True) from error
    return tuple(
        Incident(kind, f"{text.age(left[kind] * 1000)} left" if kind in left else "", str(kind in left).lower())
        for kind in kinds
    )


def order_incident(address: str, kind: str, seconds: float) -> None:
    """Start an incident.

    Raises:
        IncidentError: the simulator cannot be asked, or refuses.
    """
    _ask("POST", f"{address}/incident", {"kind": kind, "seconds": seconds})


def _ask(method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    try:
        with requests.Session() as session:
            # Proxies and passwords of the environment are not meant for a program on this machine.
            session.trust_env = False
            answer = session.request(method, url, json=body, timeout=_PATIENCE, allow_redirects=False)
            content = answer.json() if len(answer.content) <= _LONGEST_ANSWER else {}
    except (requests.RequestException, ValueError) as error:
        raise IncidentError("The simulator does not answer.", refused=False) from error
    if not isinstance(content, dict):
        content = {}
    if not answer.ok:
        raise IncidentError(str(content.get("detail", f"The simulator answers {answer.status_code}.")), refused=True)
    return content
