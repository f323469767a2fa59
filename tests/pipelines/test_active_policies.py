"""Pipelines run only what is active: every stage asks, an edit or a lapse stops it at the next run, and the rest goes on."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from catalog.keys import KeyStore
from pipelines.automation import permit_sensor
from pipelines.definitions import definitions_of
from pipelines.demo.approve import DEMO_SIGNERS, approve_all
from pipelines.deployment import Deployment, open_deployment
from pipelines.run import instance_of, run, standing
from pipelines.settings import Settings
from pipelines.stages.classified import make_classified
from pipelines.stages.consented import make_consented
from pipelines.stages.extracted import build_permitted
from pipelines.stages.protected import make_protected
from pipelines.stages.pseudonymized import make_pseudonymized
from pipelines.stages.published import make_published
from pipelines.stages.raw import make_raw
from pipelines.stages.validated import make_validated, run_quality, run_recount
from policies.errors import IntegrityError, PolicyError
from policies.library import PolicyKind
from policies.roles import Act, PolicyStatus, Role
from policies.signing import Intent
from tests.support import tiny_deployment as tiny
from tests.support.rule_pairs import pair
from tests.support.signing import sign_policies

CELLS, NUMBERS = tiny.RELEASES
DATASET_STAGES = (make_raw, make_classified, make_consented, make_pseudonymized)
RELEASE_STAGES = (make_protected, run_quality, run_recount, make_validated, make_published)
RELEASE, DATASET = PolicyKind.RELEASE, PolicyKind.DATASET


pytestmark = pytest.mark.slow


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def stop(settings: Settings, kind: PolicyKind, name: str, act: Act = Act.SUSPEND) -> None:
    """Let the demo's compliance officer suspend, resume or retire a policy."""
    deployment = tiny.reopened(settings)
    person = DEMO_SIGNERS[Role.COMPLIANCE_OFFICER]
    signer = KeyStore.open(settings.home / "demo" / "signers", settings.keys_passphrase).signer(person)
    intent = Intent(act, Role.COMPLIANCE_OFFICER, person, reason="the area table is wrong")
    deployment.approvals.sign(deployment.library, kind, name, intent=intent, signer=signer, on=settings.on)


def refused(settings: Settings, *selection: str) -> PolicyError:
    with pytest.raises(PolicyError) as error:
        run(settings, selection=selection)
    assert error.value.code == "policy.not-active"
    assert int(error.value.exit_code) == 10
    return error.value


def test_the_demo_signs_as_four_persons_that_are_named_as_such(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    deployment = tiny.reopened(settings)
    state = deployment.require_active(RELEASE, CELLS)
    assert [one.by for one in state.signatures] == [DEMO_SIGNERS[role] for role in Role]
    assert all(person.startswith("demo-") for person in DEMO_SIGNERS.values())
    assert approve_all(settings) == ()
    assert not (settings.home / "demo" / "signers").is_relative_to(settings.home / "keys")


@pytest.mark.parametrize("make", DATASET_STAGES, ids=lambda make: make.__name__)
def test_every_stage_of_a_dataset_asks(published: Settings, make) -> None:
    stop(published, DATASET, "clinic")
    with pytest.raises(PolicyError) as error:
        make(tiny.reopened(published), "clinic")
    assert error.value.code == "policy.not-active"
    make(tiny.reopened(published), "survey")


@pytest.mark.parametrize("make", RELEASE_STAGES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("suspended", [(RELEASE, CELLS), (DATASET, "clinic")], ids=["release", "its dataset"])
def test_every_stage_of_a_release_asks_for_it_and_its_datasets(
    published: Settings, make, suspended: tuple[PolicyKind, str]
) -> None:
    stop(published, *suspended)
    with pytest.raises(PolicyError) as error:
        make(tiny.reopened(published), CELLS)
    assert error.value.code == "policy.not-active"
    if suspended[0] is RELEASE:
        make(tiny.reopened(published), NUMBERS)
    stop(published, *suspended, act=Act.RESUME)
    make(tiny.reopened(published), CELLS)


def test_no_extract_of_a_suspended_release_is_built_and_its_permit_waits(published: Settings) -> None:
    deployment = tiny.reopened(published)
    permit = tiny.approve(deployment)
    stop(published, RELEASE, CELLS)
    with pytest.raises(PolicyError) as error:
        build_permitted(tiny.reopened(published), permit.id)
    assert error.value.code == "policy.not-active"
    assert not (published.home / "outbox").exists()
    assert asked(published) == ([], "no permit can have its extract now; 1 wait for their policy, 0 ended")
    stop(published, RELEASE, CELLS, Act.RESUME)
    assert asked(published) == ([permit.id], "")


def asked(settings: Settings) -> tuple[list[str], str]:
    """Return the permits that the sensor asks an extract for, and why it asks for none."""
    deployment = tiny.reopened(settings)
    definitions = definitions_of(deployment)
    extracted = [one for one in definitions.assets or () if one.key.path[0] == "extracted"]
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, definitions=definitions) as context,
    ):
        found = permit_sensor(deployment, extracted)(context)
    reason = found.skip_reason.skip_message if found.skip_reason else ""
    return [str(one.partition_key) for one in found.run_requests or ()], reason or ""


