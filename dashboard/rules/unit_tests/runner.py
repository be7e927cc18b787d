"""Plays the tests of unit-test files: rules are evaluated over series in memory, then what came of it is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from dashboard.config.errors import ConfigError
from dashboard.config.rules import RuleGroupConfig, load_rule_file
from dashboard.model.duration import format_duration
from dashboard.model.labels import Labels
from dashboard.model.matcher import compiled
from dashboard.promql import Engine, ParseError, PromqlError, Vector
from dashboard.promql.literals import quote
from dashboard.rules.alert import AlertState
from dashboard.rules.alerting import ALERT_NAME, AlertingRule
from dashboard.rules.building import RuleBuilder
from dashboard.rules.check import CheckedFile, check_file
from dashboard.rules.errors import RuleError
from dashboard.rules.query import template_query, vector_query
from dashboard.rules.rule import EvalTime, Rule, VectorQuery
from dashboard.rules.unit_tests.expectation import Tolerance
from dashboard.rules.unit_tests.file import AlertCase, QueryCase, Scene, UnitTestFile, load_unit_tests
from dashboard.rules.unit_tests.memory import MemoryStore
from dashboard.rules.unit_tests.notation import SeriesDescription, parse_metric, parse_series
from dashboard.rules.unit_tests.wording import AlertText, alerts_text, elapsed_text, labels_text, value_text


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one test went: its failures in promtool's words, none where it passed."""

    name: str
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileResult:
    """How the tests of a file went; ``error`` says why the file could not be used."""

    file: Path
    cases: tuple[CaseResult, ...] = ()
    error: str = ""
    unmatched: tuple[str, ...] = ()
    """The patterns of rule files that no file matches."""

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that is wrong, in order."""
        found = tuple(failure for case in self.cases for failure in case.failures)
        return (self.error,) if self.error else found


def run_file(file: Path, *, run: str = "", ignore_unknown_fields: bool = False) -> FileResult:
    """Run the tests of a file.

    ``run`` is a regular expression (RE2) that a part of a test's name must match.
    """
    try:
        content = load_unit_tests(file)
    except ConfigError as error:
        return FileResult(file, error=str(error))
    rule_groups = _RuleGroups.load(content, ignore_unknown_fields=ignore_unknown_fields)
    wanted = compiled(run)
    cases = tuple(
        CaseResult(scene.name or f"unnamed#{number}", tuple(_Test(content, rule_groups, scene).failures()))
        for number, scene in enumerate(content.scenes)
        if wanted.search(scene.name)
    )
    return FileResult(file, cases, unmatched=content.unmatched)


@dataclass(frozen=True, slots=True)
class _RuleGroups:
    """The groups of all rule files, in the order of their evaluation; and why some cannot be used."""

    groups: tuple[tuple[Path, RuleGroupConfig], ...]
    errors: tuple[str, ...] = ()

    @classmethod
    def load(cls, content: UnitTestFile, *, ignore_unknown_fields: bool) -> _RuleGroups:
        def check(file: Path) -> CheckedFile:
            return check_file(file, duplicates=False, ignore_unknown_fields=ignore_unknown_fields)

        errors = tuple(error for file in content.rule_files for error in check(file).errors)
        if errors:
            return cls((), errors)
        files = [load_rule_file(file, ignore_unknown_fields=ignore_unknown_fields) for file in content.rule_files]
        groups = [(file.file, group) for file in files for group in file.groups]
        places = {name: place for place, name in enumerate(content.group_order)}
        # Groups that the order does not name count as the first one it names, as in promtool.
        return cls(tuple(sorted(groups, key=lambda group: places.get(group[1].name, 0))))


class _Test:
    """One test of a file, played once."""

    def __init__(self, content: UnitTestFile, rule_groups: _RuleGroups, scene: Scene) -> None:
        self._content = content
        self._rule_groups = rule_groups
        self._scene = scene
        self._tolerance = Tolerance.NEIGHBOUR if content.fuzzy_compare else Tolerance.EXACT
        self._store = MemoryStore()
        self._engine = Engine(self._store, registry=CollectorRegistry(), default_step=content.evaluation_interval)

    def failures(self) -> Iterator[str]:
        """Yield what is not as it should be."""
        if self._rule_groups.errors:
            yield from self._rule_groups.errors
            return
        try:
            self._check_names()
            start = self._load()
            rules = self._rules()
        except (ConfigError, ParseError) as error:
            yield str(error)
            return
        errors, alert_failures = self._evaluate(rules, start)
        yield from alert_failures
        yield from errors
        if errors:
            return
        for case in self._scene.promql_expr_test:
            yield from _query_failures(self._engine, case, start, self._tolerance)

    def _check_names(self) -> None:
        for case in self._scene.alert_rule_test:
            if not case.alertname:
                where = f" (in TestGroup {self._scene.name})" if self._scene.name else ""
                reason = "an item under alert_rule_test misses required attribute alertname"
                raise ParseError(f"{reason} at eval_time {format_duration(case.eval_time)}{where}")

    def _load(self) -> int:
        """Take in the series, and return when the test begins."""
        start = self._scene.start_timestamp
        interval = self._scene.interval or self._content.evaluation_interval
        self._store.load(interval, self._descriptions(), start)
        return start

    def _descriptions(self) -> Iterator[SeriesDescription]:
        # Prometheus counts lines from the command before them.
        for line, given in enumerate(self._scene.input_series, start=2):
            try:
                yield parse_series(f"{given.series} {given.values}".strip())
            except ParseError as error:
                column = str(error).partition(":")[2]
                raise ParseError(f"{line}:{column}") from error

    def _rules(self) -> list[tuple[RuleGroupConfig, Rule]]:
        builder = RuleBuilder(
            self._store,
            template_query(self._engine),
            Labels.of(self._scene.external_labels),
            self._scene.external_url,
        )
        return [(group, rule) for file, group in self._rule_groups.groups for rule in builder.rules(file, group)]

    def _evaluate(self, rules: Sequence[tuple[RuleGroupConfig, Rule]], start: int) -> tuple[list[str], list[str]]:
        """Evaluate all rules through the test; return what failed, and how the alerts differ from what is expected."""
        query = vector_query(self._engine)
        waiting = sorted(self._scene.alert_rule_test, key=lambda case: case.eval_time)
        differences: list[str] = []
        for elapsed in range(0, self._scene.last_time + 1, self._content.evaluation_interval):
            self._store.reveal(start + elapsed)
            errors = [
                f"    rule: {rule.name}, time: {elapsed_text(start + elapsed)}, err: {error}"
                for group, rule in rules
                if (error := _evaluation_error(query, group, rule, start + elapsed))
            ]
            if errors:
                return errors, differences
            while waiting and waiting[0].eval_time < elapsed + self._content.evaluation_interval:
                differences += self._alert_failures(waiting.pop(0), [rule for _, rule in rules])
        return [], differences

    def _alert_failures(self, case: AlertCase, rules: Sequence[Rule]) -> Iterator[str]:
        got = sorted(
            AlertText(alert.labels, alert.annotations)
            for rule in rules
            if isinstance(rule, AlertingRule) and rule.name == case.alertname
            for alert in rule.active.values()
            if alert.state is AlertState.FIRING
        )
        expected = sorted(
            AlertText(Labels.of({**alert.exp_labels, ALERT_NAME: case.alertname}), Labels.of(alert.exp_annotations))
            for alert in case.exp_alerts
        )
        if expected != got:
            name = f"    name: {self._scene.name},\n" if self._scene.name else ""
            yield (
                f"{name}    alertname: {case.alertname}, time: {format_duration(case.eval_time)}, \n"
                f"        exp:{alerts_text(expected)}, \n        got:{alerts_text(got)}"
            )


def _evaluation_error(query: VectorQuery, group: RuleGroupConfig, rule: Rule, now: int) -> str:
    """Evaluate a rule and store what it gives; return why that failed, or nothing."""
    time = EvalTime(now, group.query_offset)
    try:
        rule.writer.write(time.data_time, rule.evaluate(query, time, group.limit))
    except (RuleError, PromqlError) as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class _Samples:
    """A vector in the order of its labels."""

    items: tuple[tuple[Labels, float], ...]

    @classmethod
    def of(cls, items: Iterator[tuple[Labels, float]]) -> _Samples:
        return cls(tuple(sorted(items, key=lambda item: item[0])))

    def agree(self, got: _Samples, same: Callable[[float, float], bool]) -> bool:
        return len(self.items) == len(got.items) and all(
            expected[0] == found[0] and same(expected[1], found[1])
            for expected, found in zip(self.items, got.items, strict=True)
        )

    def __str__(self) -> str:
        return ", ".join(f"{labels_text(labels)} {value_text(value)}" for labels, value in self.items) or "nil"


def _query_failures(engine: Engine, case: QueryCase, start: int, tolerance: Tolerance) -> Iterator[str]:
    asked = f"    expr: {quote(case.expr)}, time: {format_duration(case.eval_time)}"
    try:
        vector: Vector = vector_query(engine)(case.expr, start + case.eval_time)
        expected = _Samples.of(_expected(case))
    except (PromqlError, RuleError) as error:
        yield f"{asked}, err: {error}"
        return
    got = _Samples.of(zip(vector.labels, vector.values.tolist(), strict=True))
    if not expected.agree(got, tolerance.agree):
        yield f"{asked},\n        exp: {expected}\n        got: {got}"


def _expected(case: QueryCase) -> Iterator[tuple[Labels, float]]:
    for sample in case.exp_samples:
        try:
            labels = parse_metric(sample.labels)
            if sample.histogram:
                raise ParseError("native histograms are not supported yet")
        except ParseError as error:
            raise ParseError(f"labels {quote(sample.labels)}: {error}") from error
        yield labels, sample.value
