"""Every page of the corpus is read, or refused, as it should be; another test asks the real Prometheus the same."""

from __future__ import annotations

import pytest

from dashboard.exposition.errors import SyntaxFault
from dashboard.exposition.parser import parse
from dashboard.model.labels import Labels

from .pages import CORPUS, NAMES, CorpusPage


@pytest.mark.parametrize("page", CORPUS, ids=NAMES)
def test_a_good_page_gives_what_is_stored_and_a_bad_one_names_its_line(page: CorpusPage) -> None:
    if page.stored is None:
        with pytest.raises(SyntaxFault, match=r"^line \d+: "):
            parse(page.body, page.content_type)
        return
    first: dict[Labels, float] = {}
    for sample in parse(page.body, page.content_type).samples:
        first.setdefault(sample.labels, sample.value)
    assert [f"{labels} {value!r}" for labels, value in first.items()] == page.stored


def test_the_corpus_is_large_enough_to_judge() -> None:
    good = sum(page.stored is not None for page in CORPUS)
    assert (good > 100, len(CORPUS) - good > 150) == (True, True)
