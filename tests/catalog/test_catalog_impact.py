"""What a change touches among what others have: every usable permit of a changed release, and nothing of another."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from catalog.access import Actor, Event, EventKind, Role, apply_event, draft
from catalog.impact import Given, given_impact
from catalog.store import CatalogStore, ExtractEntry
from policies.decision.verdict import Decision, Reason, Verdict
from policies.impact_page import page_of_impact
from policies.model.strictness import Text
from policies.pages import as_text

DAY = date(2026, 12, 1)
_WORDS = Text(ja="可", en="fits")
ADMITTED = Decision((Reason("x", Verdict.ADMIT, _WORDS, "APPI-07", _WORDS),))
NAME = "admissions-microdata"


@pytest.fixture
def store(tmp_path: Path, build: Any, recipient: Any) -> Iterator[CatalogStore]:
    """Two published releases; of the first a permit with an extract, an open request, and nothing of the second."""
    store = CatalogStore.open(tmp_path / "catalog.sqlite")
    store.publish(build.record("microdata"))
    store.publish(build.record("small_cells"))
    submit = Event(EventKind.SUBMIT, Actor("r-hayashi", frozenset({Role.RESEARCHER})), DAY)
    approve = Event(EventKind.APPROVE, Actor("c-abe", frozenset({Role.COMPLIANCE})), DAY, "fine")
    first = apply_event(draft("request-1", build.form(recipient.text)), submit)
    store.save_request(apply_event(first, approve, decision=ADMITTED))
    store.save_request(apply_event(draft("request-2", build.form(recipient.text)), submit))
    store.add_extract(ExtractEntry("permit-1", "sha256:" + "c" * 64, DAY, 3))
    yield store
    store.close()


def found(store: CatalogStore, library: Any, *names: str, on: date = DAY) -> dict[str, Given]:
    return {each.kind: each for each in given_impact(store, library, names, on=on)}


def english(given: Given) -> str:
    return " ".join(effect.en for effect in given.effects)


def test_record_request_permit_and_extract_are_named(store: CatalogStore, build: Any) -> None:
    given = found(store, build.library(), NAME)
    assert sorted(given) == ["extract", "permit", "record", "request"]
    assert given["record"].id == f"{NAME} 1.0.0"
    assert given["request"].id == "request-2"
    assert given["permit"].id == "permit-1"
    assert given["extract"].id == "permit-1 2026-12-01"
    assert "raise `version`" in english(given["record"])
    assert "tell its holder (北辰大学)" in english(given["permit"])
    assert "make it anew" in english(given["extract"])


def test_another_release_is_not_touched(store: CatalogStore, build: Any) -> None:
    given = given_impact(store, build.library(), ["admissions-small-cells"], on=DAY)
    assert [(each.kind, each.release) for each in given] == [("record", "admissions-small-cells")]
    assert given_impact(store, build.library(), [], on=DAY) == ()


def test_a_raised_version_waits_to_be_published(store: CatalogStore, build: Any) -> None:
    library = build.library(build.release(version="1.1.0"))
    assert "stays current until version 1.1.0" in english(found(store, library, NAME)["record"])


def test_a_recipient_who_goes_loses_the_permit(store: CatalogStore, build: Any) -> None:
    made = build.release()
    library = build.library(made.model_copy(update={"recipients": made.recipients[1:]}))
    assert "revoke the permit" in english(found(store, library, NAME)["permit"])
    assert "revoke" not in english(found(store, build.library(), NAME)["permit"])


def test_a_new_prohibition_is_missing_in_the_permit(store: CatalogStore, build: Any, tmp_path: Path) -> None:
    assert "Issue it anew" not in english(found(store, build.library(), NAME)["permit"])
    permit = store.permit("permit-1")
    assert permit is not None

    class Older:
        """The same store, whose permit was given when marketing was not yet prohibited."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def permits(self, **words: Any) -> tuple[Any, ...]:
            return tuple(replace(each, prohibited_uses=each.prohibited_uses[:1]) for each in store.permits(**words))

    given = found(Older(), build.library(), NAME)  # type: ignore[arg-type]
    assert "Issue it anew" in english(given["permit"])


def test_a_release_that_goes_leaves_a_decision(store: CatalogStore, build: Any) -> None:
    library = replace(build.library(), releases={})
    given = found(store, library, NAME)
    assert "decide whether to revoke it" in english(given["permit"])
    assert "stays in the catalog" in english(given["record"])


def test_a_permit_that_is_over_is_not_touched(store: CatalogStore, build: Any) -> None:
    assert "permit" not in found(store, build.library(), NAME, on=date(2027, 12, 1))


def test_no_person_is_named(store: CatalogStore, build: Any) -> None:
    text = as_text(page_of_impact((), tuple(given_impact(store, build.library(), [NAME], on=DAY)), language="en"))
    bodies = [str(each.as_json()) for each in given_impact(store, build.library(), [NAME], on=DAY)]
    for person in ("r-hayashi", "r-mori", "c-abe"):
        assert person not in text
        assert not any(person in body for body in bodies)
