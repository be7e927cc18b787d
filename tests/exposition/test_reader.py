"""A target's pages, read one after the other, say the same as the full parser says of each alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.exposition.errors import RefusedSeriesError, SampleLimitExceededError, SyntaxFault, TooManyLinesError
from dashboard.exposition.page import Metadata, MetricType
from dashboard.exposition.reader import DROPPED, MOST_LINES, PageReader
from dashboard.model.exemplar import Exemplar
from dashboard.model.labels import Labels

from .corpus.text import GOOD
from .pages import CORPUS, OPENMETRICS, TEXT
from .readings import Numbers, read, told

names = st.sampled_from(
    ["a", "b_total", "c:d", '{"e.f"}', 'a{x="1"}', 'a{x="1",y="2 3"}', 'a{y="2",x="1"}', 'b{x="\n1"}']
)
odd_names = st.sampled_from(["", "1a", 'a{x="', 'a{x="1"', "a{}", "# a", ' {"a"}', "\x00", "a{x=1}", 'a{x="1",x="2"}'])
gaps = st.sampled_from([" ", " ", " ", " ", "\t", "  ", "", "\r"])
numbers_ = st.one_of(st.floats().map(repr), st.integers().map(str))
odd_numbers = st.sampled_from(
    ["NaN", "-NaN", "+Inf", "Infinity", "1_0", "1e999", "0x1p2", "", "1\t2", "1\t", "x", "1\r"]
)
tails = st.sampled_from(["", "", "", "", " 123", "\t5", " 1.5", " -3", " # {}", ' # {x="1"} 2', ' # {x="1"} 2 3', " "])
samples = st.builds(
    "{}{}{}{}".format,
    st.one_of(names, names, names, odd_names),
    gaps,
    st.one_of(numbers_, numbers_, odd_numbers),
    tails,
)
comments = st.sampled_from(
    [
        "",
        "# TYPE a counter",
        "# TYPE a gauge",
        "# HELP a x",
        "# HELP a y z",
        "# UNIT c_s s",
        "# EOF",
        "# TYPE a",
        "#",
        "bar",
    ]
)
good_samples = st.builds("{} {}".format, names, numbers_)
good_stamps = st.builds("{} {} {}".format, names, numbers_, st.integers(0, 10**19))
good_exemplars = st.builds(
    'b_total {}{} # {{x="{}"}} {}{}'.format,
    numbers_,
    st.sampled_from(["", " 5", " 1.5"]),
    st.sampled_from(["1", "\\n", "é"]),
    numbers_,
    st.sampled_from(["", " 7.5"]),
)
lines = st.one_of(good_samples, good_samples, good_stamps, good_exemplars, samples, comments)
pages = st.builds(
    lambda body, end: ("\n".join(body) + end).encode(),
    st.lists(lines, max_size=8),
    st.sampled_from(["\n", "\n", "", "\n# EOF\n", "\n# EOF"]),
)


@settings(max_examples=400)
@given(st.lists(pages, min_size=2, max_size=5), st.sampled_from(["", OPENMETRICS]))
def test_reader_and_parser_agree_on_every_page(bodies: list[bytes], content_type: str) -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for body in [*bodies, *bodies]:
        assert read(reader, numbers, body, content_type) == told(body, content_type)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=3), st.data())
def test_damaged_pages_give_only_our_own_errors(junk: list[bytes], data: st.DataObject) -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    body = b"".join(body for body, _ in GOOD.values())
    for piece in junk:
        at = data.draw(st.integers(0, len(body)))
        damaged = body[:at] + piece + body[at + len(piece) :]
        for content_type in ("", OPENMETRICS):
            assert read(reader, numbers, damaged, content_type) == told(damaged, content_type)


@pytest.mark.parametrize("content_type", [TEXT, OPENMETRICS])
def test_one_reader_agrees_with_the_parser_on_the_whole_corpus(content_type: str) -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for body in [page.body for _ in range(2) for page in CORPUS]:
        assert read(reader, numbers, body, content_type) == told(body, content_type)


def test_what_is_known_of_one_format_does_not_pass_in_the_other() -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for body in (b"# HELP a\n# EOF\n", b"a {} 1\n# EOF\n", b"a 1 1500\n# EOF\n"):
        for content_type in (TEXT, OPENMETRICS, TEXT, OPENMETRICS):
            assert read(reader, numbers, body, content_type) == told(body, content_type)


def test_metadata_over_several_lines_is_read_whole_each_time() -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for body in (b'# HELP "a\nb" c\nd 1\n', b'# HELP "a\nb" d\nd 1\n', b'# HELP "a\nb"', b'# HELP "a\nd 1\n'):
        for _ in range(2):
            assert read(reader, numbers, body, TEXT) == told(body, TEXT)


def test_a_series_is_resolved_once() -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for value in range(5):
        reading = reader.read(f'a{{x="y"}} {value}\nb {value}\n'.encode())
        assert reading.values.tolist() == [value, value]
    assert numbers.asked == 2


def test_labels_reach_the_resolver_with_their_empty_values() -> None:
    seen: list[Mapping[str, str]] = []
    PageReader(lambda labels: seen.append(labels) or 0).read(b'a{instance=""} 1\n')
    assert seen == [{"__name__": "a", "instance": ""}]


def test_the_first_of_duplicates_counts() -> None:
    reading = PageReader(Numbers().resolve).read(b"a 1\nb 2\na 3\na{} 4\n")
    assert (reading.values.tolist(), reading.samples, reading.duplicates) == ([1, 2], 4, 2)


def test_labels_of_ever_so_many_new_series_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.exposition.walk._MOST_LABEL_SETS", 2)
    body = b'a{x="1"} 1\na{x="2"} 2\na{x="3"} 3\na{x="\\n"} 4\na{x="5"} 5 100\na{x="3"} 6\n'
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for _ in range(2):
        assert read(reader, numbers, body, TEXT) == told(body, TEXT)
    assert numbers.asked == 5


def test_a_bad_page_registers_nothing() -> None:
    numbers = Numbers()
    with pytest.raises(SyntaxFault, match="line 3"):
        PageReader(numbers.resolve).read(b"a 1\nb 2\nc\n")
    assert numbers.asked == 0


def dropping(numbers: Numbers) -> PageReader:
    """Return a reader of a target whose series named ``b`` are dropped."""

    def keeps(labels: Mapping[str, str]) -> bool:
        return labels["__name__"] != "b"

    return PageReader(lambda labels: numbers.resolve(labels) if keeps(labels) else DROPPED, keeps=keeps)


def test_dropped_series_are_counted_and_nowhere_else() -> None:
    reader = dropping(Numbers())
    page = b'a 1\nb{x="1"} 2\nb{x="1"} 3\nb 4 1000\nc 5 1000\na 6\n'
    for _ in range(3):
        reading = reader.read(page)
        assert (reading.series.tolist(), reading.values.tolist()) == ([0], [1])
        assert (reading.stamped.series.tolist(), reading.stamped.values.tolist()) == ([1], [5])
        assert (reading.samples, reading.kept, reading.duplicates) == (6, 3, 1)


def test_exemplars_of_dropped_series_are_dropped() -> None:
    reader = PageReader(lambda labels: DROPPED if labels["x"] == "1" else 7)
    page = b'a_total{x="1"} 1 # {y="1"} 1\na_total{x="2"} 1 # {y="2"} 1\n# EOF\n'
    for _ in range(2):
        assert reader.read(page, OPENMETRICS).exemplars == [(7, Exemplar(Labels.of({"y": "2"}), 1.0, None))]


def test_the_sample_limit_is_held_against_what_is_kept() -> None:
    numbers = Numbers()
    reader = dropping(numbers)
    for _ in range(2):
        assert reader.read(b'a 1\nb 2\nb{x="1"} 3\n', sample_limit=1).kept == 1
    with pytest.raises(SampleLimitExceededError) as caught:
        reader.read(b'a 1\nb 2\nc 3\nb{x="2"} 4\nc 5 1000\n', sample_limit=2)
    assert (caught.value.samples, caught.value.kept) == (5, 3)
    # That page has registered nothing.
    assert numbers.asked == 1


def test_what_resolve_raises_fails_the_page_and_is_asked_again() -> None:
    numbers = Numbers()

    def resolve(labels: Mapping[str, str]) -> int:
        if labels["__name__"] == "b":
            raise LookupError("no b")
        return numbers.resolve(labels)

    reader = PageReader(resolve)
    for _ in range(2):
        with pytest.raises(LookupError, match="no b"):
            reader.read(b"a 1\nb 2\n")
    assert reader.read(b"a 1\n").series.tolist() == [0]


@given(st.lists(pages, min_size=1, max_size=4), st.sampled_from(["", OPENMETRICS]))
def test_timestamps_that_are_not_honored_are_checked_and_left_out(bodies: list[bytes], content_type: str) -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve, honor_timestamps=False)
    for body in [*bodies, *bodies]:
        expected = told(body, content_type, honor_timestamps=False)
        assert read(reader, numbers, body, content_type) == expected


def test_exemplars_have_their_own_time_or_their_samples() -> None:
    reader = PageReader(Numbers().resolve)
    page = b'a_total 1 # {x="1"} 2\nb_total 1 3 # {x="1"} 2\nc_total 1 3 # {x="1"} 2 4.5\n# EOF\n'
    for _ in range(2):
        times = [exemplar.timestamp for _, exemplar in reader.read(page, OPENMETRICS).exemplars]
        assert times == [None, 3000, 4500]


def test_a_page_over_the_sample_limit_registers_nothing() -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    assert len(reader.read(b"a 1\nb 2\n", sample_limit=2).series) == 2
    with pytest.raises(SampleLimitExceededError, match="sample limit exceeded") as caught:
        reader.read(b"c 1\nd 2\ne 3 123\n", sample_limit=2)
    assert (caught.value.samples, numbers.asked) == (3, 2)


def test_a_page_of_countless_lines_is_refused_at_once() -> None:
    reader = PageReader(Numbers().resolve)
    with pytest.raises(TooManyLinesError, match="the page has 500001 lines, at most 500000 are read"):
        reader.read(b"\n" * (MOST_LINES + 1))
    assert reader.read(b"\n" * 10 + b"a 1\n", sample_limit=MOST_LINES).samples == 1


def test_metadata_follows_the_page() -> None:
    reader = PageReader(Numbers().resolve)
    assert reader.read(b"# TYPE a counter\n").metadata == {"a": Metadata(MetricType.COUNTER)}
    assert reader.read(b"# TYPE a gauge\n").metadata == {"a": Metadata(MetricType.GAUGE)}
    assert reader.read(b"# TYPE a counter\n").metadata == {"a": Metadata(MetricType.COUNTER)}
    assert reader.read(b"").metadata == {}


def test_what_a_page_no_longer_holds_is_forgotten() -> None:
    numbers = Numbers()
    reader = PageReader(numbers.resolve)
    for turn in range(20):
        body = "".join(f'# HELP m{turn}_{line} x\nm{{n="{turn}-{line}"}} 1\n' for line in range(500)) + "kept 1\n"
        reader.read(body.encode())
    assert len(reader._memory.series) < 3000
    assert len(reader._memory.comments) < 3000
    asked = numbers.asked
    reader.read(body.encode())
    assert numbers.asked == asked


def test_a_page_of_many_pieces_is_read_whole() -> None:
    lines = [f'metric{{number="{number}",text="one\ntwo"}} {number}' for number in range(20_000)]
    known: dict[Labels, int] = {}
    reader = PageReader(lambda labels: known.setdefault(Labels.of(labels), len(known)))
    for _ in range(2):
        reading = reader.read(("\n".join(lines) + "\n").encode())
        assert reading.values.tolist() == list(range(20_000))


@pytest.mark.parametrize(
    ("page", "samples", "kept"),
    [
        (b"a 1\nb 2 5\nbad 3\nc 4\n", 3, 2),
        (b"a 1\na 1\nb 2 5\nc 3 6\nbad 3 7\nd 4\n", 5, 4),
        (b'drop 1\nb 2\ndrop 1 5\nbad{x="\\\\"} 3\n', 4, 1),
        (b"bad 1\n", 1, 0),
    ],
)
def test_a_refused_series_tells_how_much_of_the_page_stood_before_it(page: bytes, samples: int, kept: int) -> None:
    def resolve(labels: Mapping[str, str]) -> int:
        if labels["__name__"] == "bad":
            raise RefusedSeriesError
        return DROPPED if labels["__name__"] == "drop" else 1

    reader = PageReader(resolve)
    for _ in range(2):
        with pytest.raises(RefusedSeriesError) as caught:
            reader.read(page)
        assert (caught.value.samples, caught.value.kept) == (samples, kept)


@pytest.mark.parametrize(
    ("page", "samples", "kept"),
    [
        (b"a 1\ndrop 2\nb 3 5\n]\nc 4\n", 3, 2),
        (b"]\n", 0, 0),
        (b'a 1\nb{x="1",x="2"} 1\nc 1\n', 2, 1),
    ],
)
def test_a_bad_line_tells_how_many_samples_before_it_would_have_been_kept(page: bytes, samples: int, kept: int) -> None:
    reader = PageReader(lambda _: 1, keeps=lambda labels: labels["__name__"] != "drop")
    with pytest.raises(SyntaxFault) as caught:
        reader.read(page)
    assert (caught.value.samples, caught.value.kept) == (samples, kept)
