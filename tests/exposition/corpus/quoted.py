"""Pages with names in quotes, which came with Prometheus 3: their format, and what is stored of the good ones."""

from __future__ import annotations

GOOD: dict[str, tuple[str, bytes, list[str]]] = {
    "metric": ("text", b'{"a.b"} 1\n', ["a.b 1.0"]),
    "metric and label": ("text", b'{"a.b",x="y"} 1\n', ['a.b{x="y"} 1.0']),
    "label before the metric": ("text", b'{x="y","a.b"} 1\n', ['a.b{x="y"} 1.0']),
    "label in quotes": ("text", b'a{"x.y"="z"} 1\n', ['a{x.y="z"} 1.0']),
    "both in quotes": ("text", b'{"a.b","x.y"="z"} 1\n', ['a.b{x.y="z"} 1.0']),
    "blanks": ("text", b'{"a.b" , x = "y" , } 1\n', ['a.b{x="y"} 1.0']),
    "comma behind the metric": ("text", b'{"a.b",} 1\n', ["a.b 1.0"]),
    "quote in a name": ("text", b'{"a\\"b"} 1\n', ['a"b 1.0']),
    "escapes in a name": ("text", b'{"a\\\\b\\n"} 1\n', ["a\\b\n 1.0"]),
    "line end in a name": ("text", b'{"a\nb"} 1\n', ["a\nb 1.0"]),
    "plain name in quotes": ("text", b'{"a"}1\n', ["a 1.0"]),
    "no comma between labels": ("text", b'a{"b"="c""d"="e"} 1\n', ['a{b="c", d="e"} 1.0']),
    "utf-8": (
        "text",
        b'{"gr\xc3\xb6\xc3\x9fe","h\xc3\xb6he"="\xe6\x97\xa5\xe6\x9c\xac"} 1\n',
        ['größe{höhe="日本"} 1.0'],
    ),
    "type": ("text", b'# TYPE "a.b" counter\n{"a.b"} 1\n', ["a.b 1.0"]),
    "help": ("text", b'# HELP "a.b" some help\n{"a.b"} 1\n', ["a.b 1.0"]),
    "escapes stay in metadata": ("text", b'# HELP "a\\"b" x\n{"a\\"b"} 1\n', ['a"b 1.0']),
    "empty name in metadata": ("text", b'# TYPE "" counter\n# HELP ""\na 1\n', ["a 1.0"]),
    "line end in metadata": ("text", b'# HELP "a\nb" c\na 1\n', ["a 1.0"]),
    "bad utf-8 in metadata": ("text", b'# TYPE "\xff" counter\na 1\n', ["a 1.0"]),
    "openmetrics metric": ("openmetrics", b'{"a.b"} 1\n# EOF\n', ["a.b 1.0"]),
    "openmetrics labels": ("openmetrics", b'{"a.b",x="y","z.w"="v"} 1\n# EOF\n', ['a.b{x="y", z.w="v"} 1.0']),
    "openmetrics unit": ("openmetrics", b'# TYPE "a.b_s" gauge\n# UNIT "a.b_s" s\n{"a.b_s"} 1\n# EOF\n', ["a.b_s 1.0"]),
    "openmetrics help": ("openmetrics", b'# HELP "" x\n# HELP "a.b" y\n# EOF\n', []),
    "openmetrics exemplar": ("openmetrics", b'{"a.b_total"} 1 # {"x.y"="z"} 1\n# EOF\n', ["a.b_total 1.0"]),
    "openmetrics line end in a name": ("openmetrics", b'{"a\nb"} 1\n# EOF\n', ["a\nb 1.0"]),
}

BAD: dict[str, tuple[str, bytes]] = {
    "two metrics": ("text", b'{"a.b","c.d"} 1\n'),
    "metric twice": ("text", b'a{"b"} 1\n'),
    "no comma behind the metric": ("text", b'{"a.b" x="y"} 1\n'),
    "empty metric": ("text", b'{""} 1\n'),
    "empty label": ("text", b'{"a",""="x"} 1\n'),
    "bad utf-8": ("text", b'{"a\xff"} 1\n'),
    "bad utf-8 in a label": ("text", b'{"a","\xff"="x"} 1\n'),
    "nul": ("text", b'{"a\x00b"} 1\n'),
    "name as a label": ("text", b'{"a","__name__"="x"} 1\n'),
    "name only as a label": ("text", b'{"__name__"="x"} 1\n'),
    "comma first": ("text", b'{,"a"} 1\n'),
    "two names in a row": ("text", b'a{"b""c"} 1\n'),
    "openmetrics blank": ("openmetrics", b'{"a.b" ,x="y"} 1\n# EOF\n'),
    "openmetrics no comma": ("openmetrics", b'{"a.b"x="y"} 1\n# EOF\n'),
    "openmetrics empty": ("openmetrics", b'{""} 1\n# EOF\n'),
}
