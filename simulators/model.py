"""What an app's model is: families, and what a tick does to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Generic, Protocol

from simulators.chance import Amount, Chance
from simulators.families import Family, LabelValues
from simulators.incidents import IncidentKind
from simulators.ledger import Ledger
from simulators.traffic import Profile


@dataclass(frozen=True, slots=True)
class Tick(Generic[Amount]):
    """A piece of time for a model: its conditions, its draws, and where its amounts go.

    ``rate`` is in requests/s; ``seconds`` is the tick's length.
    """

    seconds: float
    rate: Amount
    slowdown: Amount
    error_share: Amount
    incidents: Set[IncidentKind]
    chance: Chance[Amount]
    ledger: Ledger[Amount]


class Model(Protocol):
    """The inside of one app. It keeps the state of its queues, breakers and rate limiters between ticks."""

    @property
    def families(self) -> Sequence[Family]:
        """All families in the order of the exposition."""

    def tick(self, tick: Tick[Amount]) -> None:
        """Do a tick's work and write it down."""

    def infos(self, incidents: Set[IncidentKind]) -> Sequence[tuple[Family, LabelValues]]:
        """Return the info series that are exposed now, besides the build's."""


@dataclass(frozen=True, slots=True)
class App:
    """One of the six apps: where it listens, how much traffic it has, and what can go wrong in it."""

    name: str
    port: int
    profile: Profile
    incidents: frozenset[IncidentKind]
    model: Callable[[], Model]
