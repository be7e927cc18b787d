import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dashboard.config.decoding import INLINED, decode, decode_part, keys_of
from dashboard.config.errors import ConfigError
from dashboard.config.place import Place
from dashboard.config.scalars import InvalidValueError, Milliseconds
from dashboard.config.yaml_file import load

FILE = Path("some.yml")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Shared:
    size: int = 1
    fast: bool = True


@dataclass(frozen=True)
class Inner:
    name: str
    colour: Colour = Colour.RED


@dataclass(frozen=True)
class Outer:
    for_: Milliseconds = 5
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    names: tuple[str, ...] = ("default",)
    labels: Mapping[str, str] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared, metadata=INLINED)

    def __post_init__(self) -> None:
        if self.for_ == 7:
            raise InvalidValueError("seven is not allowed", "for")


def read(text: str) -> Outer:
    return decode(FILE, load(FILE, text) or {}, Outer)


def test_what_is_left_out_keeps_its_default() -> None:
    assert read("") == Outer()


def test_values_take_the_types_of_their_keys() -> None:
    read_in = read("for: 1m\ninner: {name: 1}\ninners: [{name: a, colour: blue}]\nlabels: {a: 1, b: yes}\nsize: 010")
    assert read_in == Outer(
        for_=60_000,
        inner=Inner("1"),
        inners=(Inner("a", Colour.BLUE),),
        labels={"a": "1", "b": "yes"},
        shared=Shared(size=8),
    )


def test_a_key_without_a_value_has_the_zero_of_its_type() -> None:
    assert read("for:\ninner:\ninners:\nnames:\nlabels:\nfast:\nsize: ~") == Outer(
        for_=0, names=(), shared=Shared(size=0, fast=False)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "some.yml:1: a: unknown key (value 1)"),
        ("a: [1]", "some.yml:1: a: unknown key"),
        ("\n\ninners:\n- name: x\n  color: red", "some.yml:5: inners[0].color: unknown key (value red)"),
        ("inners:\n- name: x\n- colour: red", "some.yml:3: inners[1]: missing required key `name`"),
        ("inners: [{name: x, colour: green}]", 'some.yml:1: inners[0].colour: "green" is not one of red, blue'),
        ("inners: [~]", "some.yml:1: inners[0]: empty or null section"),
        ("inners: {}", "some.yml:1: inners: expected a list"),
        ("inner: x", "some.yml:1: inner: expected a mapping"),
        ("labels:\n  a: [x]", "some.yml:2: labels.a: expected a single value, found a list"),
        ("names: [{a: b}]", "some.yml:1: names[0]: expected a single value, found a mapping"),
        ("for: 7ms", "some.yml:1: for: seven is not allowed"),
        ("for: 5q", 'some.yml:1: for: not a valid duration string: "5q"'),
        ("my_password: x", "some.yml:1: my_password: unknown key"),
        ("[a]", "some.yml: expected a mapping"),
    ],
)
def test_an_error_names_file_line_key_and_value(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value) == message


def test_a_part_of_a_section_leaves_its_other_keys_alone() -> None:
    section: Any = load(FILE, "size: 3\nother: 4")
    assert keys_of(Shared) == {"size", "fast"}
    assert decode_part(Shared, section, Place(FILE)) == Shared(size=3)


def test_data_that_comes_from_no_file_is_decoded_too() -> None:
    assert decode(Path("environment"), {"size": "4", "names": ["a"]}, Outer) == Outer(
        names=("a",), shared=Shared(size=4)
    )