@pair(rule="policy.not-active")
def test_unsigned_policy_runs_nothing_and_a_signed_one_does(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.SURVEY, ("en: Made-up survey", "en: Another survey"))
    error = refused(settings, "survey")
    assert "dataset 'survey' is draft / 起案中" in error.what
    assert "changed since it was signed on 2026-12-15" in error.what
    assert "署名は無効" in error.what
    assert "niji policy sign" in error.fix
    assert error.where.file == str(settings.policies / tiny.SURVEY)
    assert not (settings.zones / "restricted" / "raw" / "survey").exists()
    sign_policies(settings)
    run(settings, selection=["survey"])


def test_nobody_signed_anything(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path / "signed")
    bare = replace(settings, home=tmp_path / "bare")
    error = refused(bare)
    assert "nobody has signed it yet / まだ誰も署名していない" in error.what
    assert not (bare.zones / "restricted" / "raw").exists()


def test_every_release_that_is_stopped_is_told_at_once(published: Settings) -> None:
    tiny.change(published, tiny.CELLS, ("version: 1.0.0", "version: 1.1.0"))
    tiny.change(published, tiny.NUMBERS, ("version: 1.0.0", "version: 1.1.0"))
    error = refused(published)
    assert error.code == "policy.not-active"
    assert "(and 1 more: policy.not-active: release '" in error.what
    assert all(f"release '{name}' is draft" in error.what for name in (CELLS, NUMBERS))


def test_edit_after_protection_is_not_published(published: Settings) -> None:
    tiny.change(published, tiny.CELLS, ("version: 1.0.0", "version: 1.1.0"))
    assert "release 'clinic-cells' is draft" in refused(published, CELLS).what
    assert not (published.zones / "released" / CELLS / "1.1.0").exists()


def test_package_names_the_records_that_made_it_active(published: Settings) -> None:
    manifest = json.loads((published.zones / "released" / CELLS / "1.0.0" / "manifest.json").read_bytes())
    deployment = tiny.reopened(published)
    expected = {
        f"{kind.value}/{name}": [one.record for one in deployment.state(kind, name).signatures]
        for kind, name in ((RELEASE, CELLS), (DATASET, "clinic"))
    }
    assert manifest["statement"]["approvals"] == expected
    assert all(len(records) == 4 for records in expected.values())


# --- what it rests on runs out


REVIEW = date(2027, 11, 30)


def test_lapsed_review_suspends_one_release_at_the_next_run_and_the_other_goes_on(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.CELLS, ('review_due: "2027-11-30"', 'review_due: "2027-03-31"'))
    sign_policies(settings)
    last = replace(settings, fixed_day=date(2027, 3, 31))
    run(last)
    after = replace(settings, fixed_day=date(2027, 4, 1))
    error = refused(after)
    assert "release 'clinic-cells' is suspended / 停止中" in error.what
    assert "review of the policy ended on 2027-03-31" in error.what
    assert "見直し期限が 2027-03-31 で切れた" in error.what
    # The other release of the same run was made: its stages are fresh or anew, and none of them failed.
    failed = failures_of(after)
    assert {name for _, name in failed} == {CELLS.replace("-", "_")}
    assert [one.catalog_id for one in run(after, selection=[NUMBERS]).releases] == [NUMBERS]
    tiny.change(
        settings,
        tiny.CELLS,
        ('review_due: "2027-03-31"', 'review_due: "2027-11-30"'),
        ("version: 1.0.0", "version: 1.1.0"),
    )
    sign_policies(after)
    assert tiny.reopened(after).state(RELEASE, CELLS).is_active


