"""Unit-test files of rules, as promtool reads them (``cmd/promtool/unittest.go`` of Prometheus 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from dashboard.config.decoding import decode
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Milliseconds, Reader, text_of
from dashboard.config.yaml_file import load
from dashboard.rules.unit_tests.times import InvalidTimeError, parse_time

_EVALUATION_INTERVAL = 60_000


def _read_time(value: Any, _place: Place) -> int:
    try:
        return parse_time(text_of(value))
    except InvalidTimeError as error:
        raise InvalidValueError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    """A series and its values, in the notation of `dashboard.rules.unit_tests.notation`."""

    series: str = ""
    values: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    """A firing alert; ``alertname`` need not be among its labels."""

    exp_labels: Mapping[str, str] = field(default_factory=dict)
    exp_annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCase:
    """The alerts of a rule that fire at a time."""

    eval_time: Milliseconds = 0
    alertname: str = ""
    exp_alerts: tuple[ExpectedAlert, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSample:
    """A series that a query gives. One with a ``histogram`` is refused when the test runs."""

    labels: str = ""
    value: float = 0.0
    histogram: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCase:
    """What a query gives at a time."""

    expr: str = ""
    eval_time: Milliseconds = 0
    exp_samples: tuple[ExpectedSample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One test: series, and what is expected of them. An ``interval`` of 0 is that of the evaluations."""

    name: str = ""
    interval: Milliseconds = 0
    start_timestamp: Annotated[int, Reader(_read_time)] = 0
    """When the test begins, in milliseconds since 1970."""
    input_series: tuple[InputSeries, ...] = ()
    alert_rule_test: tuple[AlertCase, ...] = ()
    promql_expr_test: tuple[QueryCase, ...] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""

    @property
    def last_time(self) -> int:
        """The last time that anything is asked for, in milliseconds after the start."""
        cases: Sequence[AlertCase | QueryCase] = (*self.alert_rule_test, *self.promql_expr_test)
        return max((case.eval_time for case in cases), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    rule_files: tuple[str, ...] = ()
    evaluation_interval: Milliseconds = 0
    group_eval_order: tuple[str, ...] = ()
    fuzzy_compare: bool = False
    tests: tuple[Scene, ...] = ()

    def __post_init__(self) -> None:
        for number, name in enumerate(self.group_eval_order):
            if name in self.group_eval_order[:number]:
                raise InvalidValueError(f"group name repeated in evaluation order: {name}", "group_eval_order")


@dataclass(frozen=True, slots=True)
class UnitTestFile:
    """A unit-test file with the globs of its rule files resolved; durations are milliseconds."""

    file: Path
    rule_files: tuple[Path, ...]
    unmatched: tuple[str, ...]
    """The patterns of rule files that no file matches."""
    evaluation_interval: int
    group_order: tuple[str, ...]
    fuzzy_compare: bool
    scenes: tuple[Scene, ...]


def load_unit_tests(file: Path) -> UnitTestFile:
    """Read a unit-test file.

    Raises:
        ConfigError: the file cannot be used.
    """
    content = decode(file, load(file) or {}, _Content)
    patterns = {pattern: _matching(file.parent, pattern) for pattern in content.rule_files}
    return UnitTestFile(
        file=file,
        rule_files=tuple(found for files in patterns.values() for found in files),
        unmatched=tuple(str(file.parent / pattern) for pattern, files in patterns.items() if not files),
        evaluation_interval=content.evaluation_interval or _EVALUATION_INTERVAL,
        group_order=content.group_eval_order,
        fuzzy_compare=content.fuzzy_compare,
        scenes=content.tests,
    )


def _matching(folder: Path, pattern: str) -> list[Path]:
    parts = (folder / pattern).parts
    fixed = next((number for number, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    if fixed == len(parts):
        return [folder / pattern] if (folder / pattern).exists() else []
    try:
        return sorted(Path(*parts[:fixed]).glob(str(Path(*parts[fixed:]))))
    except ValueError as error:
        raise ConfigError(folder / pattern, f"syntax error in pattern: {error}", "rule_files") from error
