"""Pages made to cost much time or memory, in any size."""

from __future__ import annotations

from collections.abc import Callable

from .pages import OPENMETRICS, TEXT

HAZARDS: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "one huge value of a label": (TEXT, lambda size: b'a{x="' + b"y" * size + b'"} 1\n'),
    "one huge value of emojis": (TEXT, lambda size: b'a{x="' + "\U0001f600".encode() * (size // 4) + b'"} 1\n'),
    "one huge name": (TEXT, lambda size: b"a" * size + b" 1\n"),
    "one huge quoted name": (TEXT, lambda size: b'{"' + b"a" * size + b'"} 1\n'),
    "one huge number": (TEXT, lambda size: b"a " + b"1" * size + b"\n"),
    "one huge exponent": (TEXT, lambda size: b"a 1e" + b"1" * size + b"\n"),
    "one huge timestamp": (TEXT, lambda size: b"a 1 " + b"1" * size + b"\n"),
    "one huge timestamp of zeros": (TEXT, lambda size: b"a 1 " + b"0" * size + b"\n"),
    "one huge timestamp in seconds": (OPENMETRICS, lambda size: b"a 1 " + b"1" * size + b"\n# EOF\n"),
    "one huge comment": (TEXT, lambda size: b"# " + b"y" * size + b"\na 1\n"),
    "one huge help": (TEXT, lambda size: b"# HELP a " + b"\\n" * (size // 2) + b"\na 1\n"),
    "one huge type": (TEXT, lambda size: b"# TYPE a " + b"y" * size + b"\na 1\n"),
    "one huge unit": (OPENMETRICS, lambda size: b"# UNIT a_s " + b"s" * size + b"\n# EOF\n"),
    "one huge exemplar": (OPENMETRICS, lambda size: b'a_total 1 # {x="' + b"y" * size + b'"} 1\n# EOF\n'),
    "countless escapes": (TEXT, lambda size: b'a{x="' + b"\\\\\\n" * (size // 4) + b'"} 1\n'),
    "countless line ends in a value": (TEXT, lambda size: b'a{x="' + b"\n" * (size // 8) + b'"} 1\n'),
    "countless labels": (TEXT, lambda size: b"a{" + b",".join(b'l%d="y"' % n for n in range(size // 12)) + b"} 1\n"),
    "countless labels of one name": (TEXT, lambda size: b"a{" + b'b="y",' * (size // 6) + b"} 1\n"),
    "countless quoted names": (TEXT, lambda size: b"{" + b'"a",' * (size // 4) + b"} 1\n"),
    "countless braces": (TEXT, lambda size: b"a" + b"{" * size),
    "countless quotes": (TEXT, lambda size: b"a{x=" + b'"' * size),
    "countless commas": (TEXT, lambda size: b"a{" + b"," * size),
    "countless backslashes": (TEXT, lambda size: b'a{x="' + b"\\" * size),
    "countless blanks": (TEXT, lambda size: b"a" + b" " * size + b"1\n"),
    "blanks alone": (TEXT, lambda size: b" \t" * (size // 2)),
    "countless empty lines": (TEXT, lambda size: b"\n" * size),
    "countless tiny lines": (TEXT, lambda size: b"a 1\n" * (size // 4)),
    "countless comments": (TEXT, lambda size: b"#\n" * (size // 2)),
    "countless new series": (TEXT, lambda size: b"".join(b"a%d 1\n" % n for n in range(size // 10))),
    "countless helps": (TEXT, lambda size: b"".join(b"# HELP a%d x\n" % n for n in range(size // 16))),
    "countless odd lines": (TEXT, lambda size: b"a 1\t5\n" * (size // 6)),
    "countless timestamps": (TEXT, lambda size: b"".join(b"a 1 %d\n" % n for n in range(size // 10))),
    "countless exemplars": (
        OPENMETRICS,
        lambda size: b"".join(b'a_total 1 # {x="%d"} 1\n' % n for n in range(size // 28)) + b"# EOF\n",
    ),
    "countless marks of exemplars": (OPENMETRICS, lambda size: b"a_total 1" + b" # {" * (size // 4) + b"\n# EOF\n"),
    "quote that never ends": (TEXT, lambda size: b'a{x="' + b"b 1\n" * (size // 4)),
    "quotes that never end": (TEXT, lambda size: b'a{x="\n' * (size // 6)),
    "names that never end": (TEXT, lambda size: b'# HELP "a\n' * (size // 10)),
}
