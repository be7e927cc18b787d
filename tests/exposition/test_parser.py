"""Whole pages are read as Prometheus reads them, and what it refuses is refused with the line's number."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.exposition.errors import SyntaxFault, UnsupportedFormatError
from dashboard.exposition.page import Metadata, MetricType, Sample
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels

from .corpus.text import GOOD
from .pages import OPENMETRICS


def only(body: bytes, content_type: str = "") -> Sample:
    """Read a page of one sample."""
    (sample,) = parse(body, content_type).samples
    return sample


def test_a_sample_has_its_name_labels_and_value() -> None:
    assert only(b'a{x="y",b="c"} 1.5\n') == Sample(Labels.of({"__name__": "a", "x": "y", "b": "c"}), 1.5, None)


def test_escapes_are_resolved_and_unknown_ones_stay() -> None:
    assert only(GOOD["escapes"][0]).labels.get("x") == 'q"b\\n\nl\\d'


def test_a_series_of_countless_labels_is_refused() -> None:
    labels = ",".join(f'l{number}="x"' for number in range(1001))
    with pytest.raises(SyntaxFault, match="more than 1000 labels"):
        parse(f"a{{{labels}}} 1\n".encode())


def told(body: bytes) -> list[Sample] | str:
    """Return what a page says, or why it is refused."""
    try:
        return list(parse(body).samples)
    except SyntaxFault as error:
        return error.reason


PLAIN_NAMES = st.sampled_from((b"a", b"le", b"__name__", b"job"))
PLAIN_VALUES = st.text(st.characters(exclude_characters='"\\', exclude_categories=["Cs"]), max_size=5).map(str.encode)


@given(
    st.lists(st.tuples(PLAIN_NAMES, PLAIN_VALUES | st.sampled_from((b"\xff", b"", b"={,}"))), min_size=1, max_size=4)
)
def test_a_plain_label_set_says_the_same_as_one_with_blanks(pairs: list[tuple[bytes, bytes]]) -> None:
    written = [name + b'="' + value + b'"' for name, value in pairs]
    plain, spaced = b"m{" + b",".join(written) + b"} 1\n", b"m{ " + b" , ".join(written) + b" } 1\n"
    assert told(plain) == told(spaced)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"\\", "\\"),
        (r"\\n", "\\n"),
        (r"\\\n", "\\\n"),
        (r"\d\\\"", '\\d\\"'),
        (r"\\\\n\n", "\\\\n\n"),
    ],
)
def test_escapes_follow_one_another(written: str, meant: str) -> None:
    assert only(f'a{{x="{written}"}} 1\n'.encode()).labels.get("x") == meant


def test_a_value_may_run_over_several_lines() -> None:
    samples = parse(GOOD["line end in a value"][0]).samples
    assert [sample.labels.get("x") for sample in samples] == ["one\ntwo 2\n# three", ""]


def test_text_timestamps_are_milliseconds() -> None:
    assert only(b"a 1  \t1700000000123 \n").timestamp == 1_700_000_000_123


def test_openmetrics_timestamps_are_seconds() -> None:
    assert only(b"a 1 1700000000.5\n# EOF\n", OPENMETRICS).timestamp == 1_700_000_000_500
    assert only(b'a_total 1 -1.5 # {x="y"} 2 3\n# EOF\n', OPENMETRICS).timestamp == -1500


def test_every_nan_gets_the_bits_that_prometheus_gives_it() -> None:
    assert struct.pack(">d", only(b"a nan\n").value).hex() == "7ff8000000000001"


def test_the_sign_of_zero_is_kept() -> None:
    assert math.copysign(1, only(b"a -0\n").value) == -1


def test_names_in_quotes_are_read() -> None:
    name, label = "my.metric", 'strange "label"\n'
    sample = only(b'{"my.metric","strange \\"label\\"\\n"="v",b="c"} 1\n')
    assert sample.labels == Labels.of({"__name__": name, label: "v", "b": "c"})
    assert only(b'{"my.metric"} 1\n# EOF\n', OPENMETRICS).labels.metric_name == name


@pytest.mark.parametrize(
    "line",
    [
        '{"a","b"} 1',
        '{a="b"} 1',
        '{__name__="b"} 1',
        '{"a",__name__="b"} 1',
        "{} 1",
        '{""} 1',
        '{"a",""="c"} 1',
        '{"a" b="c"} 1',
        'a{"b"} 1',
        '{"a"',
        '{"\\xff"} 1',
    ],
)
def test_wrong_names_in_quotes_are_refused(line: str) -> None:
    body = line.encode().replace(b"\\xff", b"\xff")
    for page, content_type in ((body + b"\n", ""), (body + b"\n# EOF\n", OPENMETRICS)):
        with pytest.raises(SyntaxFault):
            parse(page, content_type)


def test_metadata_is_gathered_by_metric() -> None:
    text = b'# HELP a one \\\\ two\\n\n# TYPE a counter\n# TYPE "b.c" gauge\n'
    assert parse(text).metadata == {
        "a": Metadata(MetricType.COUNTER, "one \\ two\n"),
        "b.c": Metadata(MetricType.GAUGE),
    }
    told = b'# TYPE a_seconds gaugehistogram\n# UNIT a_seconds seconds\n# HELP a_seconds x \\"y\\"\n# EOF\n'
    assert parse(told, OPENMETRICS).metadata == {"a_seconds": Metadata(MetricType.GAUGE_HISTOGRAM, 'x "y"', "seconds")}


def test_a_nul_at_the_start_of_a_line_does_not_end_the_page_silently() -> None:
    with pytest.raises(SyntaxFault, match="line 2"):
        parse(b"a 1\n\x00\nb 2\n")


def test_the_error_names_line_reason_and_samples_before_it() -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(b'# HELP a x\na 1\nb{x="\x1b[31m<b>y"} z\nc 3\n')
    assert (caught.value.line, caught.value.samples) == (3, 1)
    assert caught.value.text == 'b{x="\\x1b[31m<b>y"} z'
    assert str(caught.value) == f'line 3: invalid value: not a number: "{caught.value.text}"'


def test_the_line_in_an_error_is_bounded() -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(b"a " + b"x" * 1_000_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("content_type", "openmetrics"),
    [
        ("", False),
        ("text/plain", False),
        ("text/html; charset=utf-8", False),
        ("text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8", False),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values", True),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text ; version=1.0.0; charset=utf-8;", True),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text; version", False),
        ("nonsense", False),
    ],
)
def test_the_content_type_chooses_the_parser(content_type: str, openmetrics: bool) -> None:
    text_only, openmetrics_only = b"\n# a comment\na\t1\n", b"a 1 2.5\n# EOF\n"
    good, bad = (openmetrics_only, text_only) if openmetrics else (text_only, openmetrics_only)
    assert len(parse(good, content_type).samples) == 1
    with pytest.raises(SyntaxFault):
        parse(bad, content_type)


def test_protobuf_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedFormatError, match="protobuf"):
        parse(b"", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")


@pytest.mark.parametrize("escaping", ["underscores", "dots", "values", "allow-utf-8"])
def test_names_stay_as_a_target_has_escaped_them(escaping: str) -> None:
    names = {"underscores": "a_b", "dots": "a_dot_b", "values": "U__a_2e_b", "allow-utf-8": "a.b"}
    written = '{"a.b"}' if escaping == "allow-utf-8" else names[escaping]
    sample = only(f"{written} 1\n".encode(), f"text/plain; version=1.0.0; charset=utf-8; escaping={escaping}")
    assert sample.labels.metric_name == names[escaping]
