from __future__ import annotations

import struct
import zlib

import cramjam
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dashboard.model.samples import ABSENT, STALE, FloatArray, IntArray
from dashboard.storage.codec import (
    Codec,
    decode_ints,
    decode_row,
    encode_chunks,
    encode_ints,
    encode_row,
    unpack_chunk,
)
from dashboard.storage.errors import CorruptBlobError

special = st.sampled_from(
    [STALE, ABSENT, 0.0, -0.0, float("nan"), float("inf"), -float("inf"), 5e-324, 2.0**53, 1.7e308]
)
decimals = st.integers(-(10**9), 10**9).map(lambda n: n / 100)
patterns = st.integers(0, 2**64 - 1).map(lambda n: struct.unpack("<d", struct.pack("<Q", n))[0])
shapes = st.tuples(st.integers(1, 9), st.integers(1, 40))


def bits(values: FloatArray) -> object:
    return np.ascontiguousarray(values).view(np.uint64).tolist()


def round_trip(values: FloatArray) -> FloatArray:
    chunks = encode_chunks(values)
    assert sum(count for count, _ in chunks) == len(values)
    parts = [decoded(blob, (count, values.shape[1]), np.arange(count)) for count, blob in chunks]
    return np.concatenate([*parts, np.empty((0, values.shape[1]))])


def decoded(blob: bytes, shape: tuple[int, int], rows: IntArray, first: int = 0, last: int | None = None) -> FloatArray:
    """Decode into a part of something larger, and look at what is told of the values."""
    columns = (shape[1] if last is None else last) - first
    around = np.full((len(rows), columns + 2), 7.0)
    known = unpack_chunk(blob, shape, rows).write(around[:, 1:-1], first)
    assert (around[:, [0, -1]] == 7.0).all()
    found = np.ascontiguousarray(around[:, 1:-1])
    assert not (known.plain and np.isnan(found).any())
    assert (found[known.rising, 1:] >= found[known.rising, :-1]).all()
    return found


@st.composite
def matrices(draw: st.DrawFn) -> FloatArray:
    """Rows of one kind each, some of them with foreign values in between."""
    height, width = draw(shapes)
    kinds = [decimals, patterns, special, st.integers(-5, 5).map(float), st.one_of(decimals, special)]
    rows = [draw(st.lists(draw(st.sampled_from(kinds)), min_size=width, max_size=width)) for _ in range(height)]
    # Through struct: assigning a signalling NaN elsewhere might quieten it.
    return np.frombuffer(b"".join(struct.pack(f"<{width}d", *row) for row in rows), dtype="<f8").reshape(height, width)


@given(matrices())
def test_chunks_give_back_every_bit(values: FloatArray) -> None:
    assert bits(round_trip(values)) == bits(values)


@given(matrices(), st.data())
def test_some_rows_and_times_of_a_chunk_come_as_they_would_with_all(values: FloatArray, data: st.DataObject) -> None:
    some = st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=5, unique=True)
    rows = np.array(data.draw(some), dtype=np.int64)
    first, last = sorted(data.draw(st.tuples(*2 * (st.integers(0, values.shape[1]),))))
    ((count, blob),) = encode_chunks(values)
    found = decoded(blob, (count, values.shape[1]), rows, first, last)
    assert bits(found) == bits(values[rows, first:last])


def test_long_series_come_back_as_short_ones_do() -> None:
    """A long one has strips of its own, and is decoded in another way than many at once."""
    chance = np.random.default_rng(1)
    counts = np.cumsum(chance.poisson(5, (6, 5000)), axis=1).astype(float)
    rows = [
        counts[0],
        counts[:2].sum(axis=0),
        counts[:3].sum(axis=0),
        counts[3] / 8 * 10,
        7000 - counts[4],
        counts[5] % 3,
    ]
    rows += [chance.normal(size=5000), np.full(5000, 3.0), 100.0 * counts[1], np.where(counts[2] % 7 == 0, STALE, 1.25)]
    values = np.stack(rows)
    assert bits(round_trip(values)) == bits(values)
    ((count, blob),) = encode_chunks(values)
    assert bits(decoded(blob, (count, 5000), np.arange(10)[::-3], 17, 4711)) == bits(values[::-3, 17:4711])


