"""What discovery finds becomes targets: relabelled, checked, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboard.config.prometheus import load_prometheus_config
from dashboard.config.scrape import ScrapeConfig
from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelAction, RelabelConfig
from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.target import PoolTargets, Target, target_steps, targets_of

from .conftest import make_target


def found(*addresses: str, labels: dict[str, str] | None = None, **job: Any) -> PoolTargets:
    """Return the targets that a job makes of one group."""
    group = TargetGroup(tuple({"__address__": address} for address in addresses), labels or {})
    return targets_of(ScrapeConfig(job_name="a", **job), [group])


def only(*addresses: str, **options: Any) -> Target:
    """Return the one target that there is."""
    (target,) = found(*addresses, **options).active
    return target


def test_labels_url_and_durations(tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(
        """
scrape_configs:
- job_name: api
  scrape_interval: 5s
  scrape_timeout: 2s
  metrics_path: /a b?
  params: {module: [x, y z], empty: []}
  static_configs: [{targets: ['host:8080'], labels: {env: prod, none: ''}}]
""",
        encoding="utf-8",
    )
    (job,) = load_prometheus_config(file).scrape_configs
    (target,) = targets_of(job, map(TargetGroup.of, job.static_configs)).active
    assert dict(target.labels) == {"job": "api", "instance": "host:8080", "env": "prod"}
    assert target.url == "http://host:8080/a%20b%3F?module=x&module=y+z"
    assert (target.scrape_pool, target.interval, target.timeout) == ("api", 5000, 2000)
    assert dict(target.discovered_labels) == {
        "__address__": "host:8080",
        "__metrics_path__": "/a b?",
        "__param_module": "x",
        "__scheme__": "http",
        "__scrape_interval__": "5s",
        "__scrape_timeout__": "2s",
        "env": "prod",
        "job": "api",
    }


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("host", "host"),
        ("[::1]", "[::1]"),
        ("[::1]:9", "[::1]:9"),
        ("a?b#c@d e", "a%3Fb%23c%40d%20e"),
    ],
)
def test_an_address_is_taken_as_it_is_and_gets_no_port(address: str, host: str) -> None:
    target = only(address, scheme="https")
    assert target.url == f"https://{host}/metrics"
    assert target.labels.get("instance") == address


@pytest.mark.parametrize(("path", "shown"), [("probe", "/probe"), ("/", "/"), ("/a;b@c", "/a;b@c")])
def test_a_path_begins_with_a_slash(path: str, shown: str) -> None:
    assert only("h", metrics_path=path).url == f"http://h{shown}"


def test_labels_of_a_target_may_say_how_it_is_scraped() -> None:
    target = only(
        "h",
        params={"x": ("y",), "w": ("1", "2")},
        labels={
            "__scheme__": "https",
            "__metrics_path__": "probe",
            "__scrape_interval__": "7000ms",
            "__scrape_timeout__": "1s",
            "__param_z": "w",
            "__param_w": "3",
            "job": "b",
            "instance": "i",
        },
    )
    assert target.url == "https://h/probe?w=3&w=2&x=y&z=w"
    assert (target.interval, target.timeout) == (7000, 1000)
    assert (target.told_interval, target.told_timeout) == ("7000ms", "1s")
    assert dict(target.labels) == {"job": "b", "instance": "i"}


def test_a_targets_own_labels_count_before_those_of_its_group() -> None:
    group = TargetGroup(({"__address__": "h", "x": "own"},), {"x": "shared", "y": "shared"})
    (target,) = targets_of(ScrapeConfig(job_name="a"), [group]).active
    assert (target.labels.get("x"), target.labels.get("y")) == ("own", "shared")


def test_relabelling_may_rewrite_everything_and_sees_what_was_discovered() -> None:
    target = only(
        "h:1",
        labels={"__meta_zone": "eu", "__tmp": "x"},
        relabel_configs=(
            RelabelConfig(("__meta_zone",), target_label="zone"),
            RelabelConfig(("__address__",), target_label="__param_target"),
            RelabelConfig(target_label="__address__", replacement="probe:9"),
            RelabelConfig(target_label="job", replacement="other"),
        ),
    )
    assert target.url == "http://probe:9/metrics?target=h%3A1"
    assert dict(target.labels) == {"job": "other", "instance": "probe:9", "zone": "eu"}
    assert (target.scrape_pool, target.discovered_labels.get("__meta_zone")) == ("a", "eu")


def test_dropped_targets_are_counted_and_as_many_kept_as_the_job_wants() -> None:
    rules = (RelabelConfig(("__address__",), regex="x.*", action=RelabelAction.DROP),)
    everything = found("x1", "h", "x2", "x3", relabel_configs=rules)
    assert [labels.get("__address__") for labels in everything.dropped] == ["x1", "x2", "x3"]
    some = found("x1", "h", "x2", "x3", relabel_configs=rules, keep_dropped_targets=2)
    assert [labels.get("__address__") for labels in some.dropped] == ["x1", "x2"]
    assert (some.dropped_count, [target.address for target in some.active]) == (3, ["h"])


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({"__address__": ""}, "no address"),
        ({"__address__": "http://h/metrics"}, '"http://h/metrics" is not a valid hostname'),
        ({"__scrape_interval__": "soon"}, 'error parsing scrape interval: not a valid duration string: "soon"'),
        ({"__scrape_timeout__": "0s"}, "scrape timeout cannot be 0"),
        (
            {"__scrape_interval__": "2s", "__scrape_timeout__": "3s"},
            'scrape timeout cannot be greater than scrape interval ("3s" > "2s")',
        ),
        ({"x": "\ud800"}, "invalid label value for \"x\": '\\ud800'"),
        ({"\ud800": "x"}, "invalid label name '\\ud800'"),
    ],
)
def test_labels_that_make_no_target_are_an_error_and_the_other_targets_stay(
    labels: dict[str, str], reason: str
) -> None:
    good = {"__address__": "good:1"}
    pool = targets_of(ScrapeConfig(job_name="a"), [TargetGroup(({"__address__": "h", **labels}, good), {})])
    (error,) = pool.errors
    assert error.endswith(f": {reason}")
    assert [target.address for target in pool.active] == ["good:1"]


def test_targets_that_come_out_equal_are_one() -> None:
    strip = (RelabelConfig(("__address__",), regex="(.*)-.*", target_label="__address__"),)
    assert [target.address for target in found("h", "h", "i").active] == ["h", "i"]
    assert [target.address for target in found("h-1", "h-2", relabel_configs=strip).active] == ["h"]


def test_ids_stay_the_same_and_differ_between_targets() -> None:
    def ids() -> list[str]:
        groups = [TargetGroup(({"__address__": "h"}, {"__address__": "i"}), {"x": x}) for x in ("", "y")]
        return [target.id for target in targets_of(ScrapeConfig(job_name="a"), groups).active]

    assert ids() == ids()
    assert len({*ids(), only("h", labels={"__scrape_interval__": "20s"}).id}) == 5
    assert only("h").id in ids()


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"target_limit": 5, "relabel_configs": (RelabelConfig(target_label="__tmp"),)}, True),
        ({"sample_limit": 5}, False),
        ({"honor_labels": True}, False),
        ({"metric_relabel_configs": (RelabelConfig(target_label="x"),)}, False),
        ({"scrape_interval": 6000}, False),
    ],
)
def test_a_target_is_scraped_as_before_unless_something_changed_that_matters(
    change: dict[str, Any], same: bool
) -> None:
    assert make_target().is_scraped_as(make_target(**change)) is same


def test_each_step_of_relabelling_can_be_told() -> None:
    rules = (RelabelConfig(("a",), target_label="b"), RelabelConfig(("b",), regex="x", action=RelabelAction.DROP))
    steps = target_steps(ScrapeConfig(job_name="a", relabel_configs=rules), Labels.of({"a": "x"}))
    assert [step.labels for step in steps] == [Labels.of({"a": "x", "b": "x"}), None]
