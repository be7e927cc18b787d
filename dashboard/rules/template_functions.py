"""The functions that rule templates may call, under Prometheus's names (``template/template.go``).

Every function that makes text from text is bounded, since a loop that doubles a variable would otherwise fill the
memory long before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus, urlsplit

import re2
from goduration.go import Duration
from gotpl import Template, TypedMap
from gotpl.runtime.gofmt import sprintf

from dashboard.model.duration import InvalidDurationError, parse_duration
from dashboard.model.expansion import expansion
from dashboard.model.labels import Labels
from dashboard.rules.errors import TemplateError
from dashboard.rules.humanize import (
    go_time,
    humanize,
    humanize1024,
    humanize_duration,
    humanize_percentage,
    humanize_timestamp,
    to_float,
)

MOST_CHARACTERS = 64 * 1024
_MOST_SAMPLES = 10_000
_SILENT = re2.Options()
_SILENT.log_errors = False
_LONG_WIDTH = re.compile(r"[0-9]{5,}|\*")
_ESCAPES = {name: Template("{{" + name + " .}}") for name in ("html", "js", "urlquery")}

Function = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Sample:
    """One result of ``query``, or of the rule itself, as templates see it."""

    Labels: Mapping[str, str]
    Value: float


class _Arguments(dict[str, object]):
    """What ``args`` gives, with its size, so that nesting it again and again stays bounded."""

    def __init__(self, values: Sequence[object]) -> None:
        super().__init__({f"arg{number}": value for number, value in enumerate(values)})
        self.size = _bounded_size(values)


def label_map(labels: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return labels as a Go ``map[string]string``: one that is not there reads as the empty string."""
    return TypedMap(dict(labels), "", "string", "string")


def table_link(expression: str) -> str:
    """Return the path of the page that shows an expression's present values."""
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab=1"


def graph_link(expression: str) -> str:
    """Return the path of the page that draws an expression."""
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab=0"


def functions(
    query: Callable[[str], Sequence[Sample]], now: Callable[[], int], external_url: str
) -> dict[str, Function]:
    """Return every function by its name. ``query`` and ``now`` (milliseconds) belong to the rendering that runs."""
    return {
        **_PURE,
        "query": lambda text: _few(query(text)),
        "now": lambda: now() / 1000,
        "externalURL": lambda: external_url,
        "pathPrefix": lambda: urlsplit(external_url).path,
    }


def _few(samples: Sequence[Sample]) -> Sequence[Sample]:
    if len(samples) > _MOST_SAMPLES:
        raise TemplateError(f"query gave {len(samples)} results, a template may use {_MOST_SAMPLES}")
    return samples


def _bounded(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise TemplateError(f"text longer than {MOST_CHARACTERS} characters")
    return text


def _bounded_size(values: Iterable[object]) -> int:
    size = 0
    for value in values:
        size += _size(value)
        if size > MOST_CHARACTERS:
            raise TemplateError(f"values larger than {MOST_CHARACTERS} characters")
    return size


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, _Arguments):
        return value.size
    if isinstance(value, Sample):
        return _bounded_size(value.Labels.values())
    if isinstance(value, Mapping):
        return _bounded_size(value.values())
    if isinstance(value, list | tuple):
        return _bounded_size(value)
    return 8


def _printf(form: str, *values: object) -> str:
    if _LONG_WIDTH.search(form):
        raise TemplateError("printf takes no width or precision of five digits, nor *")
    _bounded_size((form, *values))
    return _bounded(str(sprintf(form, *values)))


def _print(*values: object) -> str:
    _bounded_size(values)
    parts: list[str] = []
    previous: object = ""
    for value in values:
        # Go puts a space between two operands where neither is a string.
        if parts and not isinstance(value, str) and not isinstance(previous, str):
            parts.append(" ")
        parts.append(str(sprintf("%v", value)))
        previous = value
    return _bounded("".join(parts))


def _println(*values: object) -> str:
    _bounded_size(values)
    return _bounded(" ".join(str(sprintf("%v", value)) for value in values) + "\n")


def _escape(name: str) -> Function:
    return lambda *values: _bounded(str(_ESCAPES[name].render(_print(*values))))


def _compile(pattern: str) -> re2._Regexp[str]:
    try:
        return re2.compile(_bounded(pattern), _SILENT)
    except re2.error as error:
        raise TemplateError(f"error parsing regexp: {pattern}") from error


def _matches(pattern: str, text: str) -> bool:
    return _compile(pattern).search(_bounded(text)) is not None


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    _bounded_size((replacement, text))
    parts: list[str] = []
    end = size = 0
    regex = _compile(pattern)
    text_of = expansion(replacement, regex)
    for match in regex.finditer(text):
        parts += (text[end : match.start()], text_of(match))
        end = match.end()
        size += len(parts[-1])
        if size > MOST_CHARACTERS:
            break
    return _bounded("".join(parts) + text[end:])


def _first(samples: Sequence[Sample]) -> Sample:
    if not samples:
        raise TemplateError("first() called on vector with no elements")
    return samples[0]


def _sorted_by_label(name: str, samples: Sequence[Sample]) -> Sequence[Sample]:
    return sorted(samples, key=lambda sample: sample.Labels.get(name, ""))


def _title(text: str) -> str:
    """Upper-case the first letter of each word, as Go's ``strings.Title``: the rest stays."""
    return re.sub(r"(?:^|(?<=[^\w']))\w", lambda match: match.group().upper(), text)


def _strip_port(address: str) -> str:
    """Remove the port of ``host:port``; an IPv6 address loses its brackets; anything else stays."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, colon, port = address.partition(":")
    return host if colon and ":" not in port else address


def _strip_domain(address: str) -> str:
    """Keep a host's first name, and its port; an IP address stays."""
    host = _strip_port(address)
    rest = address[len(host) :] if address.startswith(host) else ""
    if ":" in host or re.fullmatch(r"[0-9.]+", host):
        return address
    return host.partition(".")[0] + rest


def _to_duration(value: object) -> Duration:
    return Duration.from_seconds(to_float(value))


def _parse_duration(text: str) -> float:
    try:
        return parse_duration(text) / 1000
    except InvalidDurationError as error:
        raise TemplateError(str(error)) from error


_PURE: dict[str, Function] = {
    "args": lambda *values: _Arguments(values),
    "first": _first,
    "graphLink": graph_link,
    "html": _escape("html"),
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "js": _escape("js"),
    "label": lambda name, sample: sample.Labels.get(name, ""),
    "match": _matches,
    "parseDuration": _parse_duration,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "reReplaceAll": _replace_all,
    "safeHtml": lambda text: text,
    "sortByLabel": _sorted_by_label,
    "stripDomain": _strip_domain,
    "stripPort": _strip_port,
    "strvalue": lambda sample: sample.Labels.get("__value__", ""),
    "tableLink": table_link,
    "title": _title,
    "toDuration": _to_duration,
    "toLower": lambda text: text.lower(),
    "toTime": lambda value: go_time(to_float(value)),
    "toUpper": lambda text: text.upper(),
    "urlQueryEscape": lambda text: _bounded(quote_plus(text)),
    "urlquery": _escape("urlquery"),
    "value": lambda sample: sample.Value,
}


def sample(labels: Labels, value: float) -> Sample:
    """Return a sample as templates see it."""
    return Sample(label_map(labels), value)
