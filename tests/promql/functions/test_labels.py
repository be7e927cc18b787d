"""Functions that change labels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.promql import Engine, ExecutionError

Load = Callable[..., None]
Ask = Callable[..., object]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("'to', '$1', 'from', '(.*)-.*'", 'x{from="a-b", to="a"}'),
        ("'to', '${2}$$${left}', 'from', '(?P<left>.*)-(.*)'", 'x{from="a-b", to="b$a"}'),
        ("'to', '$9$none', 'from', '.*'", 'x{from="a-b"}'),
        ("'to', 'found', 'from', 'b'", 'x{from="a-b"}'),
        ("'to', 'empty', 'missing', ''", 'x{from="a-b", to="empty"}'),
        ("'from', '', 'from', '.*'", "x"),
        ("'__name__', 'y', '', ''", 'y{from="a-b"}'),
        ("'my.label', 'z', '', ''", 'x{from="a-b", my.label="z"}'),
    ],
)
def test_a_label_is_replaced_where_all_of_its_value_matches(load: Load, ask: Ask, arguments: str, wanted: str) -> None:
    load('x{from="a-b"} 5')
    assert ask(f"label_replace(x, {arguments})") == {wanted: 5}


def test_a_reference_to_no_group_is_empty(load: Load, ask: Ask) -> None:
    load('x{from="a-b"} 5')
    template = "<$2$01$missing$" + "9" * 5000 + ">"
    assert ask(f"label_replace(x, 'to', '{template}', 'from', '(.).*')") == {'x{from="a-b", to="<>"}': 5}


def test_labels_are_joined(load: Load, ask: Ask) -> None:
    load('x{a="1", b="2"} 5')
    assert ask("label_join(x, 'c', '-', 'b', 'missing', 'a')") == {'x{a="1", b="2", c="2--1"}': 5}
    assert ask("label_join(x, 'a', '-')") == {'x{b="2"}': 5}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("label_replace(x, 'to', '', 'a', '(')", r"invalid regular expression in label_replace\(\): \("),
        ("label_replace(x, '', '', 'a', '')", r"invalid destination label name in label_replace\(\): "),
        ("label_join(x, '', '', 'a')", r"invalid destination label name in label_join\(\): "),
        ("label_replace(x, 'a', 'same', '', '')", "vector cannot contain metrics with the same labelset"),
        ("label_join(x, 'a', '', 'b')", "vector cannot contain metrics with the same labelset"),
    ],
)
def test_what_makes_no_labels_is_refused(load: Load, engine: Engine, query: str, reason: str) -> None:
    load('x{a="1"} 5\nx{a="2"} 6')
    with pytest.raises(ExecutionError, match=reason):
        engine.instant(query, 0)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("sort_by_label(x, 'i')", ["1", "a1", "a2", "a10", "b"]),
        ("sort_by_label_desc(x, 'i')", ["b", "a10", "a2", "a1", "1"]),
        ("sort_by_label(x, 'missing', 'j')", ["1", "a10", "a2", "a1", "b"]),
        ("sort_by_label(x, 'missing')", ["1", "a1", "a10", "a2", "b"]),
    ],
)
def test_series_are_sorted_by_labels_with_numbers_as_numbers(
    load: Load, ask: Ask, query: str, order: list[str]
) -> None:
    load("\n".join(f'x{{i="{i}", j="{j}"}} 1' for i, j in (("a10", 1), ("b", 2), ("a2", 1), ("1", 1), ("a1", 2))))
    answer = ask(query)
    assert isinstance(answer, dict)
    found = [labels.partition('i="')[2].partition('"')[0] for labels in answer]
    assert found == (sorted(order[:3]) + order[3:] if "'j'" in query else order)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("label_replace(x, '\\xff', '', '', '')", "invalid destination label name in label_replace()"),
        ("label_join(x, 'to', '', '')", "invalid source label name in label_join(): "),
        ("label_join(x, '', '', 'i')", "invalid destination label name in label_join(): "),
    ],
)
def test_a_name_that_no_label_can_have_is_refused(load: Load, engine: Engine, query: str, reason: str) -> None:
    load("x 1")
    with pytest.raises(ExecutionError) as caught:
        engine.instant(query, 0)
    assert str(caught.value).startswith(reason)
