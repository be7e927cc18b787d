"""What the page ``/explore`` shows: a query with its answer as a table or a graph, or why there is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated

from dashboard.model.duration import InvalidDurationError, parse_duration
from dashboard.model.labels import Labels
from dashboard.promql import Engine, Matrix, PromqlError, QueryResult, Ranges, Scalar, String, Value, Vector
from dashboard.web.go_format import sample_value, timestamp
from dashboard.web.parameters import parse_time
from dashboard.web.views import svg, text
from dashboard.web.views.charts import (
    STILL_HEIGHT,
    STILL_WIDTH,
    Chart,
    Series,
    empty_chart,
    largest,
    last_value,
    present_values,
    rounded,
    rows_with_values,
)
from dashboard.web.views.colors import color_classes

PANEL = "explore"
RANGES = ("5m", "15m", "1h", "6h", "1d", "2d", "1w", "30d")
REFRESHES = ("off", "5s", "15s", "1m", "5m")
_DEFAULT_RANGE = "1h"
_POINTS = 250
_LONGEST_RANGE = 100 * 365 * 86_400_000
_MOST_ROWS = 500
_MOST_VALUES = 100
_MOST_LINES = 20
_PARSE_ERROR = re.compile(r"(\d+):(\d+): (parse error: .*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for; fields that make no sense have their default."""

    expr: str = ""
    graph: bool = False
    range: str = _DEFAULT_RANGE
    end: str = ""
    """When the graph ends or the table is asked for; nothing stands for now."""
    refresh: str = "off"

    @classmethod
    def of(cls, expr: str, tab: str, range_: str, end: str, refresh: str) -> Question:
        """Read the fields of the address."""
        return cls(
            expr=expr.strip(),
            graph=tab == "graph",
            range=range_ if _length(range_) else _DEFAULT_RANGE,
            end=end.strip() if parse_time(end.strip()) is not None else "",
            refresh=refresh if refresh in REFRESHES else "off",
        )

    @property
    def length(self) -> int:
        """How far back the graph reaches, in milliseconds."""
        return _length(self.range)

    @property
    def step(self) -> int:
        """The distance of two points of the graph, in milliseconds: there are about 250."""
        return max(self.length // _POINTS // 1000 * 1000, 1000)

    @property
    def parameters(self) -> dict[str, str]:
        """The fields of the address, without those that have their default."""
        given = {"expr": self.expr, "tab": "graph" if self.graph else "", "end": self.end}
        given["range"] = "" if self.range == _DEFAULT_RANGE else self.range
        given["refresh"] = "" if self.refresh == "off" else self.refresh
        return {name: value for name, value in given.items() if value}

    def times(self, now: int) -> tuple[int, int]:
        """Return when the graph begins and ends; one that ends now moves in whole steps."""
        end = (parse_time(self.end) if self.end else None) or now // self.step * self.step
        return end - self.length, end


@dataclass(frozen=True, slots=True)
class Row:
    """One series of a table."""

    id: Annotated[str, "The series with all its labels."]
    value: Annotated[str, "Its value, or its values with their times."]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that Prometheus would remark on the query."""

    id: Annotated[str, "The warning or the information."]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query."""

    at: Annotated[int, "When it was asked, in milliseconds since 1970."]
    summary: Annotated[str, "How much there is, and how long it took."]
    error: Annotated[str, "Why there is no answer, or nothing."]
    error_place: Annotated[str, "The line of the query that is wrong with a mark below the place, or nothing."]
    remarks: Annotated[tuple[Remark, ...], "Warnings and information."]
    rows: Annotated[tuple[Row, ...], "The series of a table."]
    more: Annotated[str, "How many series the table leaves out, or nothing."]
    chart: Annotated[Chart, "The graph."]


def ask(engine: Engine, question: Question, now: int) -> Answer:
    """Ask a question; a query that cannot be answered is answered with its error."""
    if not question.expr:
        return _unanswered(now)
    begun = perf_counter()
    try:
        result = _asked(engine, question, now)
    except PromqlError as error:
        return _unanswered(now, str(error), question.expr)
    took = text.seconds(perf_counter() - begun)
    return _answer(question, result, now, took)


def _asked(engine: Engine, question: Question, now: int) -> QueryResult:
    start, end = question.times(now)
    if question.graph:
        return engine.range(question.expr, start, end, question.step)
    return engine.instant(question.expr, end if question.end else now)


def refused(reason: str, now: int) -> Answer:
    """Return what is shown where a query cannot be asked at all."""
    return _unanswered(now, reason)


def _unanswered(now: int, error: str = "", query: str = "") -> Answer:
    found = _PARSE_ERROR.fullmatch(error)
    place = _marked(query, int(found[1]), int(found[2])) if found else ""
    return Answer(now, "", error, place, (), (), "", empty_chart(PANEL, ""))


def _marked(query: str, line: int, column: int) -> str:
    """Return a line of the query with a mark below one of its bytes; lines and columns count from 1."""
    lines = query.splitlines() or [""]
    shown = lines[min(line, len(lines)) - 1].expandtabs(1)
    before = shown.encode()[: column - 1].decode(errors="ignore")
    return f"{shown}\n{' ' * len(before)}^"


def _answer(question: Question, result: QueryResult, now: int, took: str) -> Answer:
    rows = tuple(_rows(result.value)) if not question.graph else ()
    chart = empty_chart(PANEL, "")
    count = len(rows)
    if isinstance(result.value, Matrix):
        count = len(result.value.labels)
        chart = _chart(result.value, question)
    return Answer(
        at=now,
        summary=f"{text.count(count, 'series', 'series')} in {took}",
        error="",
        error_place="",
        remarks=tuple(Remark(remark) for remark in (*result.warnings, *result.infos)),
        rows=rows[:_MOST_ROWS],
        more=f"{count - _MOST_ROWS:,} further series are not shown." if len(rows) > _MOST_ROWS else "",
        chart=chart,
    )


def _rows(value: Value) -> Iterator[Row]:
    match value:
        case Scalar():
            yield Row("scalar", sample_value(value.value))
        case String():
            yield Row("string", value.value)
        case Vector():
            for labels, number in zip(value.labels, value.values.tolist(), strict=True):
                yield Row(str(labels), sample_value(number))
        case Ranges():
            for batch in value.batches:
                times = batch.timestamps.tolist()
                for labels, numbers in zip(batch.labels, batch.values.tolist(), strict=True):
                    yield Row(str(labels), _samples(times, numbers))


def _samples(times: Sequence[int], values: Sequence[float]) -> str:
    shown = [
        f"{sample_value(value)} @{timestamp(time)}"
        for time, value in zip(times[-_MOST_VALUES:], values[-_MOST_VALUES:], strict=True)
    ]
    return "\n".join([*(["…"] if len(times) > _MOST_VALUES else []), *shown])


def _chart(matrix: Matrix, question: Question) -> Chart:
    values = present_values(matrix.values, matrix.present)
    kept = sorted(largest(values, _MOST_LINES))
    left_out = len(rows_with_values(values)) - len(kept)
    note = f"{text.count(left_out, 'further series', 'further series')} not drawn" if left_out else ""
    if not kept:
        note = "Nothing in this range."
    lines = [rounded(values[row]) for row in kept]
    top = max(map(svg.highest, lines), default=0.0) * 1.05
    names = _unique([matrix.labels[row] for row in kept])
    series = tuple(
        Series(
            id=name,
            name=name,
            last=text.number(last_value(values[row])),
            color_class=color,
            values=line,
            path=svg.line_path(line, top=top, width=STILL_WIDTH, height=STILL_HEIGHT),
        )
        for name, row, line, color in zip(names, kept, lines, color_classes([False] * len(kept)), strict=True)
    )
    return Chart(PANEL, int(matrix.steps[0]), question.step, len(matrix.steps), series, note)


def _unique(labels: Sequence[Labels]) -> list[str]:
    """Name series by all their labels; what would read the same is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for name in map(str, labels):
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _length(duration: str) -> int:
    """Return a duration in milliseconds, or 0 where it is none, or too long for a graph."""
    try:
        length = parse_duration(duration)
    except InvalidDurationError:
        return 0
    return length if 1000 <= length <= _LONGEST_RANGE else 0
