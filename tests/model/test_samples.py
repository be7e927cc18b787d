import numpy as np

from dashboard.model.samples import ABSENT, ABSENT_BITS, STALE, STALE_BITS, is_absent, is_stale


def test_marks_are_told_from_ordinary_nans_by_their_bits() -> None:
    values = np.array([1.0, np.nan, STALE, ABSENT, np.inf])
    assert is_stale(values).tolist() == [False, False, True, False, False]
    assert is_absent(values).tolist() == [False, False, False, True, False]


def test_marks_keep_their_bits_in_an_array() -> None:
    bits = np.array([STALE, ABSENT]).view(np.uint64).tolist()
    assert bits == [STALE_BITS, ABSENT_BITS]


def test_masks_work_on_columns_of_a_matrix() -> None:
    matrix = np.full((3, 4), STALE)
    assert is_stale(matrix[:, 1]).all()
