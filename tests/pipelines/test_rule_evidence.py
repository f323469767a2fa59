"""Every rule of a run's stage is answered by that stage in a real run: no clause is kept only on paper."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from anonymization.evidence import CheckResult
from catalog.secret import Passphrase
from pipelines.demo.approve import approve_all
from pipelines.demo.generate import DEFAULT_SEED, generate_hospital
from pipelines.demo.permit import deliver_demo_extract
from pipelines.deployment import Deployment, open_deployment
from pipelines.run import run
from pipelines.settings import PACKAGED_POLICIES, Settings
from pipelines.stages.protected import make_protected
from pipelines.stages.published import make_published
from pipelines.stages.rule_evidence import RUN_STAGES, checks_by_rule, stage_checks
from pipelines.stages.validated import make_validated, run_quality, run_recount
from policies.applies import applicable_rules, applies
from policies.errors import DataError, NijiError, PolicyError
from policies.load import PACKAGED, load_library
from policies.model import ReleasePolicy, Rule
from tests.support import tiny_deployment as tiny
from tests.support.rule_pairs import pair

PEOPLE = 600
LIBRARY = load_library(PACKAGED)
RELEASES = tuple(LIBRARY.releases)
AT_EACH_DELIVERY = "extracted"
DELIVERED = "cohort-controlled"
"""The release whose extract the demo delivers."""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The shipped policies, run to the end over a small hospital, and one extract delivered."""
    home = tmp_path_factory.mktemp("rules")
    generate_hospital(home / "landing", people=PEOPLE, samples=PEOPLE // 5, sites=300, seed=DEFAULT_SEED)
    passphrase = Passphrase("a passphrase for tests")
    settings = Settings(home, PACKAGED_POLICIES, home / "landing", passphrase)
    approve_all(settings)
    run(settings)
    deployment = open_deployment(settings)
    deliver_demo_extract(deployment)
    return deployment


def stages_of(rule: Rule, release: str) -> Iterator[str]:
    for stage in (rule.stage, rule.recounted_at):
        if stage in RUN_STAGES and (stage != AT_EACH_DELIVERY or release == DELIVERED):
            yield stage


def answered(deployment: Deployment, release: str) -> set[tuple[str, str]]:
    return {(rule, stage) for rule, pairs in checks_by_rule(deployment, release).items() for stage, _ in pairs}


@pytest.mark.parametrize("release", RELEASES)
def test_every_applicable_rule_of_a_stage_is_answered_by_that_stage(hospital: Deployment, release: str) -> None:
    found = answered(hospital, release)
    policy = hospital.library.release(release)
    asked = {
        (rule.id, stage) for rule in applicable_rules(policy, hospital.library) for stage in stages_of(rule, release)
    }
    assert asked
    assert sorted(asked - found) == []


def test_every_rule_of_a_stage_in_every_pack_has_a_producer(hospital: Deployment) -> None:
    """A pack that no shipped release lists has rules too; where they would apply, a stage answers them all the same."""
    library = hospital.library
    found = {release: answered(hospital, release) for release in library.releases}
    silent = []
    for pack in library.rulepacks.values():
        for rule in pack.rules:
            spoken = [name for name, release in library.releases.items() if _speaks(rule, release, hospital)]
            heard = spoken or list(library.releases)
            silent += [
                (pack.id, rule.id, stage)
                for stage in (rule.stage, rule.recounted_at)
                if stage in RUN_STAGES and not any((rule.id, stage) in found[name] for name in heard)
            ]
    assert silent == []


def _speaks(rule: Rule, release: ReleasePolicy, deployment: Deployment) -> bool:
    return applies(rule, release, {name: deployment.library.dataset(name) for name in release.datasets})


@pytest.mark.parametrize("release", RELEASES)
def test_what_was_published_breaks_no_rule_and_quotes_no_count_in_words(hospital: Deployment, release: str) -> None:
    checks = list(stage_checks(hospital, release))
    assert [check.name for _, check in checks if check.blocking and not check.passed] == []
    assert {stage for stage, _ in checks} >= {
        "raw",
        "classified",
        "consented",
        "pseudonymized",
        "validated",
        "published",
    }
    assert all(isinstance(check, CheckResult) for _, check in checks)


def test_delivery_is_on_record_by_its_permit(hospital: Deployment) -> None:
    found = checks_by_rule(hospital, DELIVERED)
    for rule in ("APPI-15", "NGMI-13", "ETH-03", "APPI-33"):
        assert AT_EACH_DELIVERY in {stage for stage, _ in found[rule]}


# --- the stages refuse what breaks a rule ---

CELLS = tiny.RELEASES[0]


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path / "home")


def again(settings: Settings) -> str:
    """Publish a further version; return the code and text of the refusal, or nothing."""
    tiny.change(settings, tiny.CELLS, ("version: 1.0.0", "version: 1.1.0"))
    approve_all(settings)
    deployment = tiny.reopened(settings)
    try:
        make_protected(deployment, CELLS)
        run_quality(deployment, CELLS)
        run_recount(deployment, CELLS)
        make_validated(deployment, CELLS)
        make_published(deployment, CELLS)
    except NijiError as error:
        return str(error)
    return ""


@pair(rule="APPI-18", violation="V15")
@pair(rule="APPI-26", violation="V15")
@pytest.mark.parametrize("place", ["zones/pseudonymized", "zones/released", "outbox"])
@pytest.mark.parametrize("name", ["date_offsets.parquet", "pseudonym.clinic.key.json"])
def test_publication_stops_at_restorable_things_beside_the_data(published: Settings, place: str, name: str) -> None:
    tiny.write(published.home / place / name, "3")
    refused = again(published)
    assert "data.rule-broken" in refused
    assert "APPI-18" in refused
    assert name.split(".")[0] not in refused


def test_publication_without_restorable_things_goes_through(published: Settings) -> None:
    assert again(published) == ""
    assert "published" in {stage for stage, _ in checks_by_rule(tiny.reopened(published), CELLS)["APPI-26"]}


@pair(rule="NGMI-05", violation="V08")
def test_objection_that_reached_the_register_after_the_release_was_made_stops_its_publication(
    published: Settings,
) -> None:
    deployment = tiny.reopened(published)
    before = checks_by_rule(deployment, CELLS)["NGMI-05"]
    assert all(check.passed for _, check in before)
    with (published.landing / "optouts.csv").open("a", encoding="utf-8") as file:
        file.write("P0080,停止,2026-11-20\n")
    from pipelines.stages.classified import make_classified
    from pipelines.stages.raw import make_raw

    make_raw(deployment, "clinic")
    make_classified(deployment, "clinic")
    # Consent and pseudonyms were not made anew: what would be published still holds the person.
    refused = again(published)
    assert "NGMI-05" in refused
    assert "P0080" not in refused


def test_unknown_release_is_refused_by_name(published: Settings) -> None:
    with pytest.raises(PolicyError):
        checks_by_rule(tiny.reopened(published), "no-such-release")


def test_stage_that_was_not_made_answers_nothing(tmp_path: Path) -> None:
    deployment = tiny.reopened(tiny.write_deployment(tmp_path))
    assert checks_by_rule(deployment, CELLS) == {}
    with pytest.raises(DataError):
        make_validated(deployment, CELLS)
