"""Escaped label names of an address are read back."""

import pytest

from dashboard.web.label_names import unescape_label_name


@pytest.mark.parametrize(
    ("escaped", "name"),
    [
        ("job", "job"),
        ("__name__", "__name__"),
        ("U__http_2e_status", "http.status"),
        ("U__http_2e_status__code", "http.status_code"),
        ("U__a_1F600_b", "a😀b"),
        ("U___20_", " "),
        ("U__", ""),
        ("U__a_", "U__a_"),
        ("U__a_zz_", "U__a_zz_"),
        ("U__a_d800_", "U__a_d800_"),
        ("U__a_110000_", "U__a_110000_"),
    ],
)
def test_a_name_is_unescaped_where_it_is_escaped_rightly(escaped: str, name: str) -> None:
    assert unescape_label_name(escaped) == name
