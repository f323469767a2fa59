"""What a policy rests on for a time: every date field is known as a first day, a last day, or neither."""

import importlib
import pkgutil
import typing
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

import policies.model
from policies.lapses import FIRST_DAYS, LAST_DAYS, NEITHER, Term, terms_of
from policies.library import PolicyKind
from policies.load import PACKAGED, load_library
from policies.model.certification import Certification
from policies.model.release import ReleasePolicy
from policies.model.strictness import PolicyModel, Text
from policies.vocabulary import CertificationKind

ON = date(2026, 12, 15)


def models() -> Iterator[type[PolicyModel]]:
    """Give every model of a policy file."""
    for module in pkgutil.iter_modules(policies.model.__path__):
        importlib.import_module(f"policies.model.{module.name}")
    todo = [PolicyModel]
    while todo:
        found = todo.pop().__subclasses__()
        todo += found
        yield from (model for model in found if model.__module__.startswith("policies.model."))


def is_a_date(annotation: object) -> bool:
    return annotation is date or any(is_a_date(part) for part in typing.get_args(annotation))


def date_fields() -> set[str]:
    return {name for model in models() for name, field in model.model_fields.items() if is_a_date(field.annotation)}


def test_every_date_field_of_a_policy_is_a_first_day_a_last_day_or_neither() -> None:
    assert sorted(date_fields() - FIRST_DAYS - LAST_DAYS - NEITHER) == []


def test_no_name_is_listed_that_no_policy_has_or_twice() -> None:
    assert sorted((FIRST_DAYS | LAST_DAYS | NEITHER) - date_fields()) == []
    assert len(FIRST_DAYS) + len(LAST_DAYS) + len(NEITHER) == len(FIRST_DAYS | LAST_DAYS | NEITHER)


def test_last_day_counts_and_the_day_after_does_not() -> None:
    term = Term(Text(ja="期間", en="term"), "x", ON, ON)
    assert (term.is_begun(ON), term.is_over(ON)) == (True, False)
    assert not term.is_begun(ON - timedelta(days=1))
    assert term.is_over(ON + timedelta(days=1))


@pytest.fixture(scope="module")
def shipped() -> ReleasePolicy:
    return load_library(PACKAGED).release("cohort-controlled")


def test_shipped_release_rests_on_its_review_its_ethics_approval_and_its_packs() -> None:
    found = {term.where: term for term in terms_of(load_library(PACKAGED), PolicyKind.RELEASE, "cohort-controlled")}
    assert found["ethics.expires_on"].what.en == "ethics approval"
    assert found["review_due"].what.ja == "見直し期限"
    assert any(where.startswith("rule_packs.house@") for where in found)
    assert [term.to_on for term in found.values() if term.to_on] == sorted(
        term.to_on for term in found.values() if term.to_on
    )


def test_certification_deep_inside_a_policy_is_found(tmp_path: Path) -> None:
    from dataclasses import replace

    library = load_library(PACKAGED)
    release = library.release("cohort-controlled")
    field = next(
        name for name, one in type(release.recipients[0]).model_fields.items() if "Certification" in str(one.annotation)
    )
    held = Certification(
        id="NINTEI-7", kind=next(iter(CertificationKind)), valid_from=ON, valid_to=ON + timedelta(days=30)
    )
    is_many = "tuple" in str(type(release.recipients[0]).model_fields[field].annotation)
    recipient = release.recipients[0].model_copy(update={field: (held,) if is_many else held})
    changed = release.model_copy(update={"recipients": (recipient,)})
    library = replace(library, releases={**library.releases, release.id: changed})
    first = terms_of(library, PolicyKind.RELEASE, release.id)[0]
    assert (first.what.en, first.from_on, first.to_on) == ("certification", ON, ON + timedelta(days=30))
    assert recipient.id in first.where
