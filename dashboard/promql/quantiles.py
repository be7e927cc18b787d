"""Quantiles of a set of samples (``quantile`` in promql/quantile.go of Prometheus)."""

from __future__ import annotations

import numpy as np

from dashboard.model.samples import BoolArray, FloatArray
from dashboard.promql.context import Remarks
from dashboard.promql.literals import format_general
from dashboard.promql.matrix import IndexArray
from dashboard.promql.position import Span


def quantiles(q: FloatArray, values: FloatArray, inside: BoolArray) -> FloatArray:
    """Return the quantile of the samples along the last axis, interpolated between the two nearest ones.

    ``values`` is float64[..., W] and ``inside``, which can be broadcast to it, says which of them count; ``q`` has one
    entry for each set. NaN is less than every number. A ``q`` below 0 gives -Inf, one above 1 gives +Inf, NaN gives
    NaN. The quantile of nothing is anything.
    """
    # Sorting puts NaN behind everything; what does not count goes just before it and is never asked for.
    ordered = np.sort(values if inside.all() else np.where(inside, values, np.inf), axis=-1)
    count = inside.sum(axis=-1)
    nans = np.isnan(ordered).sum(axis=-1) if np.isnan(ordered[..., -1]).any() else np.zeros(1, dtype=np.intp)
    rank = np.clip(np.nan_to_num(q), 0, 1) * np.maximum(count - 1, 0)
    lower = np.floor(rank)
    weight = rank - lower
    upper = np.minimum(np.maximum(count - 1, 0), lower + 1)
    with np.errstate(invalid="ignore"):
        found = _at(ordered, lower, nans) * (1 - weight) + _at(ordered, upper, nans) * weight
    return beyond(np.broadcast_to(q, found.shape), found)


def _at(ordered: FloatArray, rank: FloatArray, nans: IndexArray) -> FloatArray:
    """Return the sample of a rank, where the NaN come first."""
    index = np.broadcast_to(np.maximum(rank - nans, 0).astype(np.intp), ordered.shape[:-1])
    found = np.take_along_axis(ordered, index[..., None], axis=-1)[..., 0]
    return np.where(rank < nans, np.nan, found)


def beyond(q: FloatArray, found: FloatArray) -> FloatArray:
    """Return what was found, but where the quantile is none between 0 and 1: infinities there, and NaN of NaN."""
    if ((q >= 0) & (q <= 1)).all():
        return found
    return np.select([np.isnan(q), q < 0, q > 1], [np.nan, -np.inf, np.inf], found)


def warn_of_extremes(remarks: Remarks, q: FloatArray, span: Span) -> None:
    """Warn as aggregations do, which look at all steps at once: of NaN, and of the farthest on either side."""
    warn_of_wrong(remarks, np.array([q.min(), q.max()]), span)
    if np.isnan(q).any() and not np.isnan(q).all():
        warn_of_wrong(remarks, np.array([np.nanmin(q), np.nanmax(q)]), span)


def warn_of_wrong(remarks: Remarks, q: FloatArray, span: Span) -> None:
    """Warn of quantiles that are not between 0 and 1; ``span`` is where they were asked for."""
    for wrong in np.unique(q[~((q >= 0) & (q <= 1))]).tolist():
        remarks.warn(f"quantile value should be between 0 and 1, got {format_general(wrong)}", span)