def failures_of(settings: Settings) -> set[tuple[str, str]]:
    """Return (stage, name) of the steps that failed in the last run, as Dagster shows them."""
    with instance_of(settings) as instance:
        (last,) = instance.get_runs(limit=1)
        events = [event.dagster_event for event in instance.all_logs(last.run_id) if event.dagster_event]
    return {tuple(event.step_key.split("__", 1)) for event in events if event.is_step_failure and event.step_key}


def test_lapse_shows_in_dagster_with_its_code_and_reasons(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    after = replace(settings, fixed_day=REVIEW + timedelta(days=1))
    refused(after, CELLS)
    with instance_of(after) as instance:
        (last,) = instance.get_runs(limit=1)
        events = [event.dagster_event for event in instance.all_logs(last.run_id) if event.dagster_event]
    said = " ".join(str(event.step_failure_data.error) for event in events if event.is_step_failure)
    assert "policy.not-active" in said
    assert "見直し期限が 2027-11-30 で切れた" in said


def test_budget_period_that_ended_suspends_before_anything_is_charged(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.NUMBERS, ('period_to: "2027-11-30"', 'period_to: "2027-01-31"'))
    sign_policies(settings)
    error = refused(replace(settings, fixed_day=date(2027, 2, 1)), NUMBERS)
    assert "period of the privacy budget ended on 2027-01-31" in error.what
    assert not (settings.home / "ledger.sqlite").exists() or not tiny.reopened(settings).ledger.show("clinic").charges


def test_what_was_never_signed_without_a_finding_is_refused_as_a_whole(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path)
    tiny.change(settings, tiny.CELLS, ("min_cell: 10", "min_cell: 5"))
    with pytest.raises(PolicyError) as error:
        open_deployment(settings)
    assert error.value.code.startswith("CELL-")


def test_suspension_acts_at_once_in_a_process_that_runs_already(published: Settings) -> None:
    server: Deployment = tiny.reopened(published)
    make_protected(server, CELLS)
    stop(published, RELEASE, CELLS)
    with pytest.raises(PolicyError):
        make_protected(server, CELLS)


def test_retired_release_runs_no_more(published: Settings) -> None:
    stop(published, RELEASE, CELLS, Act.RETIRE)
    error = refused(published, CELLS)
    assert "is retired / 廃止" in error.what
    assert tiny.reopened(published).state(RELEASE, CELLS).status is PolicyStatus.RETIRED
    assert sign_policies(published) == ()


def test_what_is_retired_is_passed_over_unless_it_is_asked_for(published: Settings) -> None:
    stop(published, RELEASE, CELLS, Act.RETIRE)
    assert [one.release for one in run(published).releases] == [NUMBERS]
    refused(published, CELLS)


def test_what_stands_is_told_although_another_release_was_refused(published: Settings) -> None:
    stop(published, RELEASE, CELLS)
    refused(published)
    assert {one.release for one in standing(published).releases} == {CELLS, NUMBERS}
    assert [one.release for one in standing(published, selection=[NUMBERS]).releases] == [NUMBERS]


@pytest.mark.parametrize("name", ["signers.json", f"approvals/release/{CELLS}.json"])
def test_altered_records_stop_a_run_with_14_and_the_file(published: Settings, name: str) -> None:
    path = published.home / name
    text = path.read_text("utf-8")
    path.write_text(text.replace("2026-12-15", "2026-12-14", 1), "utf-8")
    with pytest.raises(IntegrityError) as error:
        run(published, selection=[CELLS])
    assert int(error.value.exit_code) == 14
    assert error.value.where.file == str(path)
