import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.config import scalars
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError
from dashboard.config.yaml_file import load

HERE = Place(Path("/folder/some.yml"))


def read(reader: Callable[[Any, Place], Any], text: str) -> Any:
    return reader(load(Path("x"), f"a: {text}")["a"], HERE)


@pytest.mark.parametrize(
    "text", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "!!bool 'on'"]
)
def test_what_is_true(text: str) -> None:
    assert read(scalars.read_boolean, text) is True


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
def test_what_is_false(text: str) -> None:
    assert read(scalars.read_boolean, text) is False


@pytest.mark.parametrize("text", ['"true"', "'yes'", "tRue", "1", "0", "x", "[]", "{}", "!!str yes"])
def test_what_is_no_boolean(text: str) -> None:
    with pytest.raises(InvalidValueError):
        read(scalars.read_boolean, text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10", 10), ("010", 8), ("0o10", 8), ("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("-3", -3), ("+3", 3),
        ("08", 8), ("1e3", 1000), ("1.9", 1), (".5", 0), ("-1.5", -1), ("!!int '5'", 5),
        ("9223372036854775807", 2**63 - 1),
    ],
)  # fmt: skip
def test_whole_numbers_are_written_as_in_go(text: str, number: int) -> None:
    assert read(scalars.read_integer, text) == number


@pytest.mark.parametrize("text", ['"5"', "x", "0xg", "1e400", ".inf", "9223372036854775808", "[1]", "9" * 5000])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(InvalidValueError):
        read(scalars.read_integer, text)


def test_unsigned_numbers_have_64_bits_and_no_sign() -> None:
    assert read(scalars.read_unsigned, "18446744073709551615") == 2**64 - 1
    for text in ("18446744073709551616", "-1"):
        with pytest.raises(InvalidValueError):
            read(scalars.read_unsigned, text)


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("1", 1.0), ("010", 8.0), ("1e-3", 0.001), (".inf", math.inf)]
)
def test_floating_point_numbers(text: str, number: float) -> None:
    assert read(scalars.read_float, text) == number


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MB", 64 << 20),
        ("1KiB", 1024),
        ("1.5GB", 3 << 29),
        ("12B", 12),
        ("1GB512MB", 3 << 29),
        ("0", 0),
        (".5KB", 512),
    ],
)
def test_sizes_count_in_powers_of_1024(text: str, size: int) -> None:
    assert read(scalars.read_size, text) == size


@pytest.mark.parametrize("text", ["100", "5XB", "1KiB1MB", "kB", "", "1kB", "9EB9EB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InvalidValueError):
        read(scalars.read_size, f'"{text}"')


@given(st.integers(1, 2**53))
def test_a_size_is_read_as_it_is_written(size: int) -> None:
    assert read(scalars.read_size, scalars.write_size(size)) == size


def test_a_relative_path_starts_at_the_folder_of_the_file() -> None:
    assert Path(read(scalars.read_path, "a/b.txt")) == Path("/folder").resolve() / "a/b.txt"
    assert read(scalars.read_path, '""') == ""
