"""Families become a page that our own parser reads back, whatever stands in names of devices and processes."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from dashboard.exposition.page import MetricType
from dashboard.exposition.parser import parse
from dashboard.scrape.host.families import counter, gauge, info, lone_gauge, page_of


def test_a_counter_keeps_its_name() -> None:
    family = counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Energy.", ("gpu",))
    family.add(7, "0")
    assert page_of([family]) == (
        b"# HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Energy.\n"
        b"# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter\n"
        b'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 7\n'
    )


def test_an_empty_label_is_none_and_a_family_without_rows_is_left_out() -> None:
    page = parse(page_of([gauge("nothing", "Help."), info("about", "Help.", {"a": "", "b": "x"})]))
    assert page.metadata.keys() == {"about"}
    assert [dict(sample.labels) for sample in page.samples] == [{"__name__": "about", "b": "x"}]


def test_the_type_and_the_help_are_told() -> None:
    page = parse(page_of([lone_gauge("x", 'A "help" with \\ and \n.', 1)]))
    assert (page.metadata["x"].type, page.metadata["x"].help) == (MetricType.GAUGE, 'A "help" with \\ and \n.')


@given(st.lists(st.tuples(st.text(), st.floats()), max_size=5))
def test_every_text_and_every_value_is_read_back(given: list[tuple[str, float]]) -> None:
    family = gauge("x", "Help.", ("name", "place"))
    for place, (text, value) in enumerate(given):
        family.add(value, text, str(place))
    read = [(sample.labels.get("name"), sample.value) for sample in parse(page_of([family])).samples]
    expected = [(text.encode("utf-8", "replace").decode(), value) for text, value in given]
    assert [text for text, _ in read] == [text for text, _ in expected]
    for (_, got), (_, wanted) in zip(read, expected, strict=True):
        assert got == wanted or (math.isnan(got) and math.isnan(wanted))


def test_bytes_that_are_no_utf8_can_be_shown() -> None:
    family = gauge("x", "Help.", ("mountpoint",))
    family.add(1, b"/media/caf\xe9".decode("utf-8", "surrogateescape"))
    (sample,) = parse(page_of([family])).samples
    assert sample.labels.get("mountpoint") == "/media/caf?"
