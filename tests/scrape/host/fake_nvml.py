"""A driver without a card: the part of ``pynvml`` that is asked, with cards, faults and events that a test sets."""

# ruff: noqa: N802, N815, ARG002 - the fake has the names and the parameters of the library.

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

MIB = 2**20


class NvmlError(Exception):
    """The library's error."""


@dataclass
class FakeCard:
    """A card; ``parts`` are the profiles of what it is divided into, ``None`` where it is not."""

    name: str | bytes
    uuid: str
    parts: list[str] | None = None
    compute: list[tuple[int, int | None]] = field(default_factory=list)
    graphics: list[tuple[int, int | None]] = field(default_factory=list)


@dataclass
class FakePart:
    card: FakeCard
    number: int


@dataclass
class FakeNvml:
    """The driver: a question in ``broken`` fails, one in ``hanging`` waits until ``awake`` is set."""

    cards: list[FakeCard] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    awake: threading.Event = field(default_factory=threading.Event)
    starts: int = 0
    ends: int = 0
    events: list[tuple[FakeCard, int]] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    NVMLError = NvmlError
    NVML_SUCCESS = 0
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    NVML_FI_DEV_MEMORY_TEMP = 82
    NVML_PCIE_UTIL_TX_BYTES = 0
    NVML_PCIE_UTIL_RX_BYTES = 1
    NVML_MEMORY_ERROR_TYPE_CORRECTED = 0
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1
    NVML_VOLATILE_ECC = 0
    NVML_AGGREGATE_ECC = 1
    nvmlMemory_v2 = 33554472
    nvmlEventTypeXidCriticalError = 8

    def _answer(self, question: str, card: FakeCard | None = None) -> None:
        names = {question} if card is None else {question, f"{question} {card.uuid}"}
        self.asked.append(question)
        if names & self.hanging:
            self.awake.wait()
        if names & self.broken:
            raise NvmlError(question)

    def nvmlInit(self) -> None:
        self._answer("init")
        self.starts += 1

    def nvmlShutdown(self) -> None:
        self.ends += 1

    def nvmlDeviceGetCount(self) -> int:
        self._answer("count")
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeCard:
        card = self.cards[index]
        self._answer("handle", card)
        return card

    def nvmlDeviceGetUUID(self, card: FakeCard) -> str:
        return card.uuid

    def nvmlDeviceGetName(self, card: FakeCard | FakePart) -> str | bytes:
        if isinstance(card, FakePart):
            return f"{card.card.name!s} MIG {(card.card.parts or [])[card.number]}"
        return card.name

    def nvmlDeviceGetPciInfo(self, card: FakeCard) -> SimpleNamespace:
        self._answer("bus", card)
        return SimpleNamespace(busId=b"00000000:01:00.0")

    def nvmlDeviceGetMigMode(self, card: FakeCard) -> tuple[int, int]:
        if card.parts is None:
            raise NvmlError("not supported")
        return 1, 1

    def nvmlDeviceGetMaxMigDeviceCount(self, card: FakeCard) -> int:
        assert card.parts is not None
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card: FakeCard, index: int) -> FakePart:
        if index >= len(card.parts or ()):
            raise NvmlError("not found")
        return FakePart(card, index)

    def nvmlDeviceGetGpuInstanceId(self, part: FakePart) -> int:
        return part.number + 1

    def nvmlDeviceGetUtilizationRates(self, card: FakeCard) -> SimpleNamespace:
        self._answer("utilization", card)
        return SimpleNamespace(gpu=35, memory=20)

    def nvmlDeviceGetMemoryInfo(self, card: FakeCard | FakePart, version: int | None = None) -> SimpleNamespace:
        if version is not None:
            self._answer("memory v2")
        if isinstance(card, FakePart):
            return SimpleNamespace(used=(card.number + 1) * MIB, free=MIB, total=(card.number + 2) * MIB)
        self._answer("memory", card)
        return SimpleNamespace(used=3 * MIB, free=5 * MIB, total=9 * MIB)

    def nvmlDeviceGetEncoderUtilization(self, card: FakeCard) -> tuple[int, int]:
        return 11, 1000

    def nvmlDeviceGetDecoderUtilization(self, card: FakeCard) -> tuple[int, int]:
        return 12, 1000

    def nvmlDeviceGetTemperature(self, card: FakeCard, sensor: int) -> int:
        assert sensor == self.NVML_TEMPERATURE_GPU
        return 41

    def nvmlDeviceGetFieldValues(self, card: FakeCard, fields: list[int]) -> list[SimpleNamespace]:
        assert fields == [self.NVML_FI_DEV_MEMORY_TEMP]
        failed = "memory temperature" in self.broken
        return [SimpleNamespace(nvmlReturn=3 if failed else 0, value=SimpleNamespace(uiVal=52))]

    def nvmlDeviceGetFanSpeed(self, card: FakeCard) -> int:
        self._answer("fan", card)
        return 30

    def nvmlDeviceGetPowerUsage(self, card: FakeCard) -> int:
        self._answer("power", card)
        return 72_500

    def nvmlDeviceGetEnforcedPowerLimit(self, card: FakeCard) -> int:
        return 700_000

    def nvmlDeviceGetTotalEnergyConsumption(self, card: FakeCard) -> int:
        return 123_456_789

    def nvmlDeviceGetClockInfo(self, card: FakeCard, clock: int) -> int:
        return 1000 * clock

    def nvmlDeviceGetPerformanceState(self, card: FakeCard) -> int:
        return 2

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, card: FakeCard) -> int:
        return 4

    def nvmlDeviceGetPcieThroughput(self, card: FakeCard, direction: int) -> int:
        return 500 + direction

    def nvmlDeviceGetPcieReplayCounter(self, card: FakeCard) -> int:
        return 6

    def nvmlDeviceGetCurrPcieLinkGeneration(self, card: FakeCard) -> int:
        return 5

    def nvmlDeviceGetCurrPcieLinkWidth(self, card: FakeCard) -> int:
        return 16

    def nvmlDeviceGetTotalEccErrors(self, card: FakeCard, kind: int, span: int) -> int:
        self._answer("ecc", card)
        return 10 * kind + span

    def nvmlDeviceGetRemappedRows(self, card: FakeCard) -> tuple[int, int, int, int]:
        return 1, 2, 0, 1

    def _processes(self, listed: list[tuple[int, int | None]]) -> list[Any]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=memory) for pid, memory in listed]

    def nvmlDeviceGetComputeRunningProcesses(self, card: FakeCard) -> list[Any]:
        self._answer("processes", card)
        return self._processes(card.compute)

    def nvmlDeviceGetGraphicsRunningProcesses(self, card: FakeCard) -> list[Any]:
        return self._processes(card.graphics)

    def nvmlEventSetCreate(self) -> str:
        self._answer("events")
        return f"events {self.starts}"

    def nvmlDeviceRegisterEvents(self, card: FakeCard, kinds: int, events: str) -> None:
        self._answer("register", card)
        assert (kinds, events) == (self.nvmlEventTypeXidCriticalError, f"events {self.starts}")
        self.watched.append(card.uuid)

    def nvmlEventSetWait_v2(self, events: str, timeout: int) -> SimpleNamespace:
        assert (events, timeout) == (f"events {self.starts}", 0)
        if not self.events:
            raise NvmlError("timeout")
        card, number = self.events.pop(0)
        return SimpleNamespace(device=card, eventData=number)
