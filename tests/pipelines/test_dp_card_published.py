"""The card of a release that was run: in its signed dossier, on its pages, and for no other kind of release."""

import json
import warnings
from pathlib import Path

import pytest

from catalog.dossier_folder import read_dossier
from catalog.dossier_verify import verify_dossier
from catalog.dp_card import Standing
from catalog.dp_card_files import CHECKLIST, FOLDER
from catalog.web.app import create_app
from pipelines.deployment import Deployment
from pipelines.stages.dossier import dossier_folder
from tests.support import tiny_deployment as tiny

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

CELLS, NUMBERS = tiny.RELEASES


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return tiny.reopened(tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("card") / "home"))


def folder_of(deployment: Deployment, release: str) -> Path:
    return dossier_folder(deployment, deployment.library.release(release))


def test_signed_dossier_holds_the_card_and_every_hazard_is_met_or_said(deployment: Deployment) -> None:
    folder = folder_of(deployment, NUMBERS)
    verified = verify_dossier(folder, deployment.keys.signing_keys())
    listed = {entry.path for entry in verified.manifest.files if entry.path.startswith(FOLDER)}
    assert listed == {CHECKLIST, *(f"{FOLDER}/entry_{one}.{kind}" for one in ("ja", "en") for kind in ("json", "yaml"))}
    card = verified.dossier.card
    assert card is not None
    assert {line.standing for line in card.checklist} == {Standing.PROVEN, Standing.STATED}
    assert json.loads((folder / "dp_card" / "entry_en.json").read_bytes()) == card.en.model_dump(mode="json")


def test_card_points_only_to_what_the_dossier_holds(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, NUMBERS))
    there = {f"{check.stage}/{check.name}" for check in dossier.checks} | {rule.id for rule in dossier.rules}
    proofs = {proof for line in dossier.card.checklist for proof in line.proofs} if dossier.card else set()
    pointed = {proof for proof in proofs if not proof.startswith(("tests/", "policy: ", "evidence: "))}
    assert pointed
    assert pointed <= there


def test_other_releases_have_no_card(deployment: Deployment) -> None:
    folder = folder_of(deployment, CELLS)
    assert read_dossier(folder).card is None
    assert not (folder / FOLDER).exists()
    assert "section-card" not in (folder / "dossier.en.html").read_text("utf-8")


@pytest.mark.parametrize(("language", "words"), [("ja", "危険とその答え"), ("en", "What this release does")])
def test_pages_show_the_card(deployment: Deployment, language: str, words: str) -> None:
    page = (folder_of(deployment, NUMBERS) / f"dossier.{language}.html").read_text("utf-8")
    assert 'id="section-card"' in page
    assert words in page
    app = create_app(deployment.store, released=deployment.settings.zones / "released")
    with TestClient(app) as portal:
        dataset = portal.get(f"/{language}/datasets/{NUMBERS}").text
        address = f"/datasets/{NUMBERS}/dossier/1.0.0/dossier.{language}.html#section-card"
        assert f'href="{address}"' in dataset
        assert portal.get(address).status_code == 200
        assert "DP Deployments Registry" in portal.get(f"/{language}/datasets/{NUMBERS}/dossier").text
        assert portal.get(f"/datasets/{NUMBERS}/dossier/1.0.0/{CHECKLIST}").status_code == 200
        assert "section-card" not in portal.get(f"/{language}/datasets/{CELLS}").text
