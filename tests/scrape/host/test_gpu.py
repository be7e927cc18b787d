"""NVIDIA cards are told under dcgm-exporter's names; what a card does not answer is not told, and nothing hangs."""

from __future__ import annotations

import inspect
import socket
import threading
from collections.abc import Callable, Iterator

import pynvml
import pytest

from dashboard.exposition.page import MetricType
from dashboard.scrape.host import gpu_names
from dashboard.scrape.host.families import Family
from dashboard.scrape.host.gpu import GpuCollector

from .fake_nvml import MIB, FakeCard, FakeNvml

HOST = socket.gethostname()
FIRST, SECOND = FakeCard("NVIDIA H200", "GPU-a"), FakeCard(b"T4", "GPU-b")


def collector(nvml: FakeNvml, patience: float = 10.0, now: Callable[[], float] = lambda: 0.0) -> GpuCollector:
    return GpuCollector(nvml, patience=patience, name_of=lambda pid: f"p{pid % 100}", monotonic=now)


def labelled(family: Family) -> list[tuple[float, dict[str, str]]]:
    return [(value, dict(zip(family.labels, labels, strict=True))) for value, labels in family.rows]


def told(nvml: FakeNvml | GpuCollector) -> dict[tuple[str, str], float]:
    """Return the values by the name of the figure and the card."""
    asked = collector(nvml) if isinstance(nvml, FakeNvml) else nvml
    return {
        (family.name.removeprefix("DCGM_FI_DEV_"), labels["gpu"]): value
        for family in asked()
        for value, labels in labelled(family)
    }


def test_every_figure_of_every_card_is_told() -> None:
    figures = told(FakeNvml([FIRST, SECOND]))
    assert {card for _, card in figures} == {"0", "1"}
    assert {name: value for (name, card), value in figures.items() if card == "1"} == {
        "GPU_UTIL": 35,
        "MEM_COPY_UTIL": 20,
        "ENC_UTIL": 11,
        "DEC_UTIL": 12,
        "GPU_TEMP": 41,
        "MEMORY_TEMP": 52,
        "FAN_SPEED": 30,
        "POWER_USAGE": 72.5,
        "ENFORCED_POWER_LIMIT": 700,
        "TOTAL_ENERGY_CONSUMPTION": 123_456_789,
        "SM_CLOCK": 1000,
        "MEM_CLOCK": 2000,
        "PSTATE": 2,
        "CLOCK_THROTTLE_REASONS": 4,
        "PCIE_TX_THROUGHPUT": 500,
        "PCIE_RX_THROUGHPUT": 501,
        "PCIE_REPLAY_COUNTER": 6,
        "PCIE_LINK_GEN": 5,
        "PCIE_LINK_WIDTH": 16,
        "ECC_SBE_VOL_TOTAL": 0,
        "ECC_DBE_VOL_TOTAL": 10,
        "ECC_SBE_AGG_TOTAL": 1,
        "ECC_DBE_AGG_TOTAL": 11,
        "CORRECTABLE_REMAPPED_ROWS": 1,
        "UNCORRECTABLE_REMAPPED_ROWS": 2,
        "ROW_REMAP_FAILURE": 1,
        "FB_USED": 3,
        "FB_FREE": 5,
        "FB_TOTAL": 9,
        "XID_ERRORS": 0,
    }


def test_the_labels_are_those_of_dcgm_exporter() -> None:
    family = next(collector(FakeNvml([FIRST]))())
    ((_, labels),) = labelled(family)
    assert {name: value for name, value in labels.items() if value} == {
        "gpu": "0",
        "UUID": "GPU-a",
        "pci_bus_id": "00000000:01:00.0",
        "device": "nvidia0",
        "modelName": "NVIDIA H200",
        "Hostname": HOST,
    }


def test_what_only_grows_is_a_counter() -> None:
    kinds = {family.name: family.type for family in collector(FakeNvml([FIRST]))()}
    counters = {name.removeprefix("DCGM_FI_DEV_") for name, kind in kinds.items() if kind is MetricType.COUNTER}
    assert {"TOTAL_ENERGY_CONSUMPTION", "PCIE_REPLAY_COUNTER", "ECC_DBE_AGG_TOTAL"} <= counters
    assert kinds["DCGM_FI_DEV_GPU_UTIL"] is MetricType.GAUGE


