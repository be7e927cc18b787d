"""How ``glass query`` writes answers: as Go's client of the API does (prometheus/common's ``model``), or as JSON."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from dashboard.promql.literals import format_number, quote
from dashboard.web.go_format import general_value

Time: TypeAlias = int | float
"""Seconds since 1970."""

Point: TypeAlias = tuple[Time, str]

_OPENING = {1: "[", 3: "["}
_CLOSING = {0: "]", 3: "]"}
# As Go writes them, so that the text may stand in a page.
_ESCAPED = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "&<>\u2028\u2029"})


class Histogram(msgspec.Struct):
    """A native histogram; a bucket has the kind of its boundaries, its lower and upper one, and its count."""

    count: str
    sum: str
    buckets: list[tuple[int, str, str, str]] = []


class Sample(msgspec.Struct, omit_defaults=True):
    """One series at one time: either a value or a histogram."""

    metric: dict[str, str]
    value: Point | None = None
    histogram: tuple[Time, Histogram] | None = None


class Series(msgspec.Struct, omit_defaults=True):
    """One series over a range of time."""

    metric: dict[str, str]
    values: list[Point] = []
    histograms: list[tuple[Time, Histogram]] = []


class Vector(msgspec.Struct, tag_field="resultType", tag="vector"):
    """Series at one time."""

    result: list[Sample]


class Matrix(msgspec.Struct, tag_field="resultType", tag="matrix"):
    """Series over a range of time."""

    result: list[Series]


class Scalar(msgspec.Struct, tag_field="resultType", tag="scalar"):
    """A number."""

    result: Point


class String(msgspec.Struct, tag_field="resultType", tag="string"):
    """A text."""

    result: tuple[Time, str]


Value: TypeAlias = Vector | Matrix | Scalar | String


def json_text(data: Any) -> str:
    """Write the data of an answer as JSON: of a value its result, with numbers that have no exponent."""
    if isinstance(data, Value):
        data = _without_exponents(data)
    return msgspec.json.encode(data, order="deterministic").decode().translate(_ESCAPED)


def _without_exponents(value: Value) -> Any:
    match value:
        case Vector(result):
            return [
                Sample(one.metric, one.value and _rewritten(one.value), one.histogram and _plainly(one.histogram))
                for one in result
            ]
        case Matrix(result):
            return [
                Series(one.metric, [*map(_rewritten, one.values)], [*map(_plainly, one.histograms)]) for one in result
            ]
        case Scalar(result):
            return _rewritten(result)
        case String(result):
            return result


def _rewritten(point: Point) -> Point:
    return point[0], _plain(point[1])


def _plainly(point: tuple[Time, Histogram]) -> tuple[Time, Histogram]:
    histogram = point[1]
    buckets = [(kind, _plain(low), _plain(high), _plain(count)) for kind, low, high, count in histogram.buckets]
    return point[0], Histogram(_plain(histogram.count), _plain(histogram.sum), buckets)


def value_lines(value: Value) -> Iterator[str]:
    """Yield a value as Go's client writes it; an empty vector or matrix is an empty line.

    Raises:
        ValueError: a number is none.
    """
    match value:
        case Scalar(result):
            yield f"scalar: {_point(result)}"
        case String(result):
            yield result[1]
        case Vector(samples):
            yield "\n".join(f"{_metric(one.metric)} => {_sample(one)}" for one in samples)
        case Matrix(result):
            yield "\n".join(map(_series, sorted(result, key=functools.cmp_to_key(_order))))


def _order(series: Series, other: Series) -> int:
    """Compare as ``LabelSet.Before``: fewer labels come first, then what lacks the first name, then the values."""
    mine, theirs = series.metric, other.metric
    if len(mine) != len(theirs):
        return len(mine) - len(theirs)
    for name in sorted({*mine, *theirs}):
        if mine.get(name) != theirs.get(name):
            return -1 if name not in mine or (name in theirs and mine[name] < theirs[name]) else 1
    return 0


def _series(series: Series) -> str:
    lines = [*map(_point, series.values), *map(_histogram_point, series.histograms)]
    return "\n".join([f"{_metric(series.metric)} =>", *lines])


def _sample(sample: Sample) -> str:
    if sample.histogram:
        return _histogram_point(sample.histogram)
    return _point(sample.value or (0, "0"))


def _point(point: Point) -> str:
    return f"{_plain(point[1])} @[{seconds_text(point[0])}]"


def _histogram_point(point: tuple[Time, Histogram]) -> str:
    at, histogram = point
    buckets = ",".join(_bucket(*bucket) for bucket in histogram.buckets)
    told = f"Count: {float(histogram.count):f}, Sum: {float(histogram.sum):f}, Buckets: [{buckets}]"
    return f"{told} @[{seconds_text(at)}]"


def _bucket(kind: int, low: str, high: str, count: str) -> str:
    bounds = f"{general_value(float(low))},{general_value(float(high))}"
    return f"{_OPENING.get(kind, '(')}{bounds}{_CLOSING.get(kind, ')')}:{_plain(count)}"


def _metric(labels: Mapping[str, str]) -> str:
    # It is the written labels that are in order here, not the names: a1="..." stands before a="...".
    rest = sorted(f"{name}={quote(value)}" for name, value in labels.items() if name != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{', '.join(rest)}}}" if rest or not name else name


def label_set_lines(label_sets: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield label sets, the name among the labels."""
    for labels in label_sets:
        yield f"{{{', '.join(f'{name}={quote(value)}' for name, value in sorted(labels.items()))}}}"


def _plain(number: str) -> str:
    return format_number(float(number))


def seconds_text(seconds: float) -> str:
    """Write a time in seconds, to the millisecond."""
    return format_number(math.floor(seconds * 1000 + 0.5) / 1000)
