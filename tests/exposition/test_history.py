"""Files of history are read as the grammar reads them, whatever the pieces, runs and faults."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.exposition import history
from dashboard.exposition.errors import SyntaxFault
from dashboard.exposition.history import HistoryReader
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels

OPENMETRICS = "application/openmetrics-text"
LATEST = 2_000_000_000_000

SERIES = ("up", 'http_total{code="200"}', 'http_total{code="5 00"}', 'x{a="\\"\\\\"}', '{"ü n",b="1"}', "up{}")
ODD = (
    "up  1 2",
    "up 1  2",
    "up 1 2 ",
    "up 1\t2",
    "up 1 2 3",
    "up 1",
    "up",
    "",
    "up 1 2 3 4 5",
    "# TYPE http counter",
    "# HELP up Whether  it is\\n up.",
    "# oops",
    "# EOF",
    'http_total{code="200"} 5 7 # {trace="1 2"} 0.5 7',
    'http_total{code="200"} 5 7 # {} 0.5',
    'up{a="1" 2 3',
    "up 0x1p3 2",
    "up 1 nan",
    "up 1e400 2",
    "up 1_0 2",
)
VALUES = st.sampled_from(["1", "-0.5", "NaN", "+Inf", "1e-7", "123456.25", "00012"])
STAMPS = st.sampled_from(["0", "-1.5", "1700000000", "1700000000.123", "1.7e9"])
GOOD = st.builds(" ".join, st.tuples(st.sampled_from(SERIES), VALUES, STAMPS))
RUNS = st.builds(
    lambda series, numbers: [f"{series} {value} {stamp}" for value, stamp in numbers],
    st.sampled_from(SERIES),
    st.lists(st.tuples(VALUES, STAMPS), min_size=1, max_size=12),
)
LINES = st.lists(st.one_of(RUNS, RUNS, st.lists(GOOD, max_size=4), st.sampled_from(ODD).map(lambda line: [line])))


def read(body: bytes, *, piece: int = 1 << 20) -> list[tuple[Labels, int, int]] | int:
    """Return labels, timestamp and bits of each sample, or the number of the line that is refused."""
    labels: list[Labels] = []

    def number(found: Mapping[str, str]) -> int:
        labels.append(Labels.of(found))
        return len(labels) - 1

    samples: list[tuple[int, int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "_PIECE", piece)
        patch.setattr(history, "_SHORT", 32)
        patch.setattr(history, "_MIXED", 64)
        try:
            for part, _ in HistoryReader(io.BytesIO(body), number, LATEST).pieces():
                bits = part.values.view(np.uint64).tolist()
                samples += zip(part.series.tolist(), part.timestamps.tolist(), bits, strict=True)
        except SyntaxFault as fault:
            return fault.line
    return [(labels[series], timestamp, bits) for series, timestamp, bits in samples]


def wanted(body: bytes) -> list[tuple[Labels, int, int]] | int:
    """Return the same from the grammar; it reads pages too in which some samples have no timestamp."""
    try:
        page = parse(body, OPENMETRICS)
    except SyntaxFault as fault:
        head = b"".join(body.splitlines(keepends=True)[: fault.line - 1])
        return first_without_timestamp(head) or fault.line
    if missing := first_without_timestamp(body.removesuffix(b"# EOF\n")):
        return missing
    return [
        (each.labels, each.timestamp, int(np.float64(each.value).view(np.uint64)))
        for each in page.samples
        if each.timestamp is not None
    ]


def first_without_timestamp(body: bytes) -> int:
    for number, line in enumerate(body.splitlines(keepends=True), 1):
        if any(sample.timestamp is None for sample in parse(line + b"# EOF\n", OPENMETRICS).samples):
            return number
    return 0


@given(LINES, st.sampled_from([1, 7, 40, 1 << 20]))
@example([["up 1 2", "# EOF"], ["up 1 2"]], 1)
def test_it_reads_what_the_grammar_reads_and_refuses_the_same_line(lines: list[list[str]], piece: int) -> None:
    body = "".join(f"{line}\n" for run in lines for line in run).encode() + b"# EOF\n"
    assert read(body, piece=piece) == wanted(body)


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        (b"up 1 2\nup 3 4\n", 3, "data does not end with # EOF"),
        (b"", 1, "data does not end with # EOF"),
        (b"up 1 2\n# EOF\nup 1 3\n", 2, "unexpected data after # EOF"),
        (b"up 1 2\nup 1 3000000000000\n# EOF\n", 2, "the timestamp lies in the future"),
        (b"up 1 2\nup 1 3\nup 5\n# EOF\n", 3, "the sample has no timestamp"),
        (b"up 1 2\nup one 3\n# EOF\n", 2, "not a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(body: bytes, line: int, reason: str) -> None:
    with pytest.raises(SyntaxFault, match=reason) as caught:
        list(HistoryReader(io.BytesIO(body), lambda _: 0, LATEST).pieces())
    assert caught.value.line == line


def test_the_line_is_counted_over_all_pieces() -> None:
    body = b"up 1 2\n" * 500_000 + b"down\n# EOF\n"
    assert read(body) == 500_001


def test_the_last_line_may_lack_its_end() -> None:
    assert read(b"up 1 2\n# EOF") == [(Labels.of({"__name__": "up"}), 2000, int(np.float64(1).view(np.uint64)))]
