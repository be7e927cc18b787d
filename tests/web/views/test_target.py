"""One target, rule by rule."""

from __future__ import annotations

from dashboard.model.labels import Labels
from dashboard.model.relabel import RelabelAction, RelabelConfig, relabel_steps
from dashboard.scrape.status import ScrapePool, TargetStatus
from dashboard.web.views.target import Change, Found, find_target, make_target, rule_text
from dashboard.web.views.targets import dropped_id

NOW = 1_700_000_000_000
DISCOVERED = Labels.of({"__address__": "box:80", "job": "shop", "zone": "a"})
TARGET = TargetStatus("1", "shop", "http://box:80/metrics", Labels.of({"job": "shop"}), DISCOVERED, 15_000, 10_000)
RULES = (
    RelabelConfig(("zone",), target_label="place"),
    RelabelConfig(("zone",), regex="b.*", action=RelabelAction.DROP),
    RelabelConfig(target_label="zone", replacement="z"),
    RelabelConfig(regex="zone", action=RelabelAction.LABELDROP),
)


def test_each_rule_tells_what_it_did_to_labels() -> None:
    view = make_target("1", Found("shop", DISCOVERED, TARGET), relabel_steps(dict(DISCOVERED), RULES), 3, NOW)
    assert (view.address, view.pool, view.verdict, view.firing) == ("box:80", "shop", "", 3)
    assert [(step.id, step.action, step.level, step.effect) for step in view.steps] == [
        ("1", "replace", "ok", ""),
        ("2", "drop", "unknown", "changed nothing"),
        ("3", "replace", "ok", ""),
        ("4", "labeldrop", "ok", ""),
    ]
    assert [step.changes for step in view.steps] == [
        (Change("place", "added", "", "a"),),
        (),
        (Change("zone", "changed", "a", "z"),),
        (Change("zone", "removed", "z", ""),),
    ]
    assert [target.id for target in view.targets] == ["1"]
    assert [label.name for label in view.discovered] == ["__address__", "job", "zone"]


def test_the_rule_that_dropped_a_target_is_named() -> None:
    discovered = DISCOVERED.merged({"zone": "b"})
    view = make_target("x", Found("shop", discovered, None), relabel_steps(dict(discovered), RULES), 0, NOW)
    assert [(step.level, step.effect) for step in view.steps] == [("ok", ""), ("bad", "dropped the target")]
    assert view.verdict == "Relabelling dropped this target: it is not scraped."
    assert (view.targets, view.labels) == ((), ())


def test_a_rule_is_shown_without_what_is_its_default() -> None:
    assert rule_text(RelabelConfig()) == ""
    rule = RelabelConfig(("a", "b"), "@", "x", 7, "c", "", RelabelAction.HASHMOD)
    assert rule_text(rule).splitlines() == [
        "source_labels: [a, b]",
        "separator: @",
        "regex: x",
        "modulus: 7",
        "target_label: c",
        'replacement: ""',
    ]


def test_a_target_is_found_whether_it_is_scraped_or_was_dropped() -> None:
    pools = [ScrapePool("shop", (TARGET,), (DISCOVERED,), 1, ())]
    assert find_target(pools, "1") == Found("shop", DISCOVERED, TARGET)
    assert find_target(pools, dropped_id("shop", DISCOVERED)) == Found("shop", DISCOVERED, None)
    assert find_target(pools, "nothing") is None
