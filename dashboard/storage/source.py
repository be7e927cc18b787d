"""What holds rows: some series over the same timestamps. Head and blocks hand these to queries and compaction."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dashboard.model.samples import FloatArray, IntArray, Known
from dashboard.storage.columns import Columns, Keep


class Source(Protocol):
    """Series over shared timestamps, in the head or in a block; it does not change once it was handed out."""

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""

    def read_into(self, out: FloatArray, columns: IntArray, first: int, keep: Keep) -> Known:
        """Write the samples, or ``ABSENT``, of some columns at n times from ``first`` on into float64[columns, n].

        ``keep`` says what is likely to be asked for again.
        """

    def unpacked(self, columns: IntArray) -> Columns | None:
        """Return columns that are compressed, and that nothing was taken from, as they were unpacked."""


def read(source: Source, columns: IntArray, first: int, last: int) -> FloatArray:
    """Return float64[columns, last - first] of the samples at these places of ``times``, or ``ABSENT``.

    What had to be decoded is not kept for others.
    """
    out = np.empty((len(columns), last - first))
    source.read_into(out, columns, first, Keep.NOTHING)
    return out
