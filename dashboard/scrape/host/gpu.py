"""NVIDIA cards under the names of dcgm-exporter, and the memory that processes have on them.

Without a card or a driver there are no series and no error. A question that a card does not answer gives no sample: it
must never read as an idle card. A driver that hangs keeps one thread, and no scrape.

A divided card (MIG) tells its memory for each part, with the labels ``GPU_I_PROFILE`` and ``GPU_I_ID``, and all else
once. The memory of processes is ``namedprocess_namegroup_gpu_memory_bytes``, by name as in ``processes.py``.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pynvml

from dashboard.scrape.host.families import Family, gauge
from dashboard.scrape.host.gpu_figures import MEMORY, QUESTIONS, XID_ERRORS, Figure, Question
from dashboard.scrape.host.nvml import Card, Driver, Instance, as_text
from dashboard.scrape.host.processes import process_name
from dashboard.scrape.patience import Patience

log = logging.getLogger(__name__)

_LABELS = ("gpu", "UUID", "pci_bus_id", "device", "modelName", "GPU_I_PROFILE", "GPU_I_ID", "Hostname")
_PROCESS_LABELS = ("groupname", "gpu", "UUID", "Hostname")
_PATIENCE_SECONDS = 2.0
_NAMES_LIFETIME = 30.0
_MOST_GROUPS = 10


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the cards has shown."""

    at: float
    names: list[str]
    families: list[Family]


class GpuCollector:
    """Asks the cards at each collection, and waits ``patience`` seconds for all their answers together."""

    def __init__(
        self,
        nvml: Any = pynvml,
        *,
        patience: float = _PATIENCE_SECONDS,
        name_of: Callable[[int], str] = process_name,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._driver = Driver(nvml, monotonic)
        self._xids = _XidErrors(self._driver)
        self._patience = Patience()
        self._seconds = patience
        self._name_of = name_of
        self._monotonic = monotonic
        self._last: _Look | None = None

    def __call__(self) -> Iterator[Family]:
        """Yield a family for each figure that at least one card tells.

        Raises:
            TimeoutError: the driver does not answer.
        """
        yield from self._look().families

    def names(self) -> list[str]:
        """Return the names of the cards, as they were at most half a minute ago; none where there is no driver.

        Raises:
            TimeoutError: the driver does not answer.
        """
        last = self._last
        if last is None or self._monotonic() - last.at > _NAMES_LIFETIME:
            last = self._look()
        return last.names

    def _look(self) -> _Look:
        return self._patience.ask("the graphics cards", self._ask_all, self._seconds)

    def _ask_all(self) -> _Look:
        cards, host = self._driver.cards(), socket.gethostname()
        families: dict[str, Family] = {}
        for card in cards:
            for question in QUESTIONS:
                self._ask(families, question, card, card.handle, _labels(card, host))
            for handle, labels in _memories(card, host):
                self._ask(families, MEMORY, card, handle, labels)
        for card, xid in self._xids.ask(cards):
            _family(families, XID_ERRORS).add(xid, *_labels(card, host))
        found = [*families.values(), self._process_memory(cards, host)]
        self._last = _Look(self._monotonic(), [card.name for card in cards], found)
        return self._last

    def _ask(
        self, families: dict[str, Family], question: Question, card: Card, handle: Any, labels: tuple[str, ...]
    ) -> None:
        subject = f"{question.figures[0].name} of card {card.index}"
        values = self._driver.ask(subject, lambda nvml: question.ask(nvml, handle))
        for figure, value in zip(question.figures, values or (), strict=False):
            _family(families, figure).add(value, *labels)

    def _process_memory(self, cards: list[Card], host: str) -> Family:
        family = gauge(
            "namedprocess_namegroup_gpu_memory_bytes",
            "Bytes of a graphics card's memory that the group uses.",
            _PROCESS_LABELS,
        )
        for card in cards:
            groups: dict[str, int] = defaultdict(int)
            for pid, memory in self._processes(card).items():
                groups[self._name_of(pid)] += memory
            largest = sorted(groups.items(), key=lambda item: (-item[1], item[0]))[:_MOST_GROUPS]
            for name, memory in largest:
                family.add(memory, name, str(card.index), card.uuid, host)
        return family

    def _processes(self, card: Card) -> dict[int, int]:
        """Return the memory of each process on a card; one that both computes and draws is listed twice."""
        found: dict[int, int] = {}
        for kind in ("Compute", "Graphics"):
            question = f"nvmlDeviceGet{kind}RunningProcesses"
            listed = self._driver.ask(question, partial(_listed, question, card.handle))
            for process in listed or ():
                # Windows keeps the memory to itself.
                if process.usedGpuMemory is not None:
                    found[process.pid] = max(found.get(process.pid, 0), process.usedGpuMemory)
        return found


class _XidErrors:
    """The last error of each card that the driver's log names by a number (XID), as far as the driver tells of them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._greeting = 0
        self._events: Any = None
        self._watched: set[str] = set()
        self._last: dict[str, int] = {}

    def ask(self, cards: list[Card]) -> Iterator[tuple[Card, int]]:
        """Yield the last error of each card that is watched."""
        self._watch(cards)
        while self._watched and (event := self._driver.ask("an XID error", self._next)):
            uuid, xid = event
            self._last[uuid] = xid
        for card in cards:
            if card.uuid in self._watched:
                yield card, self._last.get(card.uuid, 0)

    def _watch(self, cards: list[Card]) -> None:
        if self._greeting != self._driver.greetings:
            self._greeting, self._watched = self._driver.greetings, set()
            self._events = self._driver.ask("a set of events", lambda nvml: nvml.nvmlEventSetCreate())
        unwatched = [card for card in cards if self._events is not None and card.uuid not in self._watched]
        for card in unwatched:
            if self._driver.ask(f"XID errors of card {card.index}", partial(self._register, card)):
                self._watched.add(card.uuid)

    def _register(self, card: Card, nvml: Any) -> bool:
        nvml.nvmlDeviceRegisterEvents(card.handle, nvml.nvmlEventTypeXidCriticalError, self._events)
        return True

    def _next(self, nvml: Any) -> tuple[str, int]:
        event = nvml.nvmlEventSetWait_v2(self._events, 0)
        return as_text(nvml.nvmlDeviceGetUUID(event.device)), int(event.eventData)


def _listed(question: str, handle: Any, nvml: Any) -> Sequence[Any]:
    found: Sequence[Any] = getattr(nvml, question)(handle)
    return found


def _labels(card: Card, host: str, part: Instance | None = None) -> tuple[str, ...]:
    profile, number = (part.profile, part.id) if part else ("", "")
    return (str(card.index), card.uuid, card.bus, f"nvidia{card.index}", card.name, profile, number, host)


def _memories(card: Card, host: str) -> Iterator[tuple[Any, tuple[str, ...]]]:
    for part in card.instances:
        yield part.handle, _labels(card, host, part)
    if not card.instances:
        yield card.handle, _labels(card, host)


def _family(families: dict[str, Family], figure: Figure) -> Family:
    return families.setdefault(figure.name, Family(figure.name, figure.type, figure.help, _LABELS))


GPU_COLLECTOR = GpuCollector()
"""The collector of this machine's cards."""


def gpu_names() -> list[str]:
    """Return the names of this machine's cards; none where there is no driver.

    Raises:
        TimeoutError: the driver does not answer.
    """
    return GPU_COLLECTOR.names()
