"""A question that hangs costs so much time once, and one thread."""

from __future__ import annotations

import threading

import pytest

from dashboard.scrape.patience import Patience


def test_answers_and_errors_come_out() -> None:
    patience = Patience()
    assert [patience.ask("a", lambda: 1, 30), patience.ask("a", lambda: 2, 30)] == [1, 2]
    with pytest.raises(PermissionError, match="not ready"):
        patience.ask("a", lambda: (_ for _ in ()).throw(PermissionError("not ready")), 30)
    assert patience.ask("a", lambda: 3, 30) == 3


def test_a_question_that_hangs_is_asked_again_when_it_has_ended() -> None:
    patience = Patience()
    release, ended = threading.Event(), threading.Event()
    asked = []

    def hang() -> None:
        asked.append(1)
        release.wait(30)
        ended.set()

    for _ in range(3):
        with pytest.raises(TimeoutError):
            patience.ask("drive", hang, 0.05)
    assert len(asked) == 1
    assert Patience().ask("other", lambda: 1, 30) == 1
    release.set()
    assert ended.wait(30)
    while patience._open:
        threading.Event().wait(0.001)
    patience.ask("drive", hang, 30)
    assert len(asked) == 2
