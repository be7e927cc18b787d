"""Puts Prometheus's own PromQL test scripts to our evaluator, and counts what it answers as they say.

    python scripts/promqltest.py DIR [--show]

DIR is ``promql/promqltest/testdata`` (``promql/testdata`` before 2.53) of a checkout of Prometheus, or one ``.test``
file. ``--show`` tells each case that differs. The series, the engine and the comparison are those of
``glass test rules``. Cases that need native histograms are counted apart. The language of the scripts is told in
``promql/promqltest/README.md`` there.
"""

from __future__ import annotations

import argparse
import enum
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import re2
from prometheus_client import CollectorRegistry

from dashboard.model.duration import parse_duration
from dashboard.model.labels import METRIC_NAME, Labels
from dashboard.model.matcher import matches_all
from dashboard.promql import Engine, ParseError, parse
from dashboard.promql.ast import VectorSelector, walk
from dashboard.rules.unit_tests.expectation import At, Expectation, Failure, Over, Remarks
from dashboard.rules.unit_tests.memory import MemoryStore
from dashboard.rules.unit_tests.notation import SeriesDescription, parse_series

_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+?))?\s+(.+)")
_RANGE = re.compile(r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+?)\s+(.+)")
_EXPECT = re.compile(r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?")
_HISTOGRAMS = re.compile(r"\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x(\d+))?")
_PLACE = re.compile(r" \(\d+:\d+\)$")
_SUFFIXES = re.compile(r"_(?:bucket|count|sum)$")


class Kind(enum.Enum):
    """What a case needs."""

    FLOAT = "classic"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Load:
    """What one ``load`` brings: a value each interval; ``native`` are the series that have histograms among them."""

    interval: int
    series: Sequence[SeriesDescription]
    native: frozenset[Labels]


@dataclass(frozen=True, slots=True)
class Case:
    """One query of a script with what is loaded when its turn comes, and what it must answer."""

    place: str
    loads: Sequence[Load]
    expectation: Expectation
    expects_native: bool

    @property
    def kind(self) -> Kind:
        """Whether native histograms are in its answer or in what it selects."""
        native = [labels for load in self.loads for labels in load.native]
        selectors = list(_selectors(self.expectation.expr))
        touched = any(matches_all(selector.matchers, labels) for selector in selectors for labels in native)
        return Kind.NATIVE if touched or self.expects_native else Kind.FLOAT

    def problems(self) -> list[str]:
        """Ask the query, and say what is wrong with the answer."""
        store = MemoryStore()
        for load in self.loads:
            store.load(load.interval, load.series)
            store.reveal()
        return self.expectation.problems(Engine(store, registry=CollectorRegistry()))


def _selectors(query: str) -> Iterator[VectorSelector]:
    try:
        nodes = list(walk(parse(query)))
    except ParseError:
        return
    yield from (node for node in nodes if isinstance(node, VectorSelector))


class ScriptError(Exception):
    """A script says what this reader does not know."""


def read_script(path: Path) -> list[Case]:
    """Read the cases of a script.

    Raises:
        ScriptError: there is a line that is not understood.
    """
    return list(_Script(path).cases())


class _Script:
    def __init__(self, path: Path) -> None:
        self._name = path.name
        lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
        self._lines = ["" if line.startswith("#") else line for line in lines]
        self._loads: tuple[Load, ...] = ()

    def cases(self) -> Iterator[Case]:
        at = 0
        while at < len(self._lines):
            line, block = self._lines[at], self._block(at + 1)
            if line.startswith("load"):
                self._loads += (_load(line, block),)
                at += len(block)
            elif line.startswith("eval"):
                case, used = self._case(at, block)
                yield case
                at += used
            elif line == "clear":
                self._loads = ()
            elif line:
                raise ScriptError(f"{self._name}:{at + 1}: {line}")
            at += 1

    def _block(self, at: int) -> list[str]:
        end = next((number for number in range(at, len(self._lines)) if not self._lines[number]), len(self._lines))
        return self._lines[at:end]

    def _case(self, at: int, block: Sequence[str]) -> tuple[Case, int]:
        place = f"{self._name}:{at + 1}"
        expected, used = _Expected(), 0
        for line in block:
            used += 1
            if not expected.take(line):
                break
        expectation = _query(self._lines[at], expected)
        if expectation is None:
            raise ScriptError(f"{place}: {self._lines[at]}")
        return Case(place, self._loads, expectation, expected.native), used


def _load(line: str, block: Sequence[str]) -> Load:
    command, interval = line.split(maxsplit=1)
    series, native = [], set()
    for definition in block:
        described = read_series(definition)
        series.append(described)
        if "{{" in definition:
            native.add(described.labels)
        if command.endswith("with_nhcb"):
            name = _SUFFIXES.sub("", described.labels.metric_name)
            native.add(described.labels.drop(("le",)).merged({METRIC_NAME: name}))
    return Load(parse_duration(interval), series, frozenset(native))


def read_series(line: str) -> SeriesDescription:
    """Read a series and its values; where a native histogram stands, there is no sample."""
    # A series has one value more than it is repeated; as many gaps are written for it.
    return parse_series(_HISTOGRAMS.sub(lambda match: f"_x{int(match[1] or 0) + 1}", line))


@dataclass(slots=True)
class _Expected:
    """What the lines below a query say."""

    answer: float | None = None
    series: list[SeriesDescription] = field(default_factory=list)
    remarks: dict[str, list[Callable[[str], bool]]] = field(default_factory=dict)
    native: bool = False

    def take(self, line: str) -> bool:
        """Take a line; return whether more may follow."""
        for old, how in (("expected_fail_message", "msg"), ("expected_fail_regexp", "regex")):
            if line.startswith(old):
                self.remarks["fail"] = [_says(how, line.removeprefix(old))]
                return False
        if match := _EXPECT.fullmatch(line):
            self.remarks.setdefault(match[1], []).append(_says(match[2] or "", match[3] or ""))
            return True
        try:
            self.answer = float(line)
        except ValueError:
            self.series.append(read_series(line))
            self.native = self.native or "{{" in line
            return True
        return False

    def expectation(self, query: str, when: At | Over) -> Expectation:
        answer: float | Failure | Sequence[SeriesDescription]
        if "fail" in self.remarks:
            answer = Failure(self.remarks["fail"][0])
        else:
            answer = self.series if self.answer is None else self.answer
        warnings, infos = self._about("warn"), self._about("info")
        return Expectation(query, when, answer, "ordered" in self.remarks, warnings, infos)

    def _about(self, kind: str) -> Remarks:
        return Remarks(self.remarks.get(kind, ()), forbidden=f"no_{kind}" in self.remarks)


def _says(how: str, text: str) -> Callable[[str], bool]:
    """Return the question whether a message, without its place, is the one that is meant."""
    wanted = text.strip()
    if how == "msg":
        return lambda message: _PLACE.sub("", message) == wanted
    return lambda message: re2.search(wanted, _PLACE.sub("", message)) is not None


def _query(line: str, expected: _Expected) -> Expectation | None:
    """Read the line that asks; nothing where it cannot be understood."""
    if match := _RANGE.fullmatch(line):
        modifier, start, end, step, query = match.groups()
        when: At | Over = Over(parse_duration(start), parse_duration(end), parse_duration(step))
    elif match := _INSTANT.fullmatch(line):
        modifier, time, query = match.groups()
        when = At(parse_duration(time))
    else:
        return None
    if modifier:
        expected.remarks.setdefault(modifier, [_says("", "")])
    return expected.expectation(query, when)


def main() -> int:
    """Ask all queries, and tell the counts of each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--show", action="store_true", help="tell each case that differs")
    arguments = parser.parse_args()
    totals: Counter[tuple[Kind, bool]] = Counter()
    for path in sorted(arguments.dir.glob("*.test")) if arguments.dir.is_dir() else [arguments.dir]:
        counts: Counter[tuple[Kind, bool]] = Counter()
        for case in read_script(path):
            problems = case.problems()
            counts[case.kind, not problems] += 1
            if problems and arguments.show and case.kind is Kind.FLOAT:
                print(f"{case.place}: {case.expectation.expr}", *problems, sep="\n    ")
        print(f"{path.name:32} {shares(counts)}")
        totals += counts
    print(f"{'all':32} {shares(totals)}")
    return 0


def shares(counts: Mapping[tuple[Kind, bool], int]) -> str:
    """Write how many cases of each kind passed."""
    parts = []
    for kind in Kind:
        passed, failed = counts.get((kind, True), 0), counts.get((kind, False), 0)
        if passed + failed:
            parts.append(f"{kind.value} {passed}/{passed + failed} ({passed / (passed + failed):.1%})")
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
