"""The stages, called one by one: what each remakes when something changed, what it refuses, what it leaves where."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from catalog.extracts import verify_extract
from catalog.ledger import Ledger
from catalog.ledger_entries import ChargeState
from pipelines.definitions import definitions_of
from pipelines.deployment import Deployment
from pipelines.settings import Settings
from pipelines.stages.assets import PERMITS
from pipelines.stages.classified import make_classified
from pipelines.stages.consented import make_consented
from pipelines.stages.extracted import make_extracted
from pipelines.stages.guard import guarded
from pipelines.stages.protected import make_protected
from pipelines.stages.pseudonymized import make_pseudonymized
from pipelines.stages.published import make_published
from pipelines.stages.raw import make_raw
from pipelines.stages.validated import make_validated, run_quality, run_recount
from pipelines.storage import Stage
from policies.errors import DataError, IntegrityError, NijiError, NotPermittedError
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

LANDING = {
    "raw": make_raw,
    "classified": make_classified,
    "consented": make_consented,
    "pseudonymized": make_pseudonymized,
}
CELLS, NUMBERS = tiny.RELEASES


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def land(settings: Settings, name: str = "clinic") -> set[str]:
    """Take a dataset to the pseudonymized zone as a new process would; return the stages that were made anew."""
    deployment = tiny.reopened(settings)
    return {f"{stage}/{name}" for stage, make in LANDING.items() if not make(deployment, name).is_reused}


def release(settings: Settings, name: str) -> set[str]:
    """Take a release to the catalog; return the stages that were made anew."""
    deployment = tiny.reopened(settings)
    made = {f"protected/{name}"} if not make_protected(deployment, name).is_reused else set()
    run_quality(deployment, name)
    run_recount(deployment, name)
    made |= {f"validated/{name}"} if not make_validated(deployment, name).is_reused else set()
    return made | ({f"published/{name}"} if not make_published(deployment, name).is_reused else set())


def refusal(settings: Settings, name: str) -> str:
    with pytest.raises(NijiError) as refused:
        release(settings, name)
    return refused.value.code


def test_fresh_stages_are_taken_as_they_are(published: Settings) -> None:
    assert land(published) | land(published, "survey") == set()
    assert release(published, CELLS) | release(published, NUMBERS) == set()


def test_changed_release_policy_remakes_that_release_only(published: Settings) -> None:
    tiny.change(published, tiny.CELLS, ("version: 1.0.0", "version: 1.1.0"), ("min_cell: 10", "min_cell: 12"))
    sign_policies(published)
    assert land(published) == set()
    assert release(published, NUMBERS) == set()
    assert release(published, CELLS) == {f"{stage}/{CELLS}" for stage in ("protected", "validated", "published")}
    folder = published.zones / "released" / CELLS
    assert sorted(path.name for path in folder.iterdir()) == ["1.0.0", "1.0.0-dossier", "1.1.0", "1.1.0-dossier"]
    record = tiny.reopened(published).store.record(CELLS)
    assert record is not None
    assert record.version == "1.1.0"


@pytest.mark.parametrize(
    ("file", "old", "new", "refused"),
    [
        (tiny.CELLS, "min_cell: 10", "min_cell: 12", {CELLS}),
        (tiny.CELLS_SUITE, '"name": "cells"', '"name": "other"', {CELLS}),
        (tiny.NUMBERS, "release_rho: '0.25'", "release_rho: '0.05'", {NUMBERS}),
        (tiny.CLINIC, "en: Made-up clinic", "en: Another clinic", {CELLS, NUMBERS}),
        (tiny.SURVEY, "en: Made-up survey", "en: Another survey", set()),
    ],
)
def test_published_version_does_not_change_with_its_policies(
    published: Settings, file: str, old: str, new: str, refused: set[str]
) -> None:
    tiny.change(published, file, (old, new))
    sign_policies(published)
    land(published)
    spent = tiny.reopened(published).ledger.show("clinic")
    for name in tiny.RELEASES:
        if name in refused:
            assert refusal(published, name) == "release.version-published"
        else:
            assert release(published, name) == set()
    assert tiny.reopened(published).ledger.show("clinic") == spent


def test_comment_in_a_policy_changes_nothing(published: Settings) -> None:
    for file in (tiny.CLINIC, tiny.CELLS):
        path = published.policies / file
        path.write_text("# a remark\n" + path.read_text("utf-8"), "utf-8")
    assert land(published) | release(published, CELLS) == set()


def test_dataset_policy_of_one_dataset_leaves_the_other_alone(published: Settings) -> None:
    tiny.change(published, tiny.SURVEY, ("ja: 回答者, en: person", "ja: 回答した人, en: person"))
    sign_policies(published)
    assert land(published) == set()
    assert land(published, "survey") == {f"{stage}/survey" for stage in LANDING}


def test_another_day_with_the_same_people_stays_fresh(published: Settings) -> None:
    later = replace(published, fixed_day=tiny.LATER)
    before = tiny.reopened(published).zones.require(Stage.CONSENTED, "clinic").data_version
    assert land(later) == {"consented/clinic"}
    assert tiny.reopened(later).zones.require(Stage.CONSENTED, "clinic").data_version == before
    assert release(later, NUMBERS) | release(later, CELLS) == set()


def test_objection_that_starts_later_removes_the_person_on_that_day(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    with (settings.landing / "optouts.csv").open("a", encoding="utf-8") as file:
        file.write(f"P0080,停止,{tiny.LATER.isoformat()}\n")
    land(settings)
    people = dict.fromkeys((tiny.ON, tiny.LATER), 0)
    for on in people:
        land(tiny.settings_of(tmp_path, on=on))
        people[on] = tiny.reopened(settings).zones.require(Stage.CONSENTED, "clinic").facts["people_out"]
    assert people == {tiny.ON: 87, tiny.LATER: 86}


def test_people_who_objected_are_in_no_later_stage(published: Settings) -> None:
    deployment = tiny.reopened(published)
    dataset = deployment.library.dataset("clinic")
    zones = deployment.zones
    raw = zones.tables(zones.require(Stage.RAW, "clinic"), dataset, engine=deployment.engine())
    consented = zones.arrow(zones.require(Stage.CONSENTED, "clinic"), "patients").column("patient_no").to_pylist()
    assert raw["patients"].rows.count().execute() == tiny.PEOPLE
    assert len(consented) == tiny.PEOPLE - tiny.OPTED_OUT
    assert not {f"P{n:04}" for n in range(tiny.OPTED_OUT)} & set(consented)
    pseudonymized = zones.require(Stage.PSEUDONYMIZED, "clinic")
    assert pseudonymized.tables == ("patients",)
    rows = zones.arrow(pseudonymized, "patients")
    assert "name_kanji" not in rows.column_names
    assert not set(rows.column("patient_no").to_pylist()) & set(consented)


def test_stage_without_the_one_before_says_which_is_missing(tmp_path: Path) -> None:
    deployment = tiny.reopened(tiny.write_deployment(tmp_path))
    for make in (make_classified, make_consented, make_pseudonymized):
        with pytest.raises(DataError) as refused:
            make(deployment, "clinic")
        assert refused.value.code == "storage.not-made"
    with pytest.raises(DataError) as refused:
        make_protected(deployment, CELLS)
    assert refused.value.code == "storage.not-made"
    with pytest.raises(DataError) as refused:
        make_published(deployment, CELLS)
    assert refused.value.code == "storage.not-made"


def test_release_that_nobody_looked_at_is_not_validated(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    land(settings)
    deployment = tiny.reopened(settings)
    make_protected(deployment, CELLS)
    with pytest.raises(DataError) as refused:
        make_validated(deployment, CELLS)
    assert refused.value.code == "data.check-missing"
    run_quality(deployment, CELLS)
    with pytest.raises(DataError) as refused:
        make_validated(deployment, CELLS)
    assert refused.value.code == "data.check-missing"
    run_recount(deployment, CELLS)
    assert not make_validated(deployment, CELLS).is_reused


def test_verdict_is_of_the_very_version(published: Settings) -> None:
    tiny.change(published, tiny.CELLS, ("version: 1.0.0", "version: 1.1.0"))
    sign_policies(published)
    deployment = tiny.reopened(published)
    make_protected(deployment, CELLS)
    # The last version passed; that says nothing about this one.
    with pytest.raises(DataError) as refused:
        make_validated(deployment, CELLS)
    assert refused.value.code == "data.check-missing"


def test_answer_whose_run_ended_before_its_charge_was_settled_is_settled_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_cut(*_: object) -> None:
        raise RuntimeError("power cut")

    settings = tiny.write_deployment(tmp_path)
    land(settings)
    with monkeypatch.context() as broken:
        broken.setattr(Ledger, "settle", power_cut)
        with pytest.raises(RuntimeError, match="power cut"):
            make_protected(tiny.reopened(settings), NUMBERS)
    deployment = tiny.reopened(settings)
    assert deployment.ledger.show("clinic").charges[ChargeState.RESERVED] == 1
    spent = deployment.ledger.show("clinic").spent_micro
    assert make_protected(deployment, NUMBERS).is_reused
    assert make_protected(deployment, NUMBERS).is_reused
    after = deployment.ledger.show("clinic")
    assert (after.charges.get(ChargeState.RESERVED, 0), after.charges[ChargeState.RELEASED]) == (0, 1)
    assert after.spent_micro == spent


def test_bad_row_is_set_aside_by_reason_only(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    with (settings.landing / "patients.csv").open("a", encoding="utf-8") as file:
        file.write("P9998,架空の短い行,1\n")
    deployment = tiny.reopened(settings)
    outcome = make_raw(deployment, "clinic")
    assert outcome.counts == {"rows": tiny.PEOPLE + tiny.OPTED_OUT, "rows_quarantined": 1}
    quarantine = deployment.zones.arrow(outcome.version, "quarantine").to_pylist()
    assert len(quarantine) == 1
    assert "P9998" not in str(quarantine)
    assert "架空の短い行" not in str(quarantine)


def test_bad_row_of_a_register_stops_the_landing(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    with (settings.landing / "optouts.csv").open("a", encoding="utf-8") as file:
        file.write("P0050,停止,2026-02-31\n")
    with pytest.raises(DataError) as refused:
        make_raw(tiny.reopened(settings), "clinic")
    assert refused.value.code == "data.register-incomplete"
    assert "P0050" not in str(refused.value)
    assert [path.name for path in (settings.zones / "restricted" / "raw" / "clinic").iterdir()] == []


def test_missing_source_is_refused_and_nothing_landed(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    (settings.landing / "patients.csv").unlink()
    with pytest.raises(DataError):
        make_raw(tiny.reopened(settings), "clinic")
    assert not (settings.zones / "restricted" / "raw" / "clinic" / "CURRENT").exists()


def test_zones_of_another_key_store_are_refused_by_code(published: Settings) -> None:
    keys = published.home / "keys"
    keys.rename(published.home / "other-keys")
    deployment = tiny.reopened(published)
    with pytest.raises(IntegrityError) as refused:
        guarded(lambda: read_back(deployment), where="protected", failures=deployment.failures)
    assert refused.value.code == "storage.wrong-key"
    # No stage comes so far: another platform's key signed neither the register of signers nor the records.
    with pytest.raises(IntegrityError) as refused:
        run_quality(deployment, CELLS)
    assert refused.value.code == "signers.signature"


def read_back(deployment: Deployment) -> None:
    deployment.zones.arrow(deployment.zones.require(Stage.PROTECTED, CELLS), "patients")


def test_released_zone_holds_a_signed_package_and_no_person(published: Settings) -> None:
    folder = published.zones / "released" / CELLS / "1.0.0"
    assert {path.name for path in folder.iterdir()} == {
        "patients.parquet", "dictionary.json", "policy.json", "evidence.json", "manifest.json", "manifest.sig.json"
    }  # fmt: skip
    for path in folder.iterdir():
        assert b"P0050" not in path.read_bytes()
        assert "架空50".encode() not in path.read_bytes()


def extract(deployment: Deployment, name: str, permit: str) -> dg.ExecuteInProcessResult:
    assets = {one.key: one for one in definitions_of(deployment).assets or () if isinstance(one, dg.AssetsDefinition)}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(PERMITS.name or "", [permit])
        return dg.materialize(
            [assets[dg.AssetKey(["extracted", name])]],
            instance=instance,
            partition_key=permit,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def test_permit_becomes_one_sealed_extract_through_its_asset(published: Settings) -> None:
    deployment = tiny.reopened(published)
    permit = tiny.approve(deployment)
    assert extract(deployment, CELLS, permit.id).success
    folder = published.home / "outbox" / permit.id
    found = verify_extract(folder, deployment.keys.signing_keys())
    assert found.permit_id == permit.id
    assert (folder / "patients.parquet.c4gh").read_bytes()[:8] == b"crypt4gh"
    assert not extract(deployment, CELLS, permit.id).success
    assert deployment.failures[-1].code == "extract.exists"


def test_without_a_permit_there_is_no_extract(published: Settings) -> None:
    deployment = tiny.reopened(published)
    assert not extract(deployment, CELLS, "permit-2026-00000000").success
    assert isinstance(deployment.failures[-1], NotPermittedError)
    permit = tiny.approve(deployment, until=tiny.ON)
    late = tiny.reopened(replace(published, fixed_day=tiny.LATER))
    with pytest.raises(NotPermittedError):
        make_extracted(late, CELLS, permit_id=permit.id)
    with pytest.raises(NotPermittedError) as refused:
        make_extracted(deployment, NUMBERS, permit_id=permit.id)
    assert refused.value.code == "extract.other-release"
    assert not (published.home / "outbox").exists()