@pytest.mark.parametrize("broken", ["init", "count"])
def test_without_a_driver_there_is_nothing_and_no_error(broken: str) -> None:
    assert told(FakeNvml([FIRST], {broken})) == {}


def test_without_a_card_there_is_nothing() -> None:
    assert told(FakeNvml()) == {}


def test_a_question_that_fails_gives_no_sample_rather_than_zero() -> None:
    figures = told(FakeNvml([FIRST, SECOND], {"utilization GPU-a", "power GPU-b", "ecc", "memory temperature"}))
    assert ("GPU_UTIL", "0") not in figures
    assert ("MEM_COPY_UTIL", "0") not in figures
    assert ("GPU_UTIL", "1") in figures
    assert ("POWER_USAGE", "1") not in figures
    assert not {name for name, _ in figures if name.startswith("ECC") or name == "MEMORY_TEMP"}


def test_a_card_that_cannot_be_asked_hides_no_other() -> None:
    assert {card for _, card in told(FakeNvml([FIRST, SECOND], {"handle GPU-a"}))} == {"1"}


def test_a_card_without_a_bus_is_told_without_it() -> None:
    family = next(collector(FakeNvml([FIRST], {"bus"}))())
    assert labelled(family)[0][1]["pci_bus_id"] == ""


def test_older_drivers_tell_their_memory_the_older_way() -> None:
    assert told(FakeNvml([FIRST], {"memory v2"}))["FB_USED", "0"] == 3


def test_cards_that_go_and_come_are_noticed() -> None:
    now = [0.0]
    nvml = FakeNvml([FIRST])
    asked = collector(nvml, now=lambda: now[0])
    assert told(asked)["GPU_UTIL", "0"] == 35
    nvml.broken = {"handle GPU-a"}
    for _ in range(3):
        assert told(asked) == {}
    # Only who greets the driver anew hears of a card that came back; that takes its time, and is done once a minute.
    assert (nvml.starts, nvml.ends) == (1, 0)
    now[0] = 61.0
    assert told(asked) == {}
    nvml.broken, nvml.cards = set(), [FIRST, SECOND]
    assert {card for _, card in told(asked)} == {"0", "1"}
    assert (nvml.starts, nvml.ends) == (2, 1)


def test_a_driver_that_comes_back_is_greeted_anew_at_once() -> None:
    nvml = FakeNvml([FIRST])
    asked = collector(nvml)
    told(asked)
    nvml.broken = {"count"}
    assert told(asked) == {}
    nvml.broken = set()
    assert told(asked)["GPU_UTIL", "0"] == 35
    assert (nvml.starts, nvml.ends) == (2, 1)


def test_the_library_has_all_that_is_asked_with_the_same_parameters() -> None:
    names = [name for name in dir(FakeNvml) if name.lower().startswith("nvml")]
    assert len(names) > 30
    for name in names:
        fake, real = getattr(FakeNvml, name), getattr(pynvml, name)
        if callable(fake) and name != "NVMLError":
            parameters = list(inspect.signature(fake).parameters.values())[1:]
            given = [None for each in parameters if each.default is each.empty]
            inspect.signature(real).bind(*given)


def test_a_driver_that_works_is_greeted_once() -> None:
    nvml = FakeNvml([FIRST])
    asked = collector(nvml)
    for _ in range(3):
        told(asked)
    assert (nvml.starts, nvml.ends, nvml.watched) == (1, 0, ["GPU-a"])


def test_a_divided_card_tells_the_memory_of_its_parts_and_all_else_once() -> None:
    divided = FakeCard("NVIDIA A100", "GPU-c", parts=["1g.5gb", "2g.10gb"])
    nvml = FakeNvml([divided, FIRST], {"utilization GPU-c"})
    families = {family.name: labelled(family) for family in collector(nvml)()}
    used = {
        (labels["gpu"], labels["GPU_I_ID"], labels["GPU_I_PROFILE"]): value
        for value, labels in families["DCGM_FI_DEV_FB_USED"]
    }
    assert used == {("0", "1", "1g.5gb"): 1, ("0", "2", "2g.10gb"): 2, ("1", "", ""): 3}
    assert [labels["gpu"] for _, labels in families["DCGM_FI_DEV_GPU_UTIL"]] == ["1"]
    assert [labels["gpu"] for _, labels in families["DCGM_FI_DEV_GPU_TEMP"]] == ["0", "1"]


