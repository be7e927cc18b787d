"""NVIDIA's driver, asked through NVML: which cards there are, and their parts where a card is divided (MIG).

``nvml`` is everywhere the module ``pynvml``, or one of its form.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

log = logging.getLogger(__name__)

_GREET_EVERY = 60.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Instance:
    """A part of a divided card, with memory of its own."""

    id: str
    profile: str
    handle: Any


@dataclass(frozen=True, slots=True)
class Card:
    """A card that the driver knows; ``instances`` are its parts, none where it is not divided."""

    index: int
    uuid: str
    name: str
    bus: str
    handle: Any
    instances: tuple[Instance, ...] = ()


class Driver:
    """Greets the driver when that is needed, and lists its cards. ``monotonic`` gives seconds."""

    def __init__(self, nvml: Any, monotonic: Callable[[], float]) -> None:
        self._nvml = nvml
        self._monotonic = monotonic
        self._greeted = False
        self._greeted_at = 0.0
        self.greetings = 0
        """How often the driver was greeted: what it was asked to watch before the last time it has forgotten."""

    def cards(self) -> list[Card]:
        """Return the cards that can be asked; none where there is no driver."""
        nvml = self._nvml
        try:
            self._greet()
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:
            log.debug("no NVIDIA card can be asked: %s", error)
            self._leave()
            return []
        cards = [card for index in range(count) if (card := self._card(index))]
        # The driver tells of a card that came, or came back, only to who greets it anew; that may take seconds.
        if len(cards) < max(1, count) and self._monotonic() - self._greeted_at >= _GREET_EVERY:
            self._leave()
        return cards

    def ask(self, subject: str, question: Callable[[Any], Answer]) -> Answer | None:
        """Return the answer to one question, or ``None`` where the driver does not give it."""
        try:
            return question(self._nvml)
        except self._nvml.NVMLError as error:
            log.debug("%s is not told: %s", subject, error)
            return None

    def _greet(self) -> None:
        if not self._greeted:
            self._nvml.nvmlInit()
            self._greeted, self._greeted_at = True, self._monotonic()
            self.greetings += 1

    def _leave(self) -> None:
        if self._greeted:
            self._greeted = False
            self.ask("the end", lambda nvml: nvml.nvmlShutdown())

    def _card(self, index: int) -> Card | None:
        return self.ask(f"card {index}", lambda nvml: self._named(nvml, index))

    def _named(self, nvml: Any, index: int) -> Card:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        return Card(
            index,
            as_text(nvml.nvmlDeviceGetUUID(handle)),
            as_text(nvml.nvmlDeviceGetName(handle)),
            self.ask(f"the bus of card {index}", lambda _: as_text(nvml.nvmlDeviceGetPciInfo(handle).busId)) or "",
            handle,
            self._instances(handle),
        )

    def _instances(self, handle: Any) -> tuple[Instance, ...]:
        mode = self.ask("whether the card is divided", lambda nvml: nvml.nvmlDeviceGetMigMode(handle)[0])
        if not mode:
            return ()
        most = self.ask("how many parts there are", lambda nvml: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0
        found = (self.ask(f"part {place}", partial(_instance, handle, place)) for place in range(most))
        return tuple(instance for instance in found if instance)


def _instance(handle: Any, place: int, nvml: Any) -> Instance:
    part = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)
    # "NVIDIA A100-SXM4-40GB MIG 1g.5gb" ends in the profile.
    profile = as_text(nvml.nvmlDeviceGetName(part)).rpartition("MIG ")[2]
    return Instance(str(nvml.nvmlDeviceGetGpuInstanceId(part)), profile, part)


def as_text(value: str | bytes) -> str:
    """Return text: older versions of the library give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
