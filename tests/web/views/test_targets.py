"""The page of the targets, as a record."""

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.config.prometheus import PrometheusConfig
from dashboard.config.scrape import GlobalConfig
from dashboard.config.warnings import ConfigWarning
from dashboard.model.labels import Labels
from dashboard.reload import ReloadStatus
from dashboard.scrape.status import BadLine, ScrapePool, TargetHealth, TargetStatus
from dashboard.web import urls
from dashboard.web.views.targets import (
    MOST_TARGETS,
    AskedTargets,
    Configuration,
    Label,
    StateFilter,
    TargetsView,
    dropped_id,
    dropped_row,
    make_targets,
    target_row,
)

NOW = 1_700_000_000_000
LABELS = Labels.of({"job": "shop", "instance": "box:80"})
UP = TargetStatus(
    "1", "shop", "http://box:80/metrics", LABELS, LABELS, 15_000, 10_000, TargetHealth.UP, "", NOW - 3000, 0.004, 1200
)
DOWN = replace(UP, id="2", url="http://box:81/metrics", health=TargetHealth.DOWN, last_error="refused")
NEW = TargetStatus("3", "other", "http://box:82/metrics", LABELS, LABELS, 15_000, 10_000)


DROPPED = Labels.of({"__address__": "box:99", "__scheme__": "http", "job": "shop", "zone": "b"})
CONFIG = PrometheusConfig(Path("/x/prometheus.yml"), GlobalConfig(), (), (), Labels())
RELOADED = ReloadStatus(NOW - 90_000)


def pool(name: str, *active: TargetStatus, dropped: int = 0, errors: tuple[str, ...] = ()) -> ScrapePool:
    return ScrapePool(name, active, (DROPPED,) * min(dropped, 1), dropped, errors)


def view_of(*pools: ScrapePool, state: StateFilter = StateFilter.ALL, config: PrometheusConfig = CONFIG) -> TargetsView:
    return make_targets(AskedTargets(pools, config, RELOADED, firing=2), state, NOW)


def test_pools_and_targets_that_are_down_come_first() -> None:
    view = view_of(pool("other", NEW), pool("shop", UP, DOWN))
    assert [(row.id, row.level, row.state) for row in view.pools] == [
        ("shop", "bad", "1 of 2 up"),
        ("other", "unknown", "0 of 1 up"),
    ]
    assert [target.id for target in view.pools[0].targets] == ["2", "1"]
    assert (view.up, view.down, view.unknown, view.dropped, view.firing) == (1, 1, 1, 0, 2)


def test_the_figures_of_a_target_lead_to_the_series_of_its_scrapes() -> None:
    query = '{__name__=~"up|scrape_.+",instance="box:80",job="shop"}'
    assert target_row(UP, NOW).series_url == urls.query(query)
    assert target_row(NEW, NOW).series_url == ""


def test_targets_that_were_dropped_are_counted_and_listed() -> None:
    view = view_of(pool("shop", UP, dropped=7))
    (row,) = view.pools
    assert (view.dropped, row.dropped_amount) == (7, "7 targets dropped")
    (dropped,) = row.dropped
    assert dropped == dropped_row("shop", DROPPED)
    assert (dropped.address, dropped.labels) == ("box:99", (Label("zone", "b"),))
    assert dropped.page_url == f"/targets/{dropped_id('shop', DROPPED)}"
    assert dropped_id("shop", DROPPED) != dropped_id("other", DROPPED)


@pytest.mark.parametrize(
    ("state", "targets", "dropped"),
    [("", "213", 1), ("up", "1", 0), ("down", "2", 0), ("waiting", "3", 0), ("dropped", "", 1), ("nonsense", "213", 1)],
)
def test_one_state_alone_can_be_shown(state: str, targets: str, dropped: int) -> None:
    view = view_of(pool("shop", UP, DOWN, dropped=1), pool("other", NEW), state=StateFilter.named(state))
    assert "".join(target.id for row in view.pools for target in row.targets) == targets
    assert sum(len(row.dropped) for row in view.pools) == dropped
    # The tallies tell of all, whatever is shown.
    assert (view.up, view.down, view.unknown, view.dropped) == (1, 1, 1, 1)


def test_a_pool_in_which_nothing_is_found_is_shown_with_the_reason() -> None:
    view = view_of(pool("empty", errors=("cannot look up x", "cannot look up x")))
    (row,) = view.pools
    assert (row.level, row.state, [error.id for error in row.errors]) == ("bad", "0 of 0 up", ["cannot look up x"])
    assert view_of(pool("empty"), state=StateFilter.UP).pools == ()


def test_of_very_many_targets_those_that_are_down_are_shown_first() -> None:
    many = [replace(UP, id=f"u{number}", url=f"http://box:{number}/") for number in range(MOST_TARGETS)]
    view = view_of(pool("a", *many), pool("z", DOWN, UP))
    assert sum(len(row.targets) for row in view.pools) == MOST_TARGETS
    assert view.pools[0].targets[0].id == "2"
    assert view.more == "and 2 more targets"


def test_the_configuration_says_when_it_was_read_and_what_is_not_served() -> None:
    assert view_of().configuration == Configuration("ok", "prometheus.yml was read 1 min ago", "", "", ())
    warned = replace(CONFIG, warnings=(ConfigWarning("tracing", "checked, and not served here"),))
    told = view_of(config=warned).configuration
    assert told.warned == "1 section not served"
    assert [warning.id for warning in told.warnings] == ["tracing: checked, and not served here"]


def test_a_reload_that_failed_is_said_with_its_reason() -> None:
    asked = AskedTargets((), CONFIG, replace(RELOADED, error="prometheus.yml: no"))
    told = make_targets(asked, StateFilter.ALL, NOW).configuration
    assert (told.level, told.error) == ("bad", "prometheus.yml: no")
    assert told.summary == "prometheus.yml as it was 1 min ago stays in force"


def test_what_cannot_be_stored_is_said_with_its_reason() -> None:
    assert view_of().not_stored == ""
    asked = AskedTargets((), CONFIG, RELOADED, not_stored="database or disk is full")
    assert make_targets(asked, StateFilter.ALL, NOW).not_stored == "database or disk is full"


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
