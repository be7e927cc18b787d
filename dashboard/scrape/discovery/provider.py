"""What all kinds of discovery have in common."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dashboard.scrape.discovery.group import TargetGroup


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look found, with the last good groups of each source that failed, and why it failed."""

    groups: Sequence[TargetGroup] = ()
    errors: tuple[str, ...] = ()


class Provider(Protocol):
    """Looks targets up again and again, in a thread of its own; so it may take its time."""

    @property
    def mechanism(self) -> str:
        """The kind of discovery, as Prometheus names it in its metrics."""
        ...

    def refresh(self) -> Findings:
        """Look once. What fails is told in the findings."""
        ...

    def wait(self, stop: threading.Event) -> None:
        """Return when it is time to look again, or at once when ``stop`` is set."""
        ...

    def close(self) -> None:
        """Forget everything; a look that runs in another thread is cut short, if that can be done."""
        ...
