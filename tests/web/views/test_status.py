"""The page of the store, in words and over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from flask.testing import FlaskClient

from dashboard.config.prometheus import load_prometheus_config
from dashboard.database import Database
from dashboard.database.schema import SchemaStatus
from dashboard.model.labels import Labels
from dashboard.model.matcher import Matcher, MatchKind
from dashboard.promql import Vector
from dashboard.storage import KeepRule, Retention, StorageStats
from dashboard.storage.cardinality import Cardinality, Count, PairCount
from dashboard.storage.forecast import DAY, Forecast, Space, Stored
from dashboard.web import Parts
from dashboard.web.views.status import AskedStore, Fact, StatusView, make_status
from dashboard.web.views.views import Views

NOW = 1_700_000_000_000
MIB = 1 << 20
ASKED = AskedStore(
    stats=StorageStats(1234, 1000, 2, 3_000_000, 4 * MIB, NOW - 2 * DAY, NOW - 5000),
    forecast=Forecast(Space(3 * MIB, 100 * MIB), growth=2.0 * MIB, peak=80.0 * MIB),
    retention=Retention(30 * DAY),
    cardinality=Cardinality(3, (Count("up", 4), Count("a", 1)), (Count("job", 2),), (), (PairCount("job", "x", 3),)),
    blocks=[Stored(0, DAY, 5, DAY - 5, 2_000_000, MIB), Stored(DAY, 2 * DAY, DAY, 2 * DAY, 1_000_000, 0)],
    damaged={},
    schema=SchemaStatus(("storage.a",), (), (), ()),
)


def made(**given: Any) -> StatusView:
    return make_status(replace(ASKED, **given), NOW)


def facts(view: StatusView) -> dict[str, Fact]:
    return {fact.id: fact for fact in view.facts}


@pytest.mark.parametrize(
    ("given", "level", "headline"),
    [
        ({}, "ok", "Levels off at 80 MiB"),
        ({"disk_full": 2.5 * DAY}, "bad", "The disk is full in 2 d"),
        ({"disk_full": 13.0 * DAY, "size_reached": 1.0 * DAY}, "warn", "The disk is full in 13 d"),
        ({"disk_full": 200.0 * DAY}, "ok", "The disk is full in 200 d"),
        ({"disk_full": 0.0}, "bad", "The disk is full"),
        ({"size_reached": 5.0 * DAY}, "ok", "The size limit of 10 MiB is reached in 5 d"),
        ({"size_reached": 0.0}, "ok", "The size limit of 10 MiB is reached"),
        ({"growth": None}, "unknown", "How it grows is not known yet"),
    ],
)
def test_what_becomes_of_it_is_said_in_a_few_words(given: dict[str, Any], level: str, headline: str) -> None:
    forecast = replace(ASKED.forecast, space=Space(3 * MIB, 100 * MIB, 10 * MIB), **given)
    view = made(forecast=forecast)
    assert (view.level, view.headline) == (level, headline)
    assert "100 MiB left" in view.summary or given.get("size_reached") is not None


def test_it_says_how_much_there_is() -> None:
    found = {name: (fact.value, fact.detail) for name, fact in facts(made()).items()}
    assert found["Series"] == ("1,234", "")
    assert found["Samples"] == ("3M", "1k not in a block yet")
    assert found["Bytes a sample"] == ("0.35", "1.4 with everything")
    assert found["In use"] == ("3 MiB", "4 MiB with the log")
    assert found["Growth"] == ("2 MiB", "a day")
    assert found["Free on the disk"] == ("100 MiB", "")
    assert found["Earliest sample"][0] == "2 d ago"
    assert found["Retention"] == ("30d", "no limit of size")
    assert found["Schema"] == ("as expected", "")


def test_what_a_young_store_does_not_know_is_a_dash() -> None:
    young = made(
        stats=StorageStats(3, 100, 0, 0, 90_000, None, None), blocks=[], forecast=Forecast(ASKED.forecast.space)
    )
    found = facts(young)
    for name in ("Bytes a sample", "Growth", "Earliest sample", "Latest sample"):
        assert (found[name].value, found[name].detail) == ("–", "")
    assert young.summary == "The first block tells, two hours after the start; the disk has 100 MiB left."


def test_what_asks_for_attention_is_said() -> None:
    view = made(
        damaged={"chunk 3 of group 1": "the checksum does not agree"},
        schema=SchemaStatus(("storage.a",), (), (), ("table x is missing",)),
        last_error="the disk is full",
    )
    assert view.notice == "Nothing is being stored: the disk is full"
    assert [(row.id, row.reason) for row in view.damaged] == [("chunk 3 of group 1", "the checksum does not agree")]
    found = facts(view)
    assert (found["Damaged places"].value, found["Damaged places"].level) == ("1", "warn")
    assert (found["Schema"].value, found["Schema"].level) == ("different", "warn")
    assert "table x is missing" in found["Schema"].detail


def test_series_that_are_kept_otherwise_are_listed() -> None:
    rule = KeepRule((Matcher(MatchKind.REGEX, "job", "debug.*"),), 2 * DAY)
    (row,) = made(retention=Retention(30 * DAY, 5 * MIB, (rule,))).rules
    assert (row.id, row.keep) == ('{job=~"debug.*"}', "2d")
    assert expression(row.url) == row.id
    assert facts(made(retention=Retention(DAY, 5 * MIB)))["Retention"].detail == "at most 5 MiB"


def test_blocks_are_listed_the_newest_first() -> None:
    view = made(blocks=[Stored(at * DAY, (at + 1) * DAY, 0, 0, 1000, 500) for at in range(103)])
    assert view.amount == "103 blocks"
    assert view.more == "and 3 older blocks"
    assert [(row.length, row.samples, row.size, row.each) for row in view.blocks[:1]] == [
        ("1d", "1,000", "500 B", "0.5")
    ]
    assert view.blocks[0].start > view.blocks[1].start
    # Those of the first version do not tell their bytes.
    assert [row.size for row in made().blocks] == ["–", "1 MiB"]


def expression(address: str) -> str:
    assert urlsplit(address).path == "/explore"
    (found,) = parse_qs(urlsplit(address).query)["expr"]
    return found


def answer(parts: Parts, query: str) -> list[float]:
    vector = parts.engine.instant(query, parts.clock()).value
    assert isinstance(vector, Vector)
    values: list[float] = vector.values.tolist()
    return values


def test_what_there_is_most_of_leads_to_a_query_that_says_the_same(parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)
    odd = [Labels.of({"__name__": "odd name", "http.status": 'a="b', "n": str(number)}) for number in range(20)]
    parts.storage.appender().append(parts.clock(), np.array(list(map(parts.storage.series_id, odd))), np.ones(20))
    parts.storage.flush()
    by_title = {top.id: top.rows for top in Views(parts).status().tops}
    assert len(by_title) == 4
    for title, rows in by_title.items():
        assert rows
        for row in rows:
            found = answer(parts, expression(row.url))
            if title != "Bytes by label":
                assert (row.id, found) == (row.id, [float(row.amount.replace(",", ""))])
            assert found
    assert 'http.status=a="b' in [row.id for row in by_title["Series by label and value"]]


def test_figures_lead_to_our_own_metrics_where_those_are_scraped(client: FlaskClient, parts: Parts) -> None:
    assert not any(fact.url for fact in Views(parts).status().facts)
    file = parts.settings.config_file.with_name("own.yml")
    file.write_text("scrape_configs: [{job_name: me, static_configs: [{targets: ['localhost:5000']}]}]")
    parts.scrape.apply(load_prometheus_config(file))
    found = {fact.id: expression(fact.url) for fact in Views(parts).status().facts if fact.url}
    own = '{instance="localhost:5000",job="me"}'
    assert found == {
        "Series": f"prometheus_tsdb_head_series{own}",
        "In use": f"glass_storage_used_bytes{own}",
        "Damaged places": f"glass_storage_damaged_places{own}",
    }
    growth = facts(made(own=(("job", "me"),)))["Growth"]
    assert expression(growth.url) == 'glass_storage_growth_bytes_per_second{job="me"} * 86400'
    shown = client.get("/api/cockpit/status").json
    assert shown["headline"] in client.get("/status").text


def test_a_user_of_prometheus_finds_the_page(client: FlaskClient) -> None:
    answered = client.get("/tsdb-status")
    assert (answered.status_code, answered.headers["Location"]) == (302, "/status")
    assert 'href="/status" aria-current="page"' in client.get("/status").text


def test_a_store_that_writes_no_more_says_so(
    client: FlaskClient, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "room", lambda _: 0)
    monkeypatch.setattr(type(parts.storage), "last_error", "database or disk is full")
    text = client.get("/status").text
    assert "Nothing is being stored: database or disk is full" in text
    assert "the disk has 0 B left" in text