def test_a_chunk_of_numbers_alone_is_known_to_be_plain() -> None:
    values = np.array([[1.5, 2.5, 3.5], [1.0, np.nan, 3.0], [1.0, 2.0, np.pi]])
    ((count, blob),) = encode_chunks(values)
    known = [unpack_chunk(blob, (count, 3), np.array([row])).write(np.empty((1, 3)), 0) for row in range(3)]
    assert [each.plain for each in known] == [True, False, True]


@pytest.mark.parametrize("samples", [500, 5000])
def test_counters_are_known_to_rise_also_where_they_are_coded_against_each_other(samples: int) -> None:
    """The same is known of many short series at once and of long ones."""
    steps = np.random.default_rng(2).poisson(50, (3, samples))
    buckets = np.cumsum(np.cumsum(steps, axis=0), axis=1).astype(float)
    values = np.stack(
        [*buckets, buckets[0] % 1000, np.full(samples, 7.0), -buckets[1], np.where(steps[0] > 60, STALE, 1)]
    )
    ((count, blob),) = encode_chunks(values)
    known = unpack_chunk(blob, (count, samples), np.arange(7)).write(np.empty((7, samples)), 0)
    assert known.rising.tolist() == [True, True, True, False, True, False, False]


@given(hnp.arrays(np.uint64, shapes, elements=st.integers(0, 2**64 - 1)))
def test_chunks_give_back_arbitrary_bit_patterns(patterns: np.ndarray[tuple[int, int], np.dtype[np.uint64]]) -> None:
    values = patterns.view(np.float64)
    assert bits(round_trip(values)) == bits(values)


@pytest.mark.parametrize(
    "row",
    [
        [STALE] * 20,
        [ABSENT] * 19 + [1.0],
        [1.0] + [ABSENT] * 18 + [STALE],
        [float(2**53), -float(2**53)] * 10,
        [float(2**53 + 2), 1.0] * 10,
        [0.1, 0.2, 0.3, -0.0, 0.1 + 0.2] * 4,
        [1e15 + 0.5, 0.01] * 10,
        [1e300, 1e-300] * 10,
        [float("inf")] * 10 + [3.25] * 10,
    ],
)
def test_chunks_keep_what_arithmetic_would_lose(row: list[float]) -> None:
    values = np.array([row, [1.0] * 20, row[::-1]])
    assert bits(round_trip(values)) == bits(values)


def test_matrices_larger_than_a_slice_come_back_in_order() -> None:
    generator = np.random.default_rng(1)
    values = np.cumsum(generator.integers(0, 300, (700, 500)), axis=1) / 100
    values[::7] = generator.normal(size=(100, 500))
    assert len(encode_chunks(values)) > 10
    assert bits(round_trip(values)) == bits(values)


def test_a_constant_costs_next_to_nothing_and_counters_less_than_a_byte() -> None:
    generator = np.random.default_rng(2)
    constant = sum(len(blob) for _, blob in encode_chunks(np.full((100, 720), 17.5)))
    counters = np.cumsum(generator.poisson(8, (100, 720)), axis=1).astype(np.float64)
    assert constant < 1000
    assert sum(len(blob) for _, blob in encode_chunks(counters)) < 0.48 * counters.size


def histogram(samples: int) -> FloatArray:
    generator = np.random.default_rng(3)
    counts = generator.poisson([[4], [30], [60], [9], [0.1]], (5, samples))
    buckets = np.cumsum(np.cumsum(counts, axis=0), axis=1)
    seconds = np.cumsum((counts * [[1], [3], [8], [20], [90]]).sum(axis=0)) / 1000
    return np.vstack([buckets, seconds, buckets[-1:]]).astype(np.float64)


