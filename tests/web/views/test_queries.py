"""Queries of names and values from outside select what they name, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model.matcher import MatchKind
from dashboard.promql import lexer, parse
from dashboard.promql.ast import VectorSelector
from dashboard.promql.functions import FUNCTIONS
from dashboard.web.views.queries import selector, with_label

WORDS = {
    word
    for given_words in vars(lexer).values()
    if isinstance(given_words, set | frozenset | tuple | dict)
    for word in given_words
    if isinstance(word, str) and re.fullmatch("[a-z_0-9]+", word)
}
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


def matchers(query: str) -> dict[str, str]:
    parsed = parse(query)
    assert isinstance(parsed, VectorSelector)
    assert {each.kind for each in parsed.matchers} == {MatchKind.EQUAL}
    return {each.name: each.value for each in parsed.matchers}


@given(st.dictionaries(texts, texts, min_size=1, max_size=3))
def test_a_selector_names_its_labels(labels: dict[str, str]) -> None:
    assert matchers(selector(labels.items())) == labels


@given(texts)
def test_so_does_one_for_any_value(name: str) -> None:
    parsed = parse(with_label(name))
    assert isinstance(parsed, VectorSelector)
    assert [(each.name, each.kind, each.value) for each in parsed.matchers] == [(name, MatchKind.NOT_EQUAL, "")]


@pytest.mark.parametrize("word", sorted({*WORDS, *FUNCTIONS, "NaN", "Bool"}))
def test_a_word_of_promql_may_name_a_metric(word: str) -> None:
    assert matchers(selector([("__name__", word)])) == {"__name__": word}
    assert matchers(selector([("__name__", word), ("job", "x")])) == {"__name__": word, "job": "x"}


def test_plain_names_are_written_as_people_write_them() -> None:
    assert selector([("__name__", "up"), ("job", "a b")]) == 'up{job="a b"}'
    assert selector([("__name__", "http.requests"), ("http.status", "200")]) == (
        '{"http.status"="200",__name__="http.requests"}'
    )
