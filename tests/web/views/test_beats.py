"""The last beats of an app."""

import numpy as np

from dashboard.model.labels import Labels
from dashboard.model.samples import STALE, FloatArray
from dashboard.storage import Storage
from dashboard.web import Parts
from dashboard.web.views.beats import BEATS, beats_by_job, beats_text, join_beats, series_beats

INTERVAL = 5000


def beats(values: list[float], times: list[int], now: int) -> str:
    array: FloatArray = np.array(values)
    return series_beats(np.array(times, dtype=np.int64), array, INTERVAL, now)


def test_each_scrape_is_a_beat() -> None:
    assert beats([1, 0, 1], [0, 5000, 10_000], 11_000) == "udu"


def test_a_staleness_marker_is_no_failed_scrape() -> None:
    assert beats([1, STALE], [0, 5000], 6_000) == "un"


def test_a_long_gap_shows_as_scrapes_that_were_not_made() -> None:
    assert beats([1, 1], [0, 30_000], 31_000) == "unnnnnu"


def test_a_target_that_went_silent_ends_in_missing_beats() -> None:
    assert beats([1], [0], 30_000) == "unnnnn"


def test_samples_at_a_coarser_step_are_no_gaps() -> None:
    assert beats([1, 1, 1], [0, 15_000, 30_000], 31_000) == "uuu"


def test_only_the_newest_are_kept() -> None:
    many = 3 * BEATS
    assert (
        beats([0.0] * (many - 1) + [1.0], [INTERVAL * n for n in range(many)], INTERVAL * many)
        == "d" * (BEATS - 1) + "u"
    )


def test_targets_are_laid_over_each_other_with_the_newest_aligned() -> None:
    assert join_beats(["uud", "dd", "nu"]) == "upp"


def test_beats_come_from_the_store_by_job(parts: Parts) -> None:
    now = parts.clock()
    store_up(parts.storage, "api", now, "uudd")
    store_up(parts.storage, "web", now, "uuuu")
    assert beats_by_job(parts.storage, {"api": INTERVAL, "web": INTERVAL, "new": INTERVAL}, now) == {
        "api": "uudd",
        "web": "uuuu",
        "new": "",
    }


def test_beats_are_told_in_words() -> None:
    assert beats_text("nnuud") == "2 of the last 3 scrapes succeeded"
    assert beats_text("") == "not scraped yet"


def store_up(storage: Storage, job: str, now: int, letters: str) -> None:
    """Store ``up`` of one target, the last sample at ``now``."""
    series = np.array([storage.series_id(Labels.of({"__name__": "up", "job": job}))], dtype=np.int64)
    appender = storage.appender()
    for place, letter in enumerate(letters):
        at = now - (len(letters) - 1 - place) * INTERVAL
        appender.append(at, series, np.array([1.0 if letter == "u" else 0.0]))
    storage.flush()
