from __future__ import annotations

import numpy as np

from dashboard.storage.cache import Cache


def test_what_was_used_longest_ago_goes_first() -> None:
    cache, made = Cache(100), list[str]()

    def ask(key: str) -> None:
        def make() -> tuple[str, int]:
            made.append(key)
            return key, 40

        assert cache.get(key, make) == key

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"]
    assert cache.size == 80


def test_an_entry_of_more_than_half_the_cache_is_not_kept() -> None:
    cache = Cache(100)
    cache.get("small", lambda: (1, 40))
    assert cache.get("large", lambda: (2, 51)) == 2
    assert cache.size == 40
    assert cache.get("small", lambda: (3, 40)) == 1


def test_what_nobody_asks_for_any_more_goes() -> None:
    cache = Cache(100)
    for key in ("old", "used"):
        cache.get(key, lambda: (1, 20))
    for _ in range(5):
        cache.age()
    assert cache.get("used", lambda: (2, 20)) == 1
    for _ in range(10):
        cache.age()
    assert cache.size == 20
    assert cache.get("used", lambda: (2, 20)) == 1
    assert cache.get("old", lambda: (2, 20)) == 2
    for _ in range(11):
        cache.age()
    assert cache.size == 0


def test_what_somebody_holds_is_not_made_again() -> None:
    cache = Cache(0)
    held, made = cache.share("key", lambda: np.zeros(1))
    assert made
    again, made = cache.share("key", lambda: np.ones(1))
    assert again is held
    assert not made
    del held, again
    assert cache.share("key", lambda: np.ones(1))[1]
