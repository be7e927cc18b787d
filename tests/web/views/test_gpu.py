"""Graphics cards in words: what a card does not tell is never an idle card."""

from __future__ import annotations

import numpy as np

from dashboard.model.labels import Labels
from dashboard.web import Parts, urls
from dashboard.web.views.charts import Span, make_chart
from dashboard.web.views.gpu import GpuCard, GpuPart, GpuProcess, ask_cards, gpu_panels
from dashboard.web.views.views import Views

FIRST = {"gpu": "0", "UUID": "GPU-a", "modelName": "H200", "Hostname": "box", "job": "host"}
SECOND = {"gpu": "1", "UUID": "GPU-b", "modelName": "T4", "Hostname": "box", "job": "host"}


def store(parts: Parts, card: dict[str, str], **figures: float) -> None:
    """Store a minute of a card's figures."""
    for name, value in figures.items():
        metric = name if name.startswith("named") else f"DCGM_FI_DEV_{name}"
        series = np.array([parts.storage.series_id(Labels.of({"__name__": metric, **card}))], dtype=np.int64)
        appender = parts.storage.appender()
        for at in range(parts.clock() - 60_000, parts.clock() + 1, 5000):
            appender.append(at, series, np.array([value]))
    parts.storage.flush()


def cards(parts: Parts, own: str = "") -> tuple[GpuCard, ...]:
    return ask_cards(parts.engine, parts.clock(), own)


def test_a_card_is_put_into_words(parts: Parts) -> None:
    store(parts, FIRST, GPU_UTIL=35, FB_USED=2048, FB_FREE=6144, GPU_TEMP=41, SM_CLOCK=1980, XID_ERRORS=0)
    store(parts, FIRST, POWER_USAGE=72.5, ENFORCED_POWER_LIMIT=700, CLOCK_THROTTLE_REASONS=0x24)
    store(parts, {**FIRST, "groupname": "python"}, namedprocess_namegroup_gpu_memory_bytes=2.0**30)
    store(parts, {**FIRST, "groupname": "Xorg"}, namedprocess_namegroup_gpu_memory_bytes=2.0**20)
    (card,) = cards(parts)
    own = 'UUID="GPU-a",GPU_I_ID=""'

    def url(figure: str, more: str = "") -> str:
        return urls.query(f"DCGM_FI_DEV_{figure}{{{own}}}{more}")

    def process_url(name: str) -> str:
        return urls.query(f'namedprocess_namegroup_gpu_memory_bytes{{UUID="GPU-a",groupname="{name}"}}')

    assert card == GpuCard(
        id="GPU-a",
        name="GPU 0",
        model="H200",
        host="box",
        level="ok",
        utilization="35 %",
        utilization_url=url("GPU_UTIL", " / 100"),
        utilization_fill="35.0",
        memory="2 GiB of 8 GiB",
        memory_url=url("FB_USED", " * 1048576"),
        memory_fill="25.0",
        temperature="41 °C",
        temperature_url=url("GPU_TEMP"),
        power="72.5 of 700 W",
        power_url=url("POWER_USAGE"),
        clock="1980 MHz",
        clock_url=url("SM_CLOCK"),
        slowed="Slowed by power limit, heat.",
        slowed_url=url("CLOCK_THROTTLE_REASONS"),
        error="",
        error_url="",
        parts=(),
        processes=(
            GpuProcess("python", "1 GiB", process_url("python")),
            GpuProcess("Xorg", "1 MiB", process_url("Xorg")),
        ),
    )


def test_what_a_card_does_not_tell_is_a_dash(parts: Parts) -> None:
    store(parts, FIRST, GPU_TEMP=41)
    (card,) = cards(parts)
    assert {card.utilization, card.memory, card.power, card.clock} == {"–"}
    assert {card.utilization_fill, card.memory_fill, card.slowed, card.error} == {""}
    assert {card.utilization_url, card.memory_url, card.power_url, card.slowed_url, card.error_url} == {""}


def test_an_error_of_the_driver_is_said(parts: Parts) -> None:
    store(parts, FIRST, GPU_UTIL=0, XID_ERRORS=79)
    (card,) = cards(parts)
    assert (card.level, card.error) == ("bad", "The driver told of an error (XID 79).")


def test_a_divided_card_has_the_memory_of_its_parts_together(parts: Parts) -> None:
    store(parts, FIRST, GPU_TEMP=41)
    store(parts, {**FIRST, "GPU_I_ID": "1", "GPU_I_PROFILE": "1g.5gb"}, FB_USED=1024, FB_TOTAL=4096)
    store(parts, {**FIRST, "GPU_I_ID": "2", "GPU_I_PROFILE": "2g.10gb"}, FB_USED=0, FB_TOTAL=4096)
    (card,) = cards(parts)
    assert (card.memory, card.memory_fill, card.temperature) == ("1 GiB of 8 GiB", "12.5", "41 °C")
    series = 'DCGM_FI_DEV_FB_USED{UUID="GPU-a"'
    assert card.memory_url == urls.query(f"sum(max by (GPU_I_ID) ({series}}})) * 1048576")
    first, second = (urls.query(f'{series},GPU_I_ID="{part}"}} * 1048576') for part in "12")
    assert card.parts == (
        GpuPart("1", "1g.5gb", "1 GiB of 4 GiB", first, "25.0"),
        GpuPart("2", "2g.10gb", "0 B of 4 GiB", second, "0.0"),
    )


def test_a_card_that_two_targets_tell_of_is_one_card(parts: Parts) -> None:
    store(parts, FIRST, GPU_UTIL=35)
    store(parts, {**FIRST, "job": "dcgm"}, GPU_UTIL=35)
    store(parts, SECOND, GPU_UTIL=0)
    assert [card.name for card in cards(parts)] == ["GPU 0", "GPU 1"]
    assert [card.utilization for card in cards(parts, 'job="dcgm"')] == ["35 %"]


def test_cards_are_drawn_a_line_each_and_named_by_machine_where_there_are_more(parts: Parts) -> None:
    store(parts, FIRST, GPU_UTIL=35, FB_USED=1024)
    store(parts, {**FIRST, "job": "dcgm"}, GPU_UTIL=35, FB_USED=1024)
    store(parts, SECOND, GPU_UTIL=70)

    def names(place: int) -> list[tuple[str, str]]:
        spec = gpu_panels(cards(parts))[place]
        chart = make_chart(parts.engine, spec, Span.QUARTER, 5000, parts.clock())
        return [(series.name, series.last) for series in chart.series]

    assert names(0) == [("GPU 0", "35 %"), ("GPU 1", "70 %")]
    assert names(1) == [("GPU 0", "1 GiB")]
    store(parts, {**FIRST, "UUID": "GPU-c", "Hostname": "far"}, GPU_UTIL=1)
    assert [name for name, _ in names(0)] == ["GPU box · 0", "GPU box · 1", "GPU far · 0"]


def test_without_a_card_there_is_no_panel_and_the_page_says_so(parts: Parts) -> None:
    view = Views(parts).gpu()
    assert (view.cards, view.main, view.notice) == ((), (), "")
    assert gpu_panels(()) == []