def test_a_divided_card_without_parts_tells_its_memory_whole() -> None:
    assert told(FakeNvml([FakeCard("NVIDIA A100", "GPU-c", parts=[])]))["FB_USED", "0"] == 3


def process_memory(nvml: FakeNvml) -> dict[tuple[str, str], float]:
    families = {family.name: labelled(family) for family in collector(nvml)()}
    rows = families["namedprocess_namegroup_gpu_memory_bytes"]
    return {(labels["gpu"], labels["groupname"]): value for value, labels in rows}


def test_the_memory_of_processes_is_told_by_name() -> None:
    # Number 1 both computes and draws, 101 has its name, and the driver keeps the memory of 3 to itself.
    card = FakeCard(
        "NVIDIA H200", "GPU-a", compute=[(1, 5 * MIB), (101, MIB), (3, None)], graphics=[(1, 5 * MIB), (4, 7)]
    )
    assert process_memory(FakeNvml([card])) == {("0", "p1"): 6 * MIB, ("0", "p4"): 7}


def test_only_the_processes_with_most_memory_are_told() -> None:
    card = FakeCard("NVIDIA H200", "GPU-a", compute=[(pid, pid) for pid in range(1, 51)])
    assert set(process_memory(FakeNvml([card]))) == {("0", f"p{pid}") for pid in range(41, 51)}


def test_processes_that_are_not_told_take_nothing_else_away() -> None:
    nvml = FakeNvml([FIRST], {"processes"})
    assert process_memory(nvml) == {}
    assert told(nvml)["GPU_UTIL", "0"] == 35


def test_the_last_error_of_each_card_is_remembered() -> None:
    nvml = FakeNvml([FIRST, SECOND], events=[(FIRST, 31), (FIRST, 79)])
    asked = collector(nvml)
    for _ in range(2):
        figures = told(asked)
        assert (figures["XID_ERRORS", "0"], figures["XID_ERRORS", "1"]) == (79, 0)


def test_a_card_whose_errors_cannot_be_watched_does_not_read_as_one_without() -> None:
    assert ("XID_ERRORS", "0") not in told(FakeNvml([FIRST, SECOND], {"register GPU-a"}))
    assert not {name for name, _ in told(FakeNvml([FIRST], {"events"})) if name == "XID_ERRORS"}


@pytest.fixture
def hanging() -> Iterator[FakeNvml]:
    nvml = FakeNvml([FIRST], hanging={"power"})
    yield nvml
    nvml.awake.set()


def test_a_driver_that_hangs_is_asked_once_and_holds_nobody(hanging: FakeNvml) -> None:
    asked = collector(hanging, patience=0.1)
    for ask in (asked, asked.names, asked):
        with pytest.raises(TimeoutError):
            list(ask())
    assert hanging.asked.count("power") == 1
    assert sum(thread.name == "the graphics cards" for thread in threading.enumerate()) == 1


def test_a_driver_that_wakes_up_is_told_again(hanging: FakeNvml) -> None:
    asked = collector(hanging, patience=0.1)
    with pytest.raises(TimeoutError):
        told(asked)
    hanging.hanging.clear()
    hanging.awake.set()
    for thread in threading.enumerate():
        if thread.name == "the graphics cards":
            thread.join()
    assert told(asked)["POWER_USAGE", "0"] == 72.5


def test_names_are_those_of_the_last_look_for_half_a_minute() -> None:
    now = [0.0]
    nvml = FakeNvml([FIRST, SECOND])
    asked = collector(nvml, now=lambda: now[0])
    assert asked.names() == ["NVIDIA H200", "T4"]
    nvml.cards = [SECOND]
    now[0] = 29.0
    assert asked.names() == ["NVIDIA H200", "T4"]
    now[0] = 31.0
    assert asked.names() == ["T4"]


def test_this_machine_can_be_asked() -> None:
    assert all(isinstance(name, str) for name in gpu_names())
