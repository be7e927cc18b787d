"""Incidents begin at once and end by themselves."""

from __future__ import annotations

from simulators.incidents import IncidentKind, Incidents


def test_an_incident_runs_until_its_end_and_no_longer() -> None:
    incidents = Incidents()
    assert incidents.start(IncidentKind.ERRORS, 1000, 5000) == 6000
    assert incidents.active(1000) == incidents.active(5999) == {IncidentKind.ERRORS}
    assert incidents.active(6000) == frozenset()
    assert incidents.left(4000) == {IncidentKind.ERRORS: 2000}
    assert incidents.left(6000) == {}


def test_incidents_run_side_by_side_and_a_second_start_moves_the_end() -> None:
    incidents = Incidents()
    incidents.start(IncidentKind.ERRORS, 0, 10_000)
    incidents.start(IncidentKind.LATENCY, 0, 5000)
    incidents.start(IncidentKind.ERRORS, 1000, 1000)
    assert incidents.active(1500) == {IncidentKind.ERRORS, IncidentKind.LATENCY}
    assert incidents.active(3000) == {IncidentKind.LATENCY}
