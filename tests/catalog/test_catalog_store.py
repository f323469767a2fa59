from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.access import Actor, Event, EventKind, Role, State, apply_event, draft
from catalog.search import Facet, fold, needles, tokens
from catalog.store import CatalogStore, ExtractEntry, SearchQuery, require_record
from policies.decision.verdict import Decision, Reason, Verdict
from policies.errors import DataError, IntegrityError, NotPermittedError, UsageError
from policies.model.strictness import Text

DAY = date(2026, 12, 1)
_WORDS = Text(ja="可", en="fits")
ADMITTED = Decision((Reason("x", Verdict.ADMIT, _WORDS, "APPI-07", _WORDS),))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CatalogStore]:
    store = CatalogStore.open(tmp_path / "catalog.sqlite")
    yield store
    store.close()


@pytest.fixture
def full(store: CatalogStore, build: Any) -> CatalogStore:
    for kind in build.METHODS:
        store.publish(build.record(kind))
    return store


def test_file_that_is_no_database_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"taro yamada, 1980-01-01\n" * 500)
    with pytest.raises(IntegrityError) as caught:
        CatalogStore.open(path)
    assert (caught.value.code, caught.value.where.file) == ("store.damaged", str(path))
    assert "yamada" not in str(caught.value)


def _ids(store: CatalogStore, words: str = "", variable: str = "", **facets: tuple[str, ...]) -> set[str]:
    chosen = {Facet(name): values for name, values in facets.items()}
    result = store.search(SearchQuery(words=words, variable=variable, facets=chosen))
    assert result.total == len(result.records)
    return {record.id.removeprefix("admissions-") for record in result.records}


EVERY = {"microdata", "dp-statistics", "small-cells", "allele-frequencies", "controlled-rows"}


def test_no_words_find_everything(full: CatalogStore) -> None:
    assert _ids(full) == EVERY
    assert _ids(full, "  、 ") == EVERY


def test_japanese_words_are_found_inside_sentences(full: CatalogStore) -> None:
    assert _ids(full, "糖尿病") == EVERY
    assert _ids(full, "尿") == EVERY
    assert _ids(full, "糖尿病性") == set()


def test_pairs_that_do_not_stand_together_do_not_match(store: CatalogStore, build: Any) -> None:
    from policies.model.strictness import Text

    # 医科 and 科学 both occur, 医科学 does not.
    store.publish(build.record().model_copy(update={"description": Text(ja="医科と科学", en="x")}))
    assert _ids(store, "医科") == {"microdata"}
    assert _ids(store, "科学") == {"microdata"}
    assert _ids(store, "医科学") == set()


def test_all_words_must_match(full: CatalogStore) -> None:
    assert _ids(full, "糖尿病 入院") == EVERY
    assert _ids(full, "糖尿病 アレル頻度") == {"allele-frequencies"}
    assert _ids(full, "糖尿病 存在しない") == set()


def test_width_and_case_do_not_matter(full: CatalogStore) -> None:
    assert _ids(full, "ＤＩＡＢＥＴＥＳ") == _ids(full, "diabetes") == _ids(full, "diab") == EVERY
    assert _ids(full, "betes") == set()


def test_variables_are_found_by_name_and_by_label_in_both_languages(full: CatalogStore) -> None:
    rows = {"microdata", "controlled-rows"}
    assert _ids(full, variable="HbA1c") == _ids(full, variable="糖化ヘモグロビン") == rows
    assert _ids(full, variable="diagnosis") == rows | {"small-cells"}
    assert _ids(full, variable="糖尿病") == set()
    assert _ids(full, "糖尿病", variable="hba1c") == rows


def test_values_of_a_facet_are_or_and_facets_are_and(full: CatalogStore) -> None:
    assert _ids(full, method=("microdata", "small_cells")) == {"microdata", "small-cells"}
    assert _ids(full, method=("microdata", "small_cells"), category=("statistics",)) == {"small-cells"}
    assert _ids(full, "アレル", health=("GENETIC",)) == {"allele-frequencies"}


def test_facet_counts_ignore_their_own_choice(full: CatalogStore) -> None:
    chosen = {Facet.METHOD: ("microdata",), Facet.OUTPUT_CATEGORY: ("statistics", "anonymized_appi")}
    result = full.search(SearchQuery(facets=chosen))
    counts = {value.value: value.count for value in result.facets[Facet.METHOD]}
    assert counts == {"microdata": 1, "dp_statistics": 1, "small_cells": 1, "allele_frequencies": 1}
    assert {value.value: value.count for value in result.facets[Facet.OUTPUT_CATEGORY]} == {
        "anonymized_appi": 1,
        "statistics": 0,
    }
    assert [value.value for value in result.facets[Facet.METHOD] if value.is_chosen] == ["microdata"]


def test_special_characters_are_only_characters(full: CatalogStore) -> None:
    for words in ("%", "_", "' OR 1=1 --", "\\", '"', "100%"):
        assert _ids(full, words) in (EVERY, set())
    assert _ids(full, "0%") == set()


