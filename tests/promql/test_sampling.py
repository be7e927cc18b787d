"""Which series a share of all series is made of."""

from __future__ import annotations

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.labels import Labels
from dashboard.promql.sampling import chosen, xxh64


@pytest.mark.parametrize(
    ("data", "hashed"), [(b"", 0xEF46DB3751D8E999), (b"a", 0xD24EC4F1A98C6E5B), (b"abc", 0x44BC2CF5AD770999)]
)
def test_the_hash_is_xxh64(data: bytes, hashed: int) -> None:
    assert xxh64(data) == hashed


@given(st.binary(max_size=200))
def test_the_hash_is_the_one_that_zstandard_ends_a_frame_with(data: bytes) -> None:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(data)
    assert xxh64(data).to_bytes(8, "little")[:4] == frame[-4:]


def test_a_share_and_the_rest_are_all() -> None:
    series = [Labels.of({"__name__": "x", "i": str(number), "long": "y" * number}) for number in range(300)]
    ratios = np.array([0.0, 0.3, -0.7, 1.0, -1.0])
    taken = chosen(series, ratios)
    assert (taken[:, 1] ^ taken[:, 2]).all()
    assert 60 < taken[:, 1].sum() < 120
    assert taken.sum(axis=0).tolist()[3:] == [300, 300]
