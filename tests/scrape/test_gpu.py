"""NVIDIA cards are told under dcgm-exporter's names; what a card does not answer is not told."""

# ruff: noqa: N802 - the fake has the library's names.

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from dashboard.scrape.gpu import GpuCollector, gpu_names


class NvmlError(Exception):
    """The library's error."""


@dataclass
class FakeNvml:
    """The part of ``pynvml`` that the collector uses."""

    names: list[str | bytes] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    NVMLError = NvmlError
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1
    NVML_CLOCK_MEM = 2
    nvmlMemory_v2 = 33554472  # noqa: N815 - the library's name.
    starts: int = 0

    def _answer(self, question: str) -> None:
        if question in self.broken:
            raise NvmlError(question)

    def nvmlInit(self) -> None:
        self.starts += 1
        self._answer("init")

    def nvmlDeviceGetCount(self) -> int:
        self._answer("count")
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        self._answer(f"card {index}")
        return index

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return self.names[handle]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:
        self._answer(f"utilization {handle}")
        return SimpleNamespace(gpu=35 + handle, memory=20)

    def nvmlDeviceGetMemoryInfo(self, handle: int, version: int | None = None) -> SimpleNamespace:
        if version is not None:
            self._answer("memory v2")
        self._answer(f"memory {handle}")
        return SimpleNamespace(used=3 * 2**20, free=5 * 2**20)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        assert (handle, sensor) == (handle, self.NVML_TEMPERATURE_GPU)
        return 41

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        self._answer(f"power {handle}")
        return 72_500

    def nvmlDeviceGetClockInfo(self, handle: int, clock: int) -> int:
        return 1000 * clock + handle


def told(nvml: FakeNvml) -> dict[tuple[str, str], float]:
    """Return the samples of a page by name and card."""
    registry = CollectorRegistry()
    registry.register(GpuCollector(nvml))
    return {
        (sample.name.removeprefix("DCGM_FI_DEV_"), sample.labels["gpu"]): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_every_figure_of_every_card_is_told() -> None:
    figures = told(FakeNvml(["H200", b"T4"]))
    assert {card for _, card in figures} == {"0", "1"}
    assert {name: value for (name, card), value in figures.items() if card == "1"} == {
        "GPU_UTIL": 36,
        "MEM_COPY_UTIL": 20,
        "FB_USED": 3,
        "FB_FREE": 5,
        "GPU_TEMP": 41,
        "POWER_USAGE": 72.5,
        "SM_CLOCK": 1001,
        "MEM_CLOCK": 2001,
    }


def test_the_labels_are_those_of_dcgm_exporter() -> None:
    (family, *_) = GpuCollector(FakeNvml([b"NVIDIA H200"])).collect()
    assert family.samples[0].labels == {"gpu": "0", "UUID": "GPU-0", "device": "nvidia0", "modelName": "NVIDIA H200"}


@pytest.mark.parametrize("broken", ["init", "count"])
def test_without_a_driver_there_is_nothing_and_no_error(broken: str) -> None:
    assert told(FakeNvml(["H200"], {broken})) == {}


def test_without_a_card_there_is_nothing() -> None:
    assert told(FakeNvml()) == {}


def test_a_question_that_fails_gives_no_sample_rather_than_zero() -> None:
    figures = told(FakeNvml(["A", "B"], {"utilization 0", "power 1"}))
    assert ("GPU_UTIL", "0") not in figures
    assert ("GPU_UTIL", "1") in figures
    assert ("POWER_USAGE", "1") not in figures


def test_a_card_that_cannot_be_asked_hides_no_other() -> None:
    assert {card for _, card in told(FakeNvml(["A", "B"], {"card 0"}))} == {"1"}


def test_older_drivers_tell_their_memory_the_older_way() -> None:
    assert told(FakeNvml(["A"], {"memory v2"}))["FB_USED", "0"] == 3


def test_a_driver_that_comes_back_is_greeted_again() -> None:
    nvml = FakeNvml(["A"])
    collector = GpuCollector(nvml)
    assert len(collector.cards()) == 1
    nvml.broken = {"count"}
    assert collector.cards() == []
    nvml.broken = set()
    assert [card.name for card in collector.cards()] == ["A"]
    assert nvml.starts == 2


def test_this_machine_can_be_asked() -> None:
    assert all(isinstance(name, str) for name in gpu_names())