def test_pages(store: CatalogStore, build: Any) -> None:
    for number in range(23):
        store.publish(build.record().model_copy(update={"id": f"r-{number:02}"}))
    first, last = store.search(SearchQuery()), store.search(SearchQuery(page=99))
    assert (first.total, first.pages, len(first.records)) == (23, 2, 20)
    assert (last.page, len(last.records)) == (2, 3)
    assert not {record.id for record in first.records} & {record.id for record in last.records}


@given(st.text(alphabet="糖尿病医科学入院abcABC12 ー。", max_size=30), st.data())
def test_every_piece_of_a_japanese_run_is_found_by_its_tokens(text: str, data: st.DataObject) -> None:
    found = set(tokens(text))
    for needle in needles(text):
        if needle.is_japanese:
            start = data.draw(st.integers(0, len(needle.text) - 1))
            piece = needle.text[start : start + 2]
            assert piece in found
        else:
            assert needle.text in found
    assert fold(fold(text)) == fold(text)


def test_a_new_version_replaces_the_old_one_in_search(store: CatalogStore, build: Any) -> None:
    store.publish(build.record())
    store.publish(build.record(version="1.1.0"))
    assert store.versions("admissions-microdata") == ("1.0.0", "1.1.0")
    assert [record.version for record in store.records()] == ["1.1.0"]
    old = store.record("admissions-microdata", version="1.0.0")
    assert old is not None
    assert old.version == "1.0.0"


def test_a_version_never_changes(store: CatalogStore, build: Any) -> None:
    store.publish(build.record())
    store.publish(build.record())
    with pytest.raises(IntegrityError, match=r"catalog\.version-changed"):
        store.publish(build.record(description={"ja": "別", "en": "other"}))


def test_what_is_unpublished_is_gone(full: CatalogStore) -> None:
    assert full.unpublish("admissions-microdata") == 1
    assert _ids(full) == EVERY - {"microdata"}
    with pytest.raises(UsageError, match=r"catalog\.unknown-record"):
        require_record(full, "admissions-microdata")
    assert require_record(full, "admissions-small-cells").version == "1.0.0"


def test_a_request_reads_back_with_history_and_permit(store: CatalogStore, build: Any, recipient: Any) -> None:
    request = draft("request-1", build.form(recipient.text))
    store.save_request(request)
    assert store.request("request-1") == request
    submit = Event(EventKind.SUBMIT, Actor("r-hayashi", frozenset({Role.RESEARCHER})), DAY)
    approve = Event(EventKind.APPROVE, Actor("c-abe", frozenset({Role.COMPLIANCE})), DAY, "fine")
    approved = apply_event(apply_event(request, submit), approve, decision=ADMITTED)
    store.save_request(approved)
    assert store.request("request-1") == approved
    assert store.permit("permit-1") == approved.permit
    assert store.requests(state=State.APPROVED) == store.requests(applicant="r-hayashi") == (approved,)
    assert store.requests(state=State.DRAFT) == ()
    assert store.permits(usable_on=date(2027, 11, 30)) == (approved.permit,)
    assert store.permits(usable_on=date(2027, 12, 1)) == ()


def test_two_deciders_cannot_both_win(store: CatalogStore, build: Any, recipient: Any) -> None:
    submit = Event(EventKind.SUBMIT, Actor("r-hayashi", frozenset({Role.RESEARCHER})), DAY)
    seen = apply_event(draft("request-1", build.form(recipient.text)), submit)
    store.save_request(seen)
    officer = Actor("c-abe", frozenset({Role.COMPLIANCE}))
    store.save_request(apply_event(seen, Event(EventKind.REJECT, officer, DAY, "no")))
    with pytest.raises(NotPermittedError, match=r"access\.moved-meanwhile"):
        store.save_request(apply_event(seen, Event(EventKind.APPROVE, officer, DAY), decision=ADMITTED))
    stored = store.request("request-1")
    assert stored is not None
    assert (stored.state, stored.permit) == (State.REJECTED, None)


def test_an_extract_needs_its_permit(store: CatalogStore) -> None:
    with pytest.raises(DataError, match=r"catalog\.extract-unknown-permit"):
        store.add_extract(ExtractEntry("permit-none", "sha256:0", DAY, 3))


def test_the_statements_are_portable(build: Any) -> None:
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.schema import CreateTable

    from catalog import tables

    store = CatalogStore.open("sqlite://")
    query = store._filtered(SearchQuery(words="糖尿病 diabetes", variable="x"), leave_out=None)
    for dialect in (postgresql.dialect(), sqlite.dialect()):
        assert str(query.compile(dialect=dialect))
        for table in tables.metadata.sorted_tables:
            assert str(CreateTable(table).compile(dialect=dialect))


def test_a_wrong_address_is_not_quoted() -> None:
    with pytest.raises(UsageError, match=r"store\.url") as caught:
        CatalogStore.open("nonsense://user:swordfish@host/db")
    assert "swordfish" not in str(caught.value)
