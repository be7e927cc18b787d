"""The page of the targets, as a record."""

from dataclasses import replace

from dashboard.model.labels import Labels
from dashboard.scrape.status import BadLine, TargetHealth, TargetStatus
from dashboard.web.views.targets import make_targets, target_row

NOW = 1_700_000_000_000
LABELS = Labels.of({"job": "shop", "instance": "box:80"})
UP = TargetStatus(
    "1", "shop", "http://box:80/metrics", LABELS, LABELS, 15_000, 10_000, TargetHealth.UP, "", NOW - 3000, 0.004, 1200
)
DOWN = replace(UP, id="2", url="http://box:81/metrics", health=TargetHealth.DOWN, last_error="refused")
NEW = TargetStatus("3", "other", "http://box:82/metrics", LABELS, LABELS, 15_000, 10_000)


def test_pools_and_targets_that_are_down_come_first() -> None:
    view = make_targets([NEW, UP, DOWN], 2, NOW)
    assert [(pool.id, pool.level, pool.state) for pool in view.pools] == [
        ("shop", "bad", "1 of 2 up"),
        ("other", "unknown", "0 of 1 up"),
    ]
    assert [target.id for target in view.pools[0].targets] == ["2", "1"]
    assert (view.up, view.down, view.unknown, view.firing) == (1, 1, 1, 2)


def test_a_target_tells_how_its_last_scrape_went() -> None:
    row = target_row(UP, NOW)
    assert (row.state, row.last_scrape, row.duration, row.samples, row.interval) == (
        "up",
        "3 s ago",
        "4 ms",
        "1,200",
        "15s",
    )
    assert (row.link, row.error, row.bad_line) == ("http://box:80/metrics", "", "")


def test_before_the_first_scrape_there_is_nothing_to_tell() -> None:
    row = target_row(NEW, NOW)
    assert {row.last_scrape, row.duration, row.samples} == {"–"}
    assert row.state == "waiting"


def test_the_first_bad_line_is_shown_with_its_number_and_reason() -> None:
    row = target_row(replace(DOWN, bad_line=BadLine(7, "a b c", "expected value")), NOW)
    assert row.bad_line == "7: a b c (expected value)"


def test_the_filter_finds_state_address_error_and_labels() -> None:
    search = target_row(DOWN, NOW).search
    assert all(word in search for word in ("down", "box:81", "refused", "job=shop"))


def test_our_own_pages_are_linked_where_this_server_really_listens() -> None:
    assert target_row(replace(UP, url="http://localhost:5000/host/metrics"), NOW).link == "/host/metrics"