def test_buckets_are_coded_against_their_neighbours_and_a_count_against_its_last_bucket() -> None:
    values = histogram(720)
    apart = sum(len(blob) for row in values for _, blob in encode_chunks(row[None]))
    ((_, together),) = encode_chunks(values)
    assert len(together) < 0.8 * apart
    assert bits(round_trip(values)) == bits(values)


def test_series_that_look_back_at_each_other_share_a_chunk() -> None:
    values = np.concatenate([histogram(20_000)] * 6)
    sizes = [count for count, _ in encode_chunks(values)]
    assert len(sizes) > 1
    assert not [end for end in np.cumsum(sizes) if end % 7 in (1, 2, 3, 4, 6)]
    assert bits(round_trip(values)) == bits(values)


def test_the_last_chunk_waits_for_more_series() -> None:
    values = np.arange(100_000.0).reshape(50, 2000) ** 2
    every = encode_chunks(values)
    assert encode_chunks(values, last=False) == every[:-1]


def test_multiples_of_a_page_cost_no_more_than_the_pages() -> None:
    pages = np.cumsum(np.random.default_rng(4).integers(-3, 4, (20, 720)), axis=1).astype(np.float64) + 1000
    sizes = [sum(len(blob) for _, blob in encode_chunks(each)) for each in (pages, pages * 4096)]
    assert sizes[1] < 1.05 * sizes[0]


def test_long_gaps_cost_next_to_nothing() -> None:
    values = np.cumsum(np.ones((50, 5000)), axis=1)
    values[:, 100:4900] = ABSENT
    values[:, 4900] = STALE
    assert sum(len(blob) for _, blob in encode_chunks(values)) < 2500
    assert bits(round_trip(values)) == bits(values)


@given(hnp.arrays(np.int64, st.integers(0, 50), elements=st.integers(-(2**63), 2**63 - 1)))
def test_integers_come_back_even_where_differences_overflow(
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    assert decode_ints(encode_ints(numbers)).tolist() == numbers.tolist()


def test_evenly_spaced_timestamps_cost_a_header() -> None:
    assert len(encode_ints(np.arange(10_000) * 5000)) < 30


@given(hnp.arrays(np.uint64, st.integers(0, 60), elements=st.integers(0, 2**64 - 1)))
def test_rows_give_back_every_bit(row: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> None:
    assert bits(decode_row(encode_row(row.view(np.float64)))) == row.tolist()


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(encode_chunks(np.arange(60.0).reshape(3, 20) ** 2)[0][1])
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptBlobError):
        decoded(bytes(blob), (3, 20), np.arange(3))


@pytest.mark.parametrize(
    ("blob", "told"),
    [
        (b"", "0 bytes"),
        (b"\x01\x00\x00", "3 bytes"),
        (struct.pack("<BI", 99, zlib.crc32(b"x", 99)) + b"x", "codec 99"),
        (struct.pack("<BI", Codec.FIRST_CHUNK_PLAIN, zlib.crc32(b"x", 1)) + b"x", "1 bytes"),
        (struct.pack("<BI", Codec.FIRST_CHUNK_ZSTD, zlib.crc32(b"no zstd", 2)) + b"no zstd", "zstd"),
    ],
)
def test_a_blob_that_we_did_not_write_is_refused_and_described(blob: bytes, told: str) -> None:
    with pytest.raises(CorruptBlobError, match=told):
        decoded(blob, (1, 3), np.arange(1))


def test_a_chunk_read_with_another_shape_is_refused() -> None:
    ((_, blob),) = encode_chunks(np.arange(60.0).reshape(3, 20) ** 2)
    with pytest.raises(CorruptBlobError):
        decoded(blob, (3, 21), np.arange(3))
    with pytest.raises(CorruptBlobError):
        decoded(blob, (4, 20), np.arange(4))


def test_long_payloads_are_zstd_and_short_ones_are_not() -> None:
    long, short = encode_row(np.arange(100.0)), encode_row(np.arange(2.0))
    assert (long[0], short[0]) == (Codec.ROW_ZSTD, Codec.ROW_PLAIN)
    assert len(bytes(cramjam.zstd.decompress(long[5:]))) == 800
