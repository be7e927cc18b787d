"""The parameter ``stats`` of queries is understood and answered as Prometheus does."""

import pytest
from flask.testing import FlaskClient

SECONDS = 1_700_000_000
TIMINGS = {
    "evalTotalTime",
    "resultSortTime",
    "queryPreparationTime",
    "innerEvalTime",
    "execQueueTime",
    "execTotalTime",
}


def test_a_query_says_what_it_has_cost(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/query?query=sum_over_time(queue[1m])&time={SECONDS}&stats=true").json
    assert list(answer["data"]) == ["resultType", "result", "stats"]
    assert answer["data"]["stats"]["samples"] == {"totalQueryableSamples": 4, "peakSamples": 4}
    timings = answer["data"]["stats"]["timings"]
    assert set(timings) == TIMINGS
    assert timings["execTotalTime"] >= timings["evalTotalTime"] > timings["innerEvalTime"] > 0
    assert "warnings" not in answer


def test_the_samples_of_each_step_can_be_asked_for(client: FlaskClient) -> None:
    answer = client.post(
        "/api/v1/query_range",
        data={"query": "queue", "start": f"{SECONDS - 7.5}", "end": f"{SECONDS}", "step": "7.5", "stats": "all"},
    )
    samples = answer.json["data"]["stats"]["samples"]
    assert samples["totalQueryableSamplesPerStep"] == [[SECONDS - 7.5, 1], [SECONDS, 1]]
    assert samples["totalQueryableSamples"] == 2
    assert f"[[{SECONDS - 8}.5,1],[{SECONDS},1]]" in answer.text


@pytest.mark.parametrize("text", ["false", "1", 'a"b'])
def test_any_other_value_is_taken_for_true_with_a_warning(client: FlaskClient, text: str) -> None:
    answer = client.get("/api/v1/query", query_string={"query": "nothing", "stats": text}).json
    assert answer["data"]["stats"]["samples"] == {"totalQueryableSamples": 0, "peakSamples": 0}
    shown = text.replace('"', '\\"')
    assert answer["warnings"] == [
        f'value "{shown}" for parameter "stats" is deprecated and will be rejected in the next major release, '
        'use "true" or "all"'
    ]


def test_an_empty_one_asks_for_nothing(client: FlaskClient) -> None:
    answer = client.get("/api/v1/query?query=queue&stats=").json
    assert set(answer["data"]) == {"resultType", "result"}
