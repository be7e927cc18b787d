"""The wire format: what is written is read again, and nothing that was sent brings anything but our own error."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.remote import snappy
from dashboard.remote.errors import BadMessageError
from dashboard.remote.protobuf import bytes_field, fields, message, signed, text, varint, varint_field
from dashboard.remote.series import SampleWriter, time_series

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), INT64 | st.binary(max_size=300)), max_size=8))
def test_fields_are_read_as_they_were_written(given_fields: list[tuple[int, int | bytes]]) -> None:
    written = b"".join(
        varint_field(number, value) if isinstance(value, int) else bytes_field(number, value)
        for number, value in given_fields
    )
    read = [(number, value if isinstance(value, bytes) else signed(value)) for number, value in fields(written)]
    assert read == given_fields


@pytest.mark.parametrize(("value", "written"), [(0, "00"), (1, "01"), (300, "ac02"), (-1, "ff" * 9 + "01")])
def test_varints_are_those_of_protobuf(value: int, written: str) -> None:
    assert varint(value).hex() == written


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        for _, value in fields(body):
            assert isinstance(value, int | bytes)
    except BadMessageError:
        pass


@pytest.mark.parametrize("body", [b"\x08", b"\x0a\x05abc", b"\x09abc", b"\x0b", b"\x08" + b"\xff" * 11])
def test_messages_that_end_too_soon_or_make_no_sense_are_refused(body: bytes) -> None:
    with pytest.raises(BadMessageError):
        list(fields(body))


def test_a_field_of_another_type_is_refused() -> None:
    for read, value in ((signed, b""), (text, 1), (message, 1), (text, b"\xff")):
        with pytest.raises(BadMessageError):
            read(value)


@given(st.lists(st.tuples(INT64, st.floats(width=64)), max_size=30, unique_by=lambda pair: pair[0]).map(sorted))
def test_samples_are_written_by_the_column_as_one_by_one(pairs: list[tuple[int, float]]) -> None:
    times = np.array([time for time, _ in pairs], dtype=np.int64)
    values = np.array([value for _, value in pairs], dtype=np.float64)
    one_by_one = b"".join(
        bytes_field(2, b"\x09" + struct.pack("<d", value) + varint_field(2, time)) for time, value in pairs
    )
    writer = SampleWriter(times)
    writer.write(-values)  # What was written before leaves no trace.
    assert writer.write(values) == one_by_one


def test_a_series_has_its_labels_first() -> None:
    labels = Labels.of({"__name__": "up", "job": "é"})
    written = time_series(labels, SampleWriter(np.array([1000], dtype=np.int64)).write(np.array([1.0])))
    found = list(fields(written))
    assert [number for number, _ in found] == [1, 1, 2]
    assert [[text(part) for _, part in fields(message(value))] for _, value in found[:2]] == [
        ["__name__", "up"],
        ["job", "é"],
    ]


@given(st.binary(max_size=2000))
def test_snappy_gives_back_what_was_compressed(body: bytes) -> None:
    assert snappy.decompress(snappy.compress(body)) == body


@given(st.lists(st.integers(0, 90_000), max_size=6))
def test_parts_are_joined_to_the_message_that_was_compressed(lengths: list[int]) -> None:
    """What follows a part may look as it did: it must not be taken for what is there."""
    pieces = [bytes(range(256)) * (length // 256) + b"end" for length in lengths]
    parts = list(snappy.parts(pieces))
    assert sum(part.length for part in parts) == sum(map(len, pieces))
    assert snappy.decompress(snappy.joined(parts)) == b"".join(pieces)


@given(st.binary(max_size=60))
def test_any_bytes_are_decompressed_or_refused(body: bytes) -> None:
    with contextlib.suppress(BadMessageError):
        assert len(snappy.decompress(body, most=10_000)) <= 10_000


def test_a_bomb_is_refused_by_its_declared_length() -> None:
    """Four gigabytes are declared; none are taken."""
    with pytest.raises(BadMessageError, match="longer than"):
        snappy.decompress(b"\xff\xff\xff\xff\x0f" + b"\x00" * 100)
    whole = snappy.compress(b"x" * 1000)
    assert len(snappy.decompress(whole, most=1000)) == 1000
    with pytest.raises(BadMessageError, match="message of 1000 bytes is longer than 999"):
        snappy.decompress(whole, most=999)
