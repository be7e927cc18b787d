"""What holds rows: some series over the same timestamps. Head and blocks hand these to queries and compaction."""

from __future__ import annotations

from typing import Protocol

from dashboard.model.samples import FloatArray, IntArray


class Source(Protocol):
    """Series over shared timestamps, in the head or in a block; it does not change once it was handed out."""

    @property
    def series(self) -> IntArray:
        """The numbers of the series, one a column."""

    @property
    def times(self) -> IntArray:
        """The timestamps, strictly increasing."""

    def read(self, columns: IntArray, first: int, last: int, *, keep: bool = True) -> FloatArray:
        """Return float64[columns, last - first] of the samples at these places of ``times``, or ``ABSENT``.

        ``keep`` says whether what had to be decoded is likely to be asked for again.
        """
