"""The API answers as Prometheus does: same envelope, same shapes, same errors."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from dashboard.database import DatabaseError
from dashboard.web import Parts, create_app

QUEUE = {"__name__": "queue", "job": "api"}
SECONDS = 1_700_000_000
NOW = SECONDS * 1000


def ask(client: FlaskClient, route: str, **parameters: object) -> Any:
    answer = client.get(f"/api/v1/{route}?{urlencode(parameters, doseq=True)}")
    assert answer.status_code == 200, answer.text
    assert (answer.mimetype, answer.json["status"]) == ("application/json", "success")
    return answer.json["data"]


def test_an_instant_query_gives_a_vector_at_its_time(client: FlaskClient) -> None:
    data = ask(client, "query", query="queue", time=SECONDS)
    assert data == {"resultType": "vector", "result": [{"metric": QUEUE, "value": [SECONDS, "10"]}]}


def test_a_query_without_time_is_asked_at_the_present(client: FlaskClient, clock: Any) -> None:
    clock.now = NOW - 300_000
    assert ask(client, "query", query="queue")["result"][0]["value"] == [SECONDS - 300, "5"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1e21", {"resultType": "scalar", "result": [SECONDS, "1000000000000000000000"]}),
        ("0/0", {"resultType": "scalar", "result": [SECONDS, "NaN"]}),
        ("-1/0", {"resultType": "scalar", "result": [SECONDS, "-Inf"]}),
        ('"a\\"b"', {"resultType": "string", "result": [SECONDS, 'a"b']}),
        ("vector(1e21)", {"resultType": "vector", "result": [{"metric": {}, "value": [SECONDS, "1e+21"]}]}),
        ("nothing", {"resultType": "vector", "result": []}),
        (
            "queue[30s]",
            {
                "resultType": "matrix",
                "result": [{"metric": QUEUE, "values": [[SECONDS - 15, "9.75"], [SECONDS, "10"]]}],
            },
        ),
    ],
)
def test_every_type_of_value_has_its_shape(client: FlaskClient, query: str, expected: object) -> None:
    assert ask(client, "query", query=query, time=SECONDS) == expected


def test_a_time_with_milliseconds_has_three_decimals(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/query?query=queue&time={SECONDS}.12")
    assert b'"value":[1700000000.120,"10"]' in answer.data


def test_hostile_label_values_come_back_as_they_are(client: FlaskClient) -> None:
    (found,) = ask(client, "query", query='requests_total{job="api"}', time=SECONDS)["result"]
    assert found["metric"]["path"] == 'a"b\\c\n'


def test_a_range_query_gives_a_matrix(client: FlaskClient) -> None:
    data = ask(client, "query_range", query="queue", start=SECONDS - 30, end=SECONDS, step="15s")
    values = [[SECONDS - 30, "9.5"], [SECONDS - 15, "9.75"], [SECONDS, "10"]]
    assert data == {"resultType": "matrix", "result": [{"metric": QUEUE, "values": values}]}


def test_a_range_query_leaves_out_the_steps_without_samples(client: FlaskClient) -> None:
    data = ask(client, "query_range", query="queue > 9.6", start=SECONDS - 30, end=SECONDS, step=15)
    assert data["result"][0]["values"] == [[SECONDS - 15, "9.75"], [SECONDS, "10"]]


def test_a_form_is_read_as_the_address_is(client: FlaskClient) -> None:
    form = {"query": "queue", "start": str(SECONDS), "end": str(SECONDS), "step": "1"}
    answer = client.post("/api/v1/query_range", data=form)
    assert answer.json["data"]["result"] == [{"metric": QUEUE, "values": [[SECONDS, "10"]]}]


@pytest.mark.parametrize("route", ["query", "query_range"])
def test_a_limit_cuts_series_off_with_a_warning(client: FlaskClient, route: str) -> None:
    parameters = {"query": "requests_total", "start": SECONDS, "end": SECONDS, "step": 1, "time": SECONDS}
    cut = client.get(f"/api/v1/{route}?{urlencode(parameters | {'limit': 1})}").json
    whole = client.get(f"/api/v1/{route}?{urlencode(parameters | {'limit': 2})}").json
    assert (len(cut["data"]["result"]), cut["warnings"]) == (1, ["results truncated due to limit"])
    assert (len(whole["data"]["result"]), "warnings" in whole) == (2, False)


def test_the_lookback_of_a_query_can_be_chosen(client: FlaskClient) -> None:
    late = SECONDS + 60
    assert ask(client, "query", query="queue", time=late)["result"]
    assert not ask(client, "query", query="queue", time=late, lookback_delta="30s")["result"]


def test_a_query_that_takes_longer_than_its_timeout_is_told_so(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/query?query=max_over_time(queue[10m:1ms])&time={SECONDS}&timeout=0")
    assert (answer.status_code, answer.json["errorType"]) == (503, "timeout")


# Codes and words are those of Prometheus for the same requests.
BAD_REQUESTS = [
    (
        "query",
        400,
        "bad_data",
        'invalid parameter "query": unknown position: parse error: no expression found in input',
    ),
    ("query?query=up{", 400, "bad_data", 'invalid parameter "query": 1:4: parse error: unexpected end of input'),
    ("query?query=1&time=x", 400, "bad_data", 'invalid parameter "time"'),
    ("query?query=1&time=1e30", 400, "bad_data", 'invalid parameter "time"'),
    ("query?query=up&timeout=x", 400, "bad_data", 'invalid parameter "timeout": cannot parse "x" to a valid duration'),
    ("query?query=up&lookback_delta=x", 400, "bad_data", 'invalid parameter "lookback_delta"'),
    ("query?query=up&limit=x", 400, "bad_data", 'invalid parameter "limit"'),
    ("query_range?query=up", 400, "bad_data", 'invalid parameter "start": cannot parse "" to a valid timestamp'),
    ("query_range?query=up&start=1&end=0&step=1", 400, "bad_data", "end timestamp must not be before start time"),
    ("query_range?query=up&start=1&end=2&step=0", 400, "bad_data", "zero or negative query resolution step widths"),
    ("query_range?query=up&start=1&end=2&step=-1", 400, "bad_data", "zero or negative query resolution step widths"),
    ("query_range?query=up&start=1&end=2&step=0.0001", 400, "bad_data", "zero or negative query resolution"),
    ("query_range?query=up&start=1&end=200000&step=1", 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
    ("query_range?query=up[5m]&start=1&end=2&step=1", 400, "bad_data", 'invalid expression type "range vector"'),
    ("query_range?query=up{&start=1&end=2&step=1", 400, "bad_data", 'invalid parameter "query"'),
    ("query?query=requests_total%2Bon()queue&time=1700000000", 422, "execution", "many"),
    ("series", 400, "bad_data", "no match[] parameter provided"),
    ("series?match[]=up{", 400, "bad_data", 'invalid parameter "match[]": 1:4: parse error'),
    ("series?match[]={}", 400, "bad_data", 'invalid parameter "match[]"'),
    ("series?match[]=up%20offset%205m", 400, "bad_data", "is not a series selector"),
    ("series?match[]=up&start=x", 400, "bad_data", 'invalid parameter "start"'),
    ("labels?match[]=rate(up[1m])", 400, "bad_data", "is not a series selector"),
    ("labels?limit=-1", 400, "bad_data", "limit must be non-negative"),
    ("label/job/values?match[]=1", 400, "bad_data", "is not a series selector"),
    ("label/U__/values", 400, "bad_data", 'invalid label name: "U__"'),
    ("rules?type=x", 400, "bad_data", 'invalid parameter "type": not supported value "x"'),
    ("rules?exclude_alerts=x", 400, "bad_data", 'invalid parameter "exclude_alerts"'),
    ("rules?group_next_token=x", 400, "bad_data", 'invalid parameter "group_limit"'),
    ("rules?group_limit=1&group_next_token=x", 400, "bad_data", 'invalid parameter "group_next_token"'),
    ("metadata?limit=x", 400, "bad_data", "limit must be a number"),
    ("targets/metadata?limit=x", 400, "bad_data", "limit must be a number"),
    ("targets/metadata?match_target={", 400, "bad_data", 'invalid parameter "match_target"'),
    ("query_exemplars", 400, "bad_data", "no expression found in input"),
    ("query_exemplars?query=up&start=4&end=2", 400, "bad_data", "end timestamp must not be before start timestamp"),
    ("nope", 404, "not_found", "Not Found"),
]


@pytest.mark.parametrize(("request_line", "code", "kind", "message"), BAD_REQUESTS)
def test_a_bad_request_is_told_why(client: FlaskClient, request_line: str, code: int, kind: str, message: str) -> None:
    answer = client.get(f"/api/v1/{request_line}")
    assert (answer.status_code, answer.json["status"], answer.json["errorType"]) == (code, "error", kind)
    assert message in answer.json["error"]
    assert "data" not in answer.json


@pytest.mark.parametrize(("method", "route"), [("PUT", "query"), ("POST", "rules"), ("POST", "label/job/values")])
def test_a_wrong_method_is_refused_in_the_envelope(client: FlaskClient, method: str, route: str) -> None:
    answer = client.open(f"/api/v1/{route}", method=method)
    assert (answer.status_code, answer.json["status"]) == (405, "error")


def test_a_form_from_another_origin_is_refused_although_it_only_asks(client: FlaskClient) -> None:
    answer = client.post("/api/v1/query", data={"query": "1"}, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403


def test_series_are_listed_by_their_matchers(client: FlaskClient) -> None:
    assert ask(client, "series", **{"match[]": "queue"}) == [QUEUE]
    found = ask(client, "series", **{"match[]": ["queue", 'requests_total{job="web"}', "queue"]})
    assert sorted(labels["__name__"] for labels in found) == ["queue", "requests_total"]
    assert ask(client, "series", **{"match[]": "queue", "start": 5, "end": 10}) == []


def test_label_names_and_values_are_sorted(client: FlaskClient) -> None:
    assert ask(client, "labels") == ["__name__", "http.status", "job", "path"]
    assert ask(client, "labels", **{"match[]": "queue"}) == ["__name__", "job"]
    assert ask(client, "label/__name__/values") == ["queue", "requests_total"]
    assert ask(client, "label/job/values", **{"match[]": "queue"}) == ["api"]
    assert ask(client, "label/nope/values") == []


def test_an_escaped_label_name_is_understood(client: FlaskClient) -> None:
    assert ask(client, "label/U__http_2e_status/values") == ["200"]
    assert ask(client, "label/http.status/values") == ["200"]


def test_a_list_is_cut_at_its_limit_with_a_warning(client: FlaskClient) -> None:
    answer = client.get("/api/v1/label/job/values?limit=1").json
    assert (answer["data"], answer["warnings"]) == (["api"], ["results truncated due to limit"])


def test_exemplars_are_an_empty_list(client: FlaskClient) -> None:
    assert ask(client, "query_exemplars", query="queue", start=1, end=2) == []


def test_the_targets_have_prometheus_fields(client: FlaskClient, parts: Parts, target: str) -> None:
    scrape_all(parts)
    active = {entry["scrapePool"]: entry for entry in ask(client, "targets")["activeTargets"]}
    shop, gone = active["shop"], active["gone"]
    assert list(shop) == [
        *("discoveredLabels", "labels", "scrapePool", "scrapeUrl", "globalUrl", "lastError", "lastScrape"),
        *("lastScrapeDuration", "health", "scrapeInterval", "scrapeTimeout"),
    ]
    assert shop["labels"] == {"instance": target, "job": "shop", "zone": "a"}
    assert shop["discoveredLabels"]["__address__"] == target
    assert (shop["scrapeUrl"], shop["health"], shop["lastError"]) == (f"http://{target}/metrics", "up", "")
    assert (shop["scrapeInterval"], shop["scrapeTimeout"]) == ("1m", "10s")
    assert shop["lastScrape"] == "2023-11-14T22:13:20Z"
    assert gone["health"] == "down"
    assert gone["lastError"]


def test_metadata_is_told_by_metric_and_by_target(client: FlaskClient, parts: Parts) -> None:
    scrape_all(parts)
    entry = {"type": "gauge", "help": "Jobs that wait.", "unit": ""}
    assert ask(client, "metadata") == {"queue": [entry]}
    assert ask(client, "metadata", metric="queue") == {"queue": [entry]}
    assert ask(client, "metadata", metric="nope") == {}
    assert ask(client, "metadata", limit=0) == {}
    (found,) = ask(client, "targets/metadata", match_target='{job="shop"}')
    assert (found["target"]["job"], found["metric"], found["type"]) == ("shop", "queue", "gauge")
    (found,) = ask(client, "targets/metadata", metric="queue")
    assert "metric" not in found
    assert ask(client, "targets/metadata", match_target='{job="gone"}') == []
    assert ask(client, "targets/metadata", limit=1, metric="nope") == []


def test_the_rules_have_prometheus_fields(client: FlaskClient, parts: Parts) -> None:
    evaluate(parts, NOW)
    evaluate(parts, NOW + 60_000)
    shop, calm = ask(client, "rules")["groups"]
    recording, alerting = shop["rules"]
    assert (shop["name"], shop["interval"], shop["limit"], calm["interval"]) == ("shop", 30, 10, 60)
    assert shop["file"].endswith("rules.yml")
    assert shop["lastEvaluation"] == "2023-11-14T22:14:20Z"
    assert {"evaluationTime", "lastEvaluation"} <= set(shop)
    assert recording["type"] == "recording"
    assert (recording["name"], recording["labels"], recording["health"]) == (
        "job:requests:rate1m",
        {"team": "shop"},
        "ok",
    )
    assert (alerting["type"], alerting["state"], alerting["query"]) == ("alerting", "firing", "queue > 5")
    assert (alerting["duration"], alerting["keepFiringFor"]) == (60, 120)
    assert alerting["annotations"] == {"summary": "{{ $value }} jobs wait"}
    assert alerting["alerts"] == [
        {
            "labels": {"alertname": "QueueLong", "job": "api", "severity": "page"},
            "annotations": {"summary": "10 jobs wait"},
            "state": "firing",
            "activeAt": "2023-11-14T22:13:20Z",
            "value": "1e+01",
        }
    ]
    assert ask(client, "alerts") == {"alerts": alerting["alerts"]}


def test_rules_that_were_never_evaluated_say_so(client: FlaskClient) -> None:
    rule = ask(client, "rules")["groups"][0]["rules"][1]
    assert (rule["health"], rule["state"], rule["alerts"]) == ("unknown", "inactive", [])
    assert rule["lastEvaluation"] == "0001-01-01T00:00:00Z"
    assert ask(client, "alerts") == {"alerts": []}


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["job:requests:rate1m", "QueueLong", "Never"]),
        ({"type": "alert"}, ["QueueLong", "Never"]),
        ({"type": "record"}, ["job:requests:rate1m"]),
        ({"rule_name[]": ["Never", "QueueLong"]}, ["QueueLong", "Never"]),
        ({"rule_group[]": "calm"}, ["Never"]),
        ({"rule_group[]": "calm", "rule_name[]": "QueueLong"}, []),
        ({"file[]": "/nowhere"}, []),
        ({"match[]": '{severity="page"}'}, ["QueueLong"]),
        ({"match[]": ['{severity="page"}', '{team="shop"}']}, ["job:requests:rate1m", "QueueLong"]),
    ],
)
def test_rules_are_filtered(client: FlaskClient, parameters: dict[str, object], names: list[str]) -> None:
    groups = ask(client, "rules", **parameters)["groups"]
    assert [rule["name"] for group in groups for rule in group["rules"]] == names
    assert all(group["rules"] for group in groups)


def test_rules_can_be_asked_for_without_their_alerts(client: FlaskClient, parts: Parts) -> None:
    evaluate(parts, NOW)
    assert ask(client, "rules", type="alert")["groups"][0]["rules"][0]["alerts"]
    assert not ask(client, "rules", type="alert", exclude_alerts="true")["groups"][0]["rules"][0]["alerts"]


def test_groups_come_in_pages(client: FlaskClient) -> None:
    first = ask(client, "rules", group_limit=1)
    second = ask(client, "rules", group_limit=1, group_next_token=first["groupNextToken"])
    assert [group["name"] for page in (first, second) for group in page["groups"]] == ["shop", "calm"]
    assert "groupNextToken" not in second


def test_the_build_info_has_no_features_since_grafana_would_take_us_for_mimir(client: FlaskClient) -> None:
    data = ask(client, "status/buildinfo")
    assert sorted(data) == ["branch", "buildDate", "buildUser", "goVersion", "revision", "version"]
    assert data["version"].startswith("3.")


def test_grafanas_test_of_a_data_source_passes(client: FlaskClient) -> None:
    headers = {"X-Grafana-Org-Id": "1", "X-Dashboard-Uid": "x", "X-Datasource-Uid": "y"}
    answer = client.post("/api/v1/query", data={"query": "1+1", "time": "4"}, headers=headers)
    assert answer.json["data"] == {"resultType": "scalar", "result": [4, "2"]}


def test_nothing_is_answered_before_the_store_is_open(parts: Parts) -> None:
    client = create_app(replace(parts, ready=lambda: False)).test_client()
    answer = client.get("/api/v1/query?query=1")
    assert (answer.status_code, answer.json["errorType"]) == (503, "unavailable")


def test_a_failure_of_the_store_is_internal_and_shows_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError("the secret of the house")

    monkeypatch.setattr(parts.storage, "label_names", fail)
    answer = create_app(parts).test_client().get("/api/v1/labels")
    assert (answer.status_code, answer.json["status"], answer.json["errorType"]) == (500, "error", "internal")
    assert "secret" not in answer.text
    assert "the secret of the house" in caplog.text


ROUTES = st.sampled_from(["query", "query_range", "series", "labels", "label/x/values", "rules", "metadata", "targets"])
NAMES = st.sampled_from(
    ["query", "time", "start", "end", "step", "timeout", "limit", "lookback_delta", "match[]", "type", "group_limit"]
)
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        *("queue", "queue[1d:1m]", "queue offset 292y", "queue @ 1e15", '{__name__=~".*e"}'),
        *("1", "-1", "0", "1e18", "1700000000", "9007199254740", "-9007199254740", "1y"),
    ]
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=ROUTES, parameters=st.lists(st.tuples(NAMES, TEXTS), max_size=6))
def test_no_input_makes_the_server_fail(client: FlaskClient, route: str, parameters: list[tuple[str, str]]) -> None:
    answer = client.post(f"/api/v1/{route}", data=MultiDict(parameters))
    if answer.status_code == 405:
        answer = client.get(f"/api/v1/{route}", query_string=MultiDict(parameters))
    assert answer.status_code in (200, 400, 422) or answer.json["errorType"] == "timeout", answer.text
    assert answer.json["status"] == ("success" if answer.status_code == 200 else "error")


def test_a_large_answer_is_compressed(client: FlaskClient) -> None:
    answer = client.get(
        f"/api/v1/query_range?query=queue&start={SECONDS - 600}&end={SECONDS}&step=1",
        headers={"Accept-Encoding": "gzip"},
    )
    assert answer.content_encoding == "gzip"
    assert len(answer.data) < 4000


def scrape_all(parts: Parts) -> None:
    for target in parts.scrape.targets():
        parts.scrape.scrape_now(target.id)


def evaluate(parts: Parts, time: int) -> None:
    for group in parts.rules.groups():
        parts.rules.evaluate_group(parts.rules.group(group.file, group.name), time)


def test_every_answer_is_json_that_a_strict_reader_takes(client: FlaskClient) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    answer = client.get("/api/v1/query?query=queue/0")
    assert json.loads(answer.data, parse_constant=refuse)["data"]["result"][0]["value"][1] == "+Inf"
