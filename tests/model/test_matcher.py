import pytest

from dashboard.model.labels import Labels
from dashboard.model.matcher import InvalidRegexError, Matcher, MatchKind, matches_all


@pytest.mark.parametrize(
    ("kind", "value", "text", "expected"),
    [
        (MatchKind.EQUAL, "a", "a", True),
        (MatchKind.EQUAL, "a", "b", False),
        (MatchKind.EQUAL, "", "", True),
        (MatchKind.NOT_EQUAL, "a", "", True),
        (MatchKind.REGEX, "a|b", "b", True),
        (MatchKind.REGEX, "a|b", "bb", False),  # Both ends are anchored around the whole alternation.
        (MatchKind.REGEX, ".*", "two\nlines", True),  # The dot matches a line end, as in Prometheus.
        (MatchKind.NOT_REGEX, "a.*", "b", True),
        (MatchKind.NOT_REGEX, ".+", "", True),
    ],
)
def test_matching(kind: MatchKind, value: str, text: str, expected: bool) -> None:
    assert Matcher(kind, "l", value).matches(text) is expected


def test_a_bad_expression_is_refused_when_the_matcher_is_made() -> None:
    with pytest.raises(InvalidRegexError, match=r"error parsing regexp \"\(\""):
        Matcher(MatchKind.REGEX, "l", "(")


def test_an_expression_that_closes_what_it_did_not_open_is_refused() -> None:
    with pytest.raises(InvalidRegexError, match="unexpected"):
        Matcher(MatchKind.REGEX, "l", "a)|(b")


@pytest.mark.parametrize("pattern", [r"a\C", r"\\\C", r"\Qx\E\C"])
def test_an_escape_that_go_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidRegexError, match="invalid escape sequence"):
        Matcher(MatchKind.REGEX, "job", pattern)


@pytest.mark.parametrize(("pattern", "text"), [(r"\\C", r"\C"), (r"\Q\C\E", r"\C"), (r"\Q\C", r"\C")])
def test_a_quoted_escape_stands_for_itself(pattern: str, text: str) -> None:
    assert Matcher(MatchKind.REGEX, "job", pattern).matches(text)


def test_a_backreference_is_not_re2() -> None:
    with pytest.raises(InvalidRegexError):
        Matcher(MatchKind.REGEX, "l", r"(a)\1")


def test_an_absent_label_reads_as_empty() -> None:
    matchers = (Matcher(MatchKind.EQUAL, "job", "a"), Matcher(MatchKind.EQUAL, "zone", ""))
    assert matches_all(matchers, Labels.of({"job": "a"}))
    assert not matches_all(matchers, Labels.of({"job": "a", "zone": "b"}))
