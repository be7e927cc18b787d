"""What is asked of each NVIDIA card, under the names of dcgm-exporter (its ``etc/default-counters.csv``).

A new figure is one entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.exposition.page import MetricType

_MEBIBYTE = 1024 * 1024
_PREFIX = "DCGM_FI_DEV_"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, without the prefix that all names have."""

    suffix: str
    help: str
    type: MetricType = MetricType.GAUGE

    @property
    def name(self) -> str:
        """The name of the figure's series."""
        return _PREFIX + self.suffix


@dataclass(frozen=True, slots=True)
class Question:
    """One question: ``ask`` gets the NVML module and a handle, and returns a value for each figure."""

    figures: tuple[Figure, ...]
    ask: Callable[[Any, Any], Sequence[float]]


def _one(suffix: str, text: str, ask: Callable[[Any, Any], float]) -> Question:
    return Question((Figure(suffix, text),), lambda nvml, card: (ask(nvml, card),))


def _counted(suffix: str, text: str, ask: Callable[[Any, Any], float]) -> Question:
    return Question((Figure(suffix, text, MetricType.COUNTER),), lambda nvml, card: (ask(nvml, card),))


def _utilization(nvml: Any, card: Any) -> Sequence[float]:
    told = nvml.nvmlDeviceGetUtilizationRates(card)
    return told.gpu, told.memory


def _memory(nvml: Any, handle: Any) -> Sequence[float]:
    try:
        # Counts what the driver reserves apart, where the driver knows that.
        told = nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
    except nvml.NVMLError:
        told = nvml.nvmlDeviceGetMemoryInfo(handle)
    return told.used / _MEBIBYTE, told.free / _MEBIBYTE, told.total / _MEBIBYTE


def _memory_temperature(nvml: Any, card: Any) -> float:
    (told,) = nvml.nvmlDeviceGetFieldValues(card, [nvml.NVML_FI_DEV_MEMORY_TEMP])
    if told.nvmlReturn != nvml.NVML_SUCCESS:
        raise nvml.NVMLError(told.nvmlReturn)
    return float(told.value.uiVal)


def _ecc(kind: str, span: str) -> Callable[[Any, Any], float]:
    return lambda nvml, card: nvml.nvmlDeviceGetTotalEccErrors(
        card, getattr(nvml, f"NVML_MEMORY_ERROR_TYPE_{kind}"), getattr(nvml, f"NVML_{span}_ECC")
    )


def _remapped(nvml: Any, card: Any) -> Sequence[float]:
    correctable, uncorrectable, _, failure = nvml.nvmlDeviceGetRemappedRows(card)
    return correctable, uncorrectable, failure


MEMORY = Question(
    (
        Figure("FB_USED", "Framebuffer memory used (in MiB)."),
        Figure("FB_FREE", "Framebuffer memory free (in MiB)."),
        Figure("FB_TOTAL", "Total framebuffer memory (in MiB)."),
    ),
    _memory,
)
"""What a divided card answers for each of its parts."""

QUESTIONS = (
    Question(
        (Figure("GPU_UTIL", "GPU utilization (in %)."), Figure("MEM_COPY_UTIL", "Memory utilization (in %).")),
        _utilization,
    ),
    _one("ENC_UTIL", "Encoder utilization (in %).", lambda nvml, card: nvml.nvmlDeviceGetEncoderUtilization(card)[0]),
    _one("DEC_UTIL", "Decoder utilization (in %).", lambda nvml, card: nvml.nvmlDeviceGetDecoderUtilization(card)[0]),
    _one(
        "GPU_TEMP",
        "GPU temperature (in C).",
        lambda nvml, card: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU),
    ),
    _one("MEMORY_TEMP", "Memory temperature (in C).", _memory_temperature),
    _one("FAN_SPEED", "Fan speed (in % of the highest).", lambda nvml, card: nvml.nvmlDeviceGetFanSpeed(card)),
    _one("POWER_USAGE", "Power draw (in W).", lambda nvml, card: nvml.nvmlDeviceGetPowerUsage(card) / 1000),
    _one(
        "ENFORCED_POWER_LIMIT",
        "Power limit that is in force (in W).",
        lambda nvml, card: nvml.nvmlDeviceGetEnforcedPowerLimit(card) / 1000,
    ),
    _counted(
        "TOTAL_ENERGY_CONSUMPTION",
        "Total energy consumption since the driver was loaded (in mJ).",
        lambda nvml, card: nvml.nvmlDeviceGetTotalEnergyConsumption(card),
    ),
    _one(
        "SM_CLOCK",
        "SM clock frequency (in MHz).",
        lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM),
    ),
    _one(
        "MEM_CLOCK",
        "Memory clock frequency (in MHz).",
        lambda nvml, card: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_MEM),
    ),
    _one("PSTATE", "Performance state, 0 is the highest.", lambda nvml, card: nvml.nvmlDeviceGetPerformanceState(card)),
    _one(
        "CLOCK_THROTTLE_REASONS",
        "Why the clocks are not higher, as the bits of nvmlClocksEventReasons.",
        lambda nvml, card: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(card),
    ),
    # The driver tells a rate here, whatever the counters of dcgm-exporter's default file call it.
    _one(
        "PCIE_TX_THROUGHPUT",
        "Rate of PCIe TX (in KB/s).",
        lambda nvml, card: nvml.nvmlDeviceGetPcieThroughput(card, nvml.NVML_PCIE_UTIL_TX_BYTES),
    ),
    _one(
        "PCIE_RX_THROUGHPUT",
        "Rate of PCIe RX (in KB/s).",
        lambda nvml, card: nvml.nvmlDeviceGetPcieThroughput(card, nvml.NVML_PCIE_UTIL_RX_BYTES),
    ),
    _counted(
        "PCIE_REPLAY_COUNTER",
        "Total number of PCIe retries.",
        lambda nvml, card: nvml.nvmlDeviceGetPcieReplayCounter(card),
    ),
    _one(
        "PCIE_LINK_GEN",
        "Generation of the PCIe link.",
        lambda nvml, card: nvml.nvmlDeviceGetCurrPcieLinkGeneration(card),
    ),
    _one("PCIE_LINK_WIDTH", "Width of the PCIe link.", lambda nvml, card: nvml.nvmlDeviceGetCurrPcieLinkWidth(card)),
    _counted("ECC_SBE_VOL_TOTAL", "Single-bit volatile ECC errors.", _ecc("CORRECTED", "VOLATILE")),
    _counted("ECC_DBE_VOL_TOTAL", "Double-bit volatile ECC errors.", _ecc("UNCORRECTED", "VOLATILE")),
    _counted("ECC_SBE_AGG_TOTAL", "Single-bit persistent ECC errors.", _ecc("CORRECTED", "AGGREGATE")),
    _counted("ECC_DBE_AGG_TOTAL", "Double-bit persistent ECC errors.", _ecc("UNCORRECTED", "AGGREGATE")),
    Question(
        (
            Figure("CORRECTABLE_REMAPPED_ROWS", "Rows remapped for correctable errors.", MetricType.COUNTER),
            Figure("UNCORRECTABLE_REMAPPED_ROWS", "Rows remapped for uncorrectable errors.", MetricType.COUNTER),
            Figure("ROW_REMAP_FAILURE", "Whether remapping of rows has failed."),
        ),
        _remapped,
    ),
)

XID_ERRORS = Figure("XID_ERRORS", "Value of the last XID error encountered, 0 for none since this program looks.")
