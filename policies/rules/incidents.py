"""Rules on leaks: somebody answers for them, and no clock has run out (APPI-16, NGMI-14)."""

from collections.abc import Iterator
from datetime import date, timedelta

from policies.model.incident import Incident
from policies.places import Key
from policies.rules.view import DatasetView, Parameters, Problem, number

_DESK = ("incident_desk",)


def leaks_are_reported(view: DatasetView, parameters: Parameters) -> Iterator[Problem]:
    """APPI-16, NGMI-14: there is a desk, and each leak is reported within its days; a malicious one has longer.

    `every_leak` says whether any leak is reportable (NGMI), or only those of Rules 7 of the APPI.
    """
    desk = view.dataset.incident_desk
    if desk is None:
        what = "nobody is named who answers when data leak"
        yield Problem(what, "write `incident_desk` with its officer and its plan", _DESK)
        return
    for index, incident in enumerate(desk.incidents):
        if incident.is_reportable or parameters.get("every_leak") is True:
            yield from _clocks(incident, parameters, view.on, (*_DESK, "incidents", index))


def _clocks(incident: Incident, parameters: Parameters, on: date, keys: tuple[Key, ...]) -> Iterator[Problem]:
    final_days = number(parameters, "final_report_days_malicious" if incident.malicious else "final_report_days")
    clocks = (
        ("first", "first_report_on", incident.first_report_on, number(parameters, "first_report_days")),
        ("final", "final_report_on", incident.final_report_on, final_days),
    )
    for name, field, reported_on, days in clocks:
        due_on = incident.noticed_on + timedelta(days=days)
        if (reported_on or on) > due_on:
            state = "came late" if reported_on else "is missing"
            what = f"the {name} report of {incident.id} was due on {due_on.isoformat()} and {state}"
            yield Problem(
                what, "report, and let the compliance officer decide about releases meanwhile", (*keys, field)
            )
    if incident.final_report_on is not None and incident.people_told_on is None:
        what = f"{incident.id} is closed, and nobody says that the people were told (本人への通知)"
        yield Problem(what, "write `people_told_on`", (*keys, "people_told_on"))
