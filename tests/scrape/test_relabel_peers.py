"""Targets come out of random relabelling rules as they do in the real Prometheus."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dashboard.config.prometheus import load_prometheus_config
from dashboard.model.labels import Labels
from dashboard.scrape.discovery import TargetGroup
from dashboard.scrape.target import targets_of

from .peers import major_version, prometheus

JOBS = 300
NAMES = ["a", "b", "c", "ab", "__meta_x", "__tmp", "job", "__address__", "none"]
REGEXES = [
    "(.*)",
    "",
    "a",
    "a.*",
    "(a|b)(.*)",
    "(?i)(A)b?",
    "[^;]+;(.*)",
    "(?P<n>.)(?P<m>.)?.*",
    "__meta_(.+)",
    ".+",
    "(.)$",
]
# No two names become one: of two labels of a target, Prometheus then takes either.
MAPPINGS = [("(.*)", "m_$1"), ("(a|b)(.*)", "m_$1$2"), ("__meta_(.+)", "$1"), ("a", "d"), ("(?P<n>..)", "x_${n}")]
REPLACEMENTS = ["$1", "", "x", "${1}y", "$1y", "$2-$1", "$$1", "${n}${m}", "$0", "$9", "a$", "${", "$01"]
TARGETS = ["a", "b", "d", "__tmp", "job", "instance", "__param_p"]
# Before its third version, Prometheus knew only names and labels of plain letters, and gave each address a port.
NEWER_TARGETS = ["$1", "x_${1}", "${n}", "__address__"]
LETTERS, NEWER_LETTERS = "abA_", "abA_ éßΣ;"


class Rules:
    """Makes random rules that Prometheus accepts."""

    def __init__(self, chance: random.Random, version: int) -> None:
        self._chance = chance
        self._targets = TARGETS if version < 3 else TARGETS + NEWER_TARGETS

    def one(self) -> dict[str, Any]:
        makers = [*[self.replace] * 4, self.choose, self.equal, self.hashmod, self.labelmap, self.labels, self.case]
        return self._chance.choice(makers)()

    def source(self) -> dict[str, Any]:
        sources = self._chance.sample(NAMES, self._chance.randint(0, 3))
        return {"source_labels": sources, **self._chance.choice([{}, {"separator": ""}, {"separator": "-"}])}

    def plain(self) -> str:
        return self._chance.choice(["a", "b", "d", "job", "__param_q"])

    def regex(self) -> str:
        return self._chance.choice(REGEXES)

    def replace(self) -> dict[str, Any]:
        target, replacement = self._chance.choice(self._targets), self._chance.choice(REPLACEMENTS)
        return {**self.source(), "regex": self.regex(), "target_label": target, "replacement": replacement}

    def choose(self) -> dict[str, Any]:
        action, prefix = self._chance.choice([("keep", ""), ("drop", "a")])
        return {**self.source(), "action": action, "regex": prefix + self.regex()}

    def equal(self) -> dict[str, Any]:
        action, source = self._chance.choice(["keepequal", "dropequal"]), self._chance.choice(NAMES)
        return {"action": action, "source_labels": [source], "target_label": self.plain()}

    def hashmod(self) -> dict[str, Any]:
        modulus = self._chance.randint(1, 1000)
        return {**self.source(), "action": "hashmod", "target_label": self.plain(), "modulus": modulus}

    def labelmap(self) -> dict[str, Any]:
        mapped, name = self._chance.choice(MAPPINGS)
        return {"action": "labelmap", "regex": mapped, "replacement": name}

    def labels(self) -> dict[str, Any]:
        action, prefix = self._chance.choice([("labeldrop", ""), ("labelkeep", "__[as].*|")])
        return {"action": action, "regex": prefix + self.regex()}

    def case(self) -> dict[str, Any]:
        action = self._chance.choice(["lowercase", "uppercase"])
        return {**self.source(), "action": action, "target_label": self.plain()}


def job(number: int, chance: random.Random, version: int) -> dict[str, Any]:
    """Make a job with some rules, and targets of random labels."""
    letters = LETTERS if version < 3 else NEWER_LETTERS

    def value() -> str:
        return "".join(chance.choices(letters, k=chance.randint(0, 3)))

    groups = [
        {"targets": [f"h{index}:1"], "labels": {name: value() for name in ("a", "b", "c", "ab", "__meta_x", "__tmp")}}
        for index in range(4)
    ]
    return {
        "job_name": f"job{number}",
        "static_configs": groups,
        "relabel_configs": [Rules(chance, version).one() for _ in range(chance.randint(1, 4))],
    }


Pools = dict[str, Counter[Labels]]
"""The labels of the active targets of each job."""


def ours(config: Path) -> tuple[Pools, Counter[Labels]]:
    """Return our targets, and the discovered labels of those that were dropped."""
    pools: Pools = {}
    dropped: Counter[Labels] = Counter()
    for each in load_prometheus_config(config).scrape_configs:
        found = targets_of(each, map(TargetGroup.of, each.static_configs))
        dropped.update(found.dropped)
        if found.active:
            pools[each.job_name] = Counter(target.labels for target in found.active)
    return pools, dropped


def theirs(told: dict[str, Any]) -> tuple[Pools, Counter[Labels]]:
    """Return the same of what Prometheus tells."""
    pools: Pools = {}
    for target in told["activeTargets"]:
        pools.setdefault(target["scrapePool"], Counter())[Labels.of(target["labels"])] += 1
    return pools, Counter(Labels.of(target["discoveredLabels"]) for target in told["droppedTargets"])


@pytest.mark.peers
def test_random_rules_make_the_same_targets(tmp_path: Path) -> None:
    chance, version = random.Random(20), major_version()
    jobs = [job(number, chance, version) for number in range(JOBS)]
    config = tmp_path / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "1h"}, "scrape_configs": jobs}), encoding="utf-8")
    pools, dropped = ours(config)
    assert len(pools) > JOBS / 2
    assert dropped.total() > JOBS / 2
    with prometheus(config, tmp_path) as server:

        def told() -> tuple[Pools, Counter[Labels]]:
            return theirs(server.ask("targets"))

        # All jobs become known at once, but not in one moment.
        server.wait_for(lambda: len(told()[0]) == len(pools) and told()[1].total() == dropped.total())
        found, left_out = told()
    assert found == pools
    # Before its third version, Prometheus told what relabelling had made of a target by the time that it was dropped.
    assert left_out == dropped or version < 3
