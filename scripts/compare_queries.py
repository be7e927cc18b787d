"""Asks PromLabs's compliance queries of Prometheus and of us, and compares the answers.

    python scripts/compare_queries.py FILE [--victoria] [--dir FOLDER]

FILE is ``promql/promql-test-queries.yml`` of a checkout of prometheus/compliance. Its templates are filled in as the
tester there does. The servers are started on loopback, all with the same samples (``demo_data.py``), which a later run
finds in FOLDER again. Each query is asked for ten minutes, every 10 seconds, as there, and at one time, both when all
is quiet and when instances go away and come back; those that must fail must fail. Each answer that differs is printed;
values must be the same to 1e-9, where the tester is content with 1e-5. ``--victoria`` compares VictoriaMetrics, too.
The exit code is 1 if one of our answers differs for another reason than that Prometheus 3 means something else than the
Prometheus that was asked.
"""

from __future__ import annotations

import argparse
import enum
import itertools
import json
import math
import os
import re
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bench_query
import demo_data
import yaml

# The fraction keeps all samples off the edges of ranges, where Prometheus 2 counts them and Prometheus 3 does not.
_ENDS = {
    "quiet": demo_data.START / 1000 + 5_002.3,
    "eventful": demo_data.START / 1000 + demo_data.LENGTH / 1000 - 717.7,
}
"""When to ask: before anything happens to an instance, and when one is away and others begin anew."""

_TOLERANCE = 1e-9
_TESTERS_TOLERANCE = 1e-5

_ARGUMENTS = {
    "range": ("1s", "15s", "1m", "5m", "15m", "1h"),
    "offset": ("1m", "5m", "10m"),
    "simpleAggrOp": ("sum", "avg", "max", "min", "count", "stddev", "stdvar"),
    "simpleTimeAggrOp": ("sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"),
    "topBottomOp": ("topk", "bottomk"),
    "quantile": ("-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"),
    "arithBinOp": ("+", "-", "*", "/", "%", "^"),
    "compBinOp": ("==", "!=", "<", ">", "<=", ">="),
    "binOp": ("+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="),
    "simpleMathFunc": ("abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"),
    "extrapolatedRateFunc": ("delta", "rate", "increase"),
    "clampFunc": ("clamp_min", "clamp_max"),
    "instantRateFunc": ("idelta", "irate"),
    "dateFunc": ("day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"),
    "smoothingFactor": ("0.1", "0.5", "0.8"),
    "trendFactor": ("0.1", "0.5", "0.8"),
}
"""What the variables of the templates stand for (``promql/testcases/expand.go`` there)."""

_OTHERWISE_IN_3 = {
    r"\bholt_winters\b": "it is called double_exponential_smoothing there",
    r'"~invalid"': "any UTF-8 is the name of a label there",
}

Labels = tuple[tuple[str, str], ...]
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Way:
    """A route of the API, and the end of what it is asked for."""

    route: str
    end: str

    @property
    def parameters(self) -> Mapping[str, float]:
        """The times of the route; to remember no answer keeps VictoriaMetrics from moving them."""
        end = _ENDS[self.end]
        return (
            {"start": end - 600, "end": end, "step": 10, "nocache": 1} if self.route == "query_range" else {"time": end}
        )

    def __str__(self) -> str:
        return f"{self.route}, {self.end}"


WAYS = [Way(route, end) for route in ("query_range", "query") for end in _ENDS]


class Verdict(enum.Enum):
    """How two answers to a query stand."""

    SAME = "the same answer"
    CLOSE = "the same to the tester, but not to 1e-9"
    PROMETHEUS_3 = "another answer, as of Prometheus 3"
    DIFFERENT = "another answer"


