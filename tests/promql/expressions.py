"""Expressions made by chance, of everything that a Prometheus of a version understands."""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st

from tests.promql.peer import START

COUNTERS = ["http_requests_total", "gappy_total", "latency_seconds_bucket", "restarting_total", "young_total"]
GAUGES = ["temperature", "steps", "sparse", "strange", "flapping", "ended", "third"]
NAMES = [*COUNTERS, *GAUGES, "mixed_bucket", "build_info", '{job="api"}', '{__name__=~"t.*|flapping"}']
MATCHERS = ["", "", '{job="api"}', '{room!="hall"}', '{status=~"5..|"}', '{le!="0.5"}', '{room!~"a.*",job=""}']
# No sample, and no step of a subquery, lies on the edge of a range.
RANGES = st.sampled_from(["40s", "1m", "3m", "10m", "33m"])
INNER_RANGES = st.sampled_from(["40s500ms", "3m500ms", "10m500ms", "33m500ms"])
STEPS = st.sampled_from(["47s", "19s", "2m11s"])
MOVED = ["", "", "", " offset 4m", " offset -2m"]
OFFSETS = st.sampled_from(MOVED)
# Prometheus does not always evaluate what @ fixes in time: where another argument changes from step to step, or one
# such subquery is in another, some versions move the range, take the argument of the first step, or find nothing.
TIMES = st.sampled_from([*MOVED, f" @ {START + 3000.7}", " @ end()", " @ start() offset 3m"])
NUMBERS = st.sampled_from(["0", "1", "2.5", "-3", "0x1F", "1e3", "Inf", "NaN", "scalar(steps{room='hall'})", "time()"])
QUANTILES = ["0", "0.1", "0.5", "0.9", "1", "-1", "2", "NaN"]
AHEAD = ["60", "-600", "time() / 1e6"]
SHARES = st.sampled_from([*QUANTILES, "scalar(steps{room='hall'}) / 3"])

OF_COUNTERS = ["rate", "increase", "irate", "resets"]
OF_RANGES = ["delta", "idelta", "changes", "deriv"] + [
    f"{name}_over_time"
    for name in ("avg", "sum", "min", "max", "count", "last", "present", "stddev", "stdvar", "absent")
]
OF_RANGES_LATER = ["mad_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time"]
OF_VECTORS = [
    *("abs", "absent", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg", "exp"),
    *("floor", "ln", "log10", "log2", "rad", "round", "sgn", "sin", "sinh", "sort", "sort_desc", "sqrt", "tan"),
    *("tanh", "timestamp", "-", "+", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour"),
    *("minute", "month", "year", "histogram_count", "histogram_sum"),
]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group"]
GROUPINGS = ["", "by (job)", "by (room)", "without (status, le)", "by (job, le)", "without ()", "by (__name__, job)"]
JOINS = [
    "",
    "on (job)",
    "on (room)",
    "ignoring (status, le)",
    "on (job) group_left ()",
    "on (room) group_right (floor)",
]
OVER_SUBQUERIES = ["max_over_time", "sum_over_time", "count_over_time", "last_over_time", "delta"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
COMPARISONS = ["==", "!=", ">", "<", ">=", "<= bool", "> bool", "== bool"]
SETS = ["and", "or", "unless"]


def selectors(names: list[str]) -> st.SearchStrategy[str]:
    return st.builds(selector, st.sampled_from(names), st.sampled_from(MATCHERS))


def selector(name: str, matchers: str) -> str:
    return name if name.startswith("{") else name + matchers


def leaves(major: int) -> st.SearchStrategy[str]:
    """Return expressions without expressions in them."""
    of_ranges = OF_RANGES + (OF_RANGES_LATER if major > 2 else [])
    everything = selectors(NAMES)
    ranged = st.builds("{}[{}]{}".format, everything, RANGES, OFFSETS)
    fixed = st.builds("{}[{}]{}".format, everything, RANGES, TIMES)
    # Before version 3, an infinite sample made a whole line NaN.
    lined = everything if major > 2 else selectors([name for name in NAMES if name != "strange"])
    counted = st.builds("{}[{}]{}".format, selectors(COUNTERS), RANGES, TIMES)
    return st.one_of(
        st.builds("{}{}".format, everything, TIMES),
        st.builds("{}({})".format, st.sampled_from(OF_COUNTERS), counted),
        st.builds("{}({})".format, st.sampled_from(of_ranges), fixed),
        st.builds("quantile_over_time({}, {})".format, SHARES, ranged),
        st.builds("predict_linear({}[{}]{}, {})".format, lined, RANGES, OFFSETS, st.sampled_from(AHEAD)),
        st.builds("double_exponential_smoothing({}, 0.3, {})".format, ranged, st.sampled_from(["0.1", "0.7"])),
        st.builds("{}({})".format, st.sampled_from(["topk", "bottomk"]), st.just("2, temperature")),
        st.builds("vector({})".format, NUMBERS),
    )


def deeper(major: int, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions around expressions."""
    later = major > 2
    # Before version 3, atan2 kept names, NaN varied by 0, and rates began earlier that cannot have been 0 so early.
    arithmetic = ARITHMETIC + (["atan2"] if later else [])
    aggregations = AGGREGATIONS + (["stddev", "stdvar"] if later else [])
    over_subqueries = OVER_SUBQUERIES + (["rate"] if later else [])
    vector_operators = st.sampled_from([*arithmetic, *COMPARISONS, *SETS])
    scalar_operators = st.sampled_from([*arithmetic, *COMPARISONS])
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(OF_VECTORS), inner),
        st.builds("{} {} ({})".format, st.sampled_from(aggregations), st.sampled_from(GROUPINGS), inner),
        st.builds("quantile {} ({}, {})".format, st.sampled_from(GROUPINGS), st.sampled_from(QUANTILES), inner),
        st.builds("count_values {} ('value', round({}))".format, st.sampled_from(GROUPINGS), inner),
        st.builds("({}) {} {} ({})".format, inner, vector_operators, st.sampled_from(JOINS), inner),
        st.builds("({}) {} {}".format, inner, scalar_operators, NUMBERS),
        st.builds("{} {} ({})".format, NUMBERS, scalar_operators, inner),
        st.builds("histogram_quantile({}, {})".format, SHARES, inner),
        st.builds("clamp_min({}, {})".format, inner, NUMBERS),
        st.builds("clamp_max({}, {})".format, inner, NUMBERS),
        st.builds("clamp({}, {}, {})".format, inner, NUMBERS, NUMBERS),
        st.builds("round({}, {})".format, inner, st.sampled_from(["0.25", "5", "time() / 1e9"])),
        st.builds("label_replace({}, 'room', '$1-$0', 'job', '(.).*')".format, inner),
        st.builds("label_join({}, 'joined', '/', 'job', 'room', 'missing')".format, inner),
        st.builds("scalar({}) * ({})".format, inner, inner),
        st.builds("{}(({})[{}:{}]{})".format, st.sampled_from(over_subqueries), inner, INNER_RANGES, STEPS, OFFSETS),
    )


def expressions(major: int) -> st.SearchStrategy[str]:
    """Return expressions that a Prometheus of a version understands."""
    return st.recursive(leaves(major), partial(deeper, major), max_leaves=4)
