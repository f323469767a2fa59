"""The page of a policy shows every fact that the policy states: each key and each plain value has a word in both languages."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from policies.explain import explain
from policies.facts import LABELS, VALUES, dataset_blocks, release_blocks
from policies.load import load_library
from policies.model import DatasetPolicy, Recipient, ReleasePolicy
from policies.model.dataset import Consent, Controller, Register
from policies.model.release import Ethics, Purposes, Retention
from policies.model.strictness import Text
from policies.vocabulary import Labelled
from tests.support.rule_pairs import WORKED

# What a page says in its own sentences; everything else of these models is a fact that needs a word.
SAID = {
    DatasetPolicy: "schema_ id version title description controller steward acquisition_basis consent project tables",
    ReleasePolicy: (
        "schema_ id version title description output_category provision_basis rule_packs effective_from review_due tables "
        "method quality purposes prohibited_uses recipients delivery ethics publication retention catalog"
    ),
    Controller: "name type contact",
    Consent: "basis register_ waiting reason text",  # `text` is the block `consent_text`
    Register: "table decision decided_on consented refused withdrawn",
    Recipient: "id name kind country contract",
    Ethics: "committee_no approved_on expires_on",
    Retention: "extract_months delete_within_days",
    Purposes: "duo mondo ehds53 text",
}
ELSEWHERE = {"false_alarms"}  # findings of the scanner are shown in the dossier, not on the page


def facts_of(model: type[BaseModel], said: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        if name not in {*said.split(), *ELSEWHERE}:
            yield name, field.annotation
            for inner in inner_models(field.annotation):
                yield from facts_of(inner)


def inner_models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation is not Text:
        yield annotation
    for part in typing.get_args(annotation):
        yield from inner_models(part)


def words_of(annotation: object) -> Iterator[str]:
    if typing.get_origin(annotation) is typing.Literal:
        yield from (str(each) for each in typing.get_args(annotation))
        return
    for part in typing.get_args(annotation):
        yield from words_of(part)


ALL = [fact for model, said in SAID.items() for fact in facts_of(model, said)]


def test_every_fact_has_a_word() -> None:
    assert sorted({name for name, _ in ALL} - set(LABELS)) == []


def test_every_plain_value_has_a_word() -> None:
    assert sorted({word for _, annotation in ALL for word in words_of(annotation)} - set(VALUES)) == []


def test_every_optional_block_is_on_its_page() -> None:
    library = load_library(WORKED)
    shown = {name for name, _ in dataset_blocks(library.dataset("study"))}
    shown |= {name for name, _ in release_blocks(library.release("study-rows"))}
    blocks = {
        name
        for model in (DatasetPolicy, ReleasePolicy)
        for name in model.model_fields
        if name not in {*SAID[model].split(), *ELSEWHERE}
    }
    assert blocks - shown == set()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_pages_of_the_worked_examples_say_their_facts(language: str) -> None:
    library = load_library(WORKED)
    chosen = "ja" if language == "ja" else "en"
    maker = explain(library.dataset("ngmi-anonymized-source"), library, language=chosen)
    rows = explain(library.release("study-rows"), library, language=chosen)
    said = {
        "ja": ("認定匿名加工医療情報作成事業者", "届出番号", "任意の整合であり法令ではない", "安全な利用環境内"),
        "en": (
            "certified anonymized-data maker",
            "filing",
            "followed by choice, not law",
            "inside a secure environment",
        ),
    }[language]
    assert all(word in maker + rows for word in said)
    for fact in (
        "NINTEI-A-001",
        {"ja": "2029年5月31日", "en": "May 31, 2029"}[language],
        "TODOKE-2026-052",
        "EXP-2026-2",
    ):
        assert fact in maker + rows


def test_every_label_is_in_two_languages() -> None:
    kinds = [kind for kind in Labelled.__subclasses__() if kind.__module__ == "policies.vocabulary"]
    assert [member for kind in kinds for member in kind if not member.ja or not member.en] == []
    assert [name for name, (ja, en) in {**LABELS, **VALUES}.items() if not ja or not en] == []