@dataclass(frozen=True, slots=True)
class Case:
    """A query, and whether it must fail."""

    query: str
    should_fail: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: why it did not answer, or the series by their labels."""

    error: str = ""
    kind: str = ""
    series: Mapping[Labels, Points] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """An answer beside that of Prometheus; ``difference`` says in what they differ."""

    way: Way
    case: Case
    verdict: Verdict
    difference: str = ""


def read_cases(text: str) -> list[Case]:
    """Return the queries of a file, its templates filled in."""
    cases = yaml.safe_load(text)["test_cases"]
    return [
        Case(query, bool(case.get("should_fail")))
        for case in cases
        for query in expand(str(case["query"]), case.get("variant_args") or ())
    ]


def expand(template: str, names: Sequence[str]) -> Iterator[str]:
    """Yield a template with every combination of what its variables stand for."""
    for values in itertools.product(*(_ARGUMENTS[name] for name in names)):
        query = template
        for name, value in zip(names, values, strict=True):
            query = query.replace(f"{{{{.{name}}}}}", value)
        yield query


# Asking.


def ask(address: str, way: Way, query: str) -> Answer:
    """Ask a query over HTTP."""
    body = urllib.parse.urlencode({"query": query, **way.parameters}).encode()
    try:
        with urllib.request.urlopen(f"{address}/api/v1/{way.route}", body, timeout=60) as answer:  # noqa: S310
            return _answer(json.loads(answer.read().decode(errors="replace"))["data"])
    except urllib.error.HTTPError as error:
        return Answer(error=error.read().decode(errors="replace").strip() or str(error))


def _answer(data: Mapping[str, Any]) -> Answer:
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return Answer("", kind, {(): _points([result])})
    return Answer(
        "",
        kind,
        {
            tuple(sorted(series["metric"].items())): _points(series.get("values") or [series["value"]])
            for series in result
        },
    )


def _points(pairs: Sequence[tuple[float, str]]) -> Points:
    return [(float(at), float(value)) for at, value in pairs]


# Comparing.


def judge(case: Case, theirs: Answer, ours: Answer, *, is_3: bool = True) -> tuple[Verdict, str]:
    """Say how an answer stands beside that of Prometheus; ``is_3`` if it should be that of Prometheus 3."""
    difference = _outcome(case, theirs, ours) or _difference(theirs, ours, _TOLERANCE)
    if not difference:
        return Verdict.SAME, ""
    reasons = [reason for pattern, reason in _OTHERWISE_IN_3.items() if is_3 and re.search(pattern, case.query)]
    if reasons:
        return Verdict.PROMETHEUS_3, f"{difference} ({reasons[0]})"
    is_close = not _outcome(case, theirs, ours) and not _difference(theirs, ours, _TESTERS_TOLERANCE)
    return Verdict.CLOSE if is_close else Verdict.DIFFERENT, difference


def _outcome(case: Case, theirs: Answer, ours: Answer) -> str:
    """Say in what an answer differs that failed, or should have."""
    if bool(ours.error) == bool(theirs.error) == case.should_fail:
        return ""
    return f"{ours.error or 'an answer'}, not {theirs.error or 'an answer'}" + ("; it should fail" * case.should_fail)


def _difference(theirs: Answer, ours: Answer, tolerance: float) -> str:
    if ours.kind != theirs.kind:
        return f"a {ours.kind}, not a {theirs.kind}"
    only_ours, only_theirs = ours.series.keys() - theirs.series.keys(), theirs.series.keys() - ours.series.keys()
    if only_ours or only_theirs:
        return f"the series {sorted(only_ours)[:2]} more, and {sorted(only_theirs)[:2]} fewer"
    found = (_series_difference(theirs.series[labels], points, tolerance) for labels, points in ours.series.items())
    return next(filter(None, found), "")


def _series_difference(theirs: Points, ours: Points, tolerance: float) -> str:
    if [round(at, 3) for at, _ in ours] != [round(at, 3) for at, _ in theirs]:
        return f"{len(ours)} points at other times than the {len(theirs)}"
    for (at, value), (_, wanted) in zip(ours, theirs, strict=True):
        both_nan = math.isnan(value) and math.isnan(wanted)
        if not both_nan and not math.isclose(value, wanted, rel_tol=tolerance):
            return f"{value!r} at {at}, not {wanted!r}"
    return ""


def compare(cases: Sequence[Case], reference: str, tested: str, *, is_3: bool) -> list[Compared]:
    """Ask all queries of two servers, in every way."""
    return [
        Compared(way, case, *judge(case, ask(reference, way, case.query), ask(tested, way, case.query), is_3=is_3))
        for way in WAYS
        for case in cases
    ]


def tell(name: str, compared: Sequence[Compared], *, each: bool) -> None:
    """Print how a server's answers stand, in numbers and, where ``each``, one by one."""
    for one in compared:
        if each and one.verdict is not Verdict.SAME:
            print(f"{one.way}: {one.case.query}\n    {one.verdict.value}: {one.difference[:400]}")
    for way in WAYS:
        totals = Counter(one.verdict for one in compared if one.way == way)
        count = totals.total()
        print(f"{name}, {way}: {totals[Verdict.SAME]} of {count} agree ({totals[Verdict.SAME] / count:.1%})")
        print("".join(f"{totals[verdict]:7} {verdict.value}\n" for verdict in Verdict), end="")


def main() -> int:
    """Compare the queries of a file, print what differs and return the exit code."""
    options = _options()
    cases = read_cases(options.file.read_text(encoding="utf-8"))
    names = ("ours", "victoria") if options.victoria else ("ours",)
    with ExitStack() as stack:
        root = options.dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-queries-")))
        every = ("prometheus", *names)
        bench_query.prepare(root, list(demo_data.batches()), every)
        servers = {name: stack.enter_context(bench_query.SERVERS[name](root)) for name in every}
        found = {
            name: compare(cases, servers["prometheus"], servers[name], is_3=name == "ours") for name in reversed(names)
        }
    for name, compared in found.items():
        tell(name, compared, each=True)
    return int(any(one.verdict is Verdict.DIFFERENT for one in found["ours"]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--victoria", action="store_true", help="compare VictoriaMetrics with Prometheus, too")
    parser.add_argument("--dir", type=Path, help="where the samples are kept for later runs")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("GOMAXPROCS", "2")
    sys.exit(main())
