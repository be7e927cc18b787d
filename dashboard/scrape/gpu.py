"""NVIDIA cards, asked through NVML, under the names of dcgm-exporter.

Without a card or a driver there are no series and no error. A question that a card does not answer gives no sample: it
must never read as an idle card.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pynvml
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

_LABELS = ("gpu", "UUID", "device", "modelName")
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Question:
    """One figure of a card: ``ask`` gets the NVML module and the card's handle."""

    name: str
    help: str
    ask: Callable[[Any, Any], float]


def _memory(nvml: Any, handle: Any) -> Any:
    """Return the memory figures that count what the driver reserves apart, where the driver knows them."""
    try:
        return nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    except nvml.NVMLError:
        return nvml.nvmlDeviceGetMemoryInfo(handle)


_QUESTIONS = (
    _Question(
        "DCGM_FI_DEV_GPU_UTIL",
        "GPU utilization (in %).",
        lambda nvml, card: nvml.nvmlDeviceGetUtilizationRates(card).gpu,
    ),
    _Question(
        "DCGM_FI_DEV_MEM_COPY_UTIL",
        "Memory utilization (in %).",
        lambda nvml, card: nvml.nvmlDeviceGetUtilizationRates(card).memory,
    ),
    _Question(
        "DCGM_FI_DEV_FB_USED",
        "Framebuffer memory used (in MiB).",
        lambda nvml, card: _memory(nvml, card).used / _MEBIBYTE,
    ),
    _Question(
        "DCGM_FI_DEV_FB_FREE",
        "Framebuffer memory free (in MiB).",
        lambda nvml, card: _memory(nvml, card).free / _MEBIBYTE,
    ),
    _Question(
        "DCGM_FI_DEV_GPU_TEMP",
        "GPU temperature (in C).",
        lambda nvml, card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
    ),
    _Question(
        "DCGM_FI_DEV_POWER_USAGE",
        "Power draw (in W).",
        lambda nvml, card: nvml.nvmlDeviceGetPowerUsage(card) / 1000,
    ),
    _Question(
        "DCGM_FI_DEV_SM_CLOCK",
        "SM clock frequency (in MHz).",
        lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM),
    ),
    _Question(
        "DCGM_FI_DEV_MEM_CLOCK",
        "Memory clock frequency (in MHz).",
        lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_MEM),
    ),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A card that the driver knows."""

    index: int
    uuid: str
    name: str
    handle: Any


class GpuCollector(Collector):
    """Asks the cards at each collection. ``nvml`` is the module ``pynvml``, or one of its form."""

    def __init__(self, nvml: Any = pynvml) -> None:
        self._nvml = nvml
        self._lock = threading.Lock()
        self._started = False

    def cards(self) -> list[Card]:
        """Return the cards that can be asked; none where there is no driver."""
        nvml = self._nvml
        try:
            self._start()
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:
            log.debug("no NVIDIA card can be asked: %s", error)
            # A driver that was reloaded must be greeted anew.
            self._started = False
            return []
        return [card for index in range(count) if (card := self._card(index))]

    def collect(self) -> Iterator[Metric]:
        """Yield a family for each figure that at least one card tells."""
        cards = self.cards()
        for question in _QUESTIONS:
            family = GaugeMetricFamily(question.name, question.help, labels=_LABELS)
            for card in cards:
                value = self._ask(question, card)
                if value is not None:
                    labels = (str(card.index), card.uuid, f"nvidia{card.index}", card.name)
                    family.add_metric(labels, value)
            if family.samples:
                yield family

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._nvml.nvmlInit()
                self._started = True

    def _card(self, index: int) -> Card | None:
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
        except nvml.NVMLError as error:
            log.debug("card %s cannot be asked: %s", index, error)
            return None
        return Card(index, _text(uuid), _text(name), handle)

    def _ask(self, question: _Question, card: Card) -> float | None:
        try:
            return float(question.ask(self._nvml, card.handle))
        except self._nvml.NVMLError as error:
            log.debug("card %s does not tell %s: %s", card.index, question.name, error)
            return None


def _text(value: str | bytes) -> str:
    """Return text: older versions of the library give bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


GPU_COLLECTOR = GpuCollector()
"""The collector of this machine's cards."""


def gpu_names() -> list[str]:
    """Return the names of this machine's cards; none where there is no driver."""
    return [card.name for card in GPU_COLLECTOR.cards()]
