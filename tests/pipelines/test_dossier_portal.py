"""The dossier in the portal: linked from its dataset, read in both languages, downloaded whole, and nothing beside it."""

import io
import re
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest

from catalog.dossier_folder import files_of, folder_of_dossier
from catalog.dossier_verify import verify_dossier
from catalog.keys import read_public_key
from catalog.store import CatalogStore
from catalog.web.app import create_app
from tests.support import tiny_deployment as tiny

with warnings.catch_warnings():
    # Starlette asks for a successor of httpx that is not among the pinned packages.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

CELLS, NUMBERS = tiny.RELEASES
KEY = "keys/signing.platform.pub.pem"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("portal-dossier") / "home").home


@pytest.fixture(scope="module")
def portal(home: Path) -> TestClient:
    return TestClient(create_app(CatalogStore.open(home / "catalog.sqlite"), released=home / "zones" / "released"))


@pytest.fixture(scope="module")
def folder(home: Path) -> Path:
    return folder_of_dossier(home / "zones" / "released", CELLS, "1.0.0")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("release", tiny.RELEASES)
def test_the_dataset_page_leads_to_the_dossier_and_on_to_its_page(
    portal: TestClient, release: str, language: str
) -> None:
    page = portal.get(f"/{language}/datasets/{release}").text
    assert f'href="/{language}/datasets/{release}/dossier"' in page
    dossier = portal.get(f"/{language}/datasets/{release}/dossier")
    assert dossier.status_code == 200
    target = f"/datasets/{release}/dossier/1.0.0/dossier.{language}.html"
    assert f'href="{target}"' in dossier.text
    read = portal.get(target)
    assert read.status_code == 200
    assert read.headers["content-type"].startswith("text/html")
    assert f'<html lang="{language}">' in read.text


def test_the_served_page_runs_under_a_policy_for_its_own_style_only(portal: TestClient) -> None:
    answer = portal.get(f"/datasets/{CELLS}/dossier/1.0.0/dossier.en.html")
    policy = answer.headers["content-security-policy"]
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_other_pages_keep_their_policy(portal: TestClient) -> None:
    policy = portal.get(f"/en/datasets/{CELLS}/dossier").headers["content-security-policy"]
    assert "style-src 'self'" in policy


def test_the_short_address_leads_to_the_readers_language(portal: TestClient) -> None:
    answer = portal.get(f"/datasets/{CELLS}/dossier", headers={"Accept-Language": "en"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/en/datasets/{CELLS}/dossier")


def test_the_zip_unpacks_to_a_dossier_that_verifies(portal: TestClient, home: Path, tmp_path: Path) -> None:
    answer = portal.get(f"/datasets/{CELLS}/dossier/1.0.0.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    (inner,) = tmp_path.iterdir()
    key = read_public_key(home / KEY)
    assert verify_dossier(inner, {key.key_id: key}).dossier.subject.id == CELLS


def test_every_listed_file_is_served_as_it_lies_there(portal: TestClient, folder: Path) -> None:
    files = files_of(folder)
    assert len(files) > 15
    for name in files:
        answer = portal.get(f"/datasets/{CELLS}/dossier/1.0.0/{name}")
        assert answer.content == (folder / name).read_bytes(), name


@pytest.mark.parametrize(
    "path",
    [
        "%2e%2e%2f1.0.0%2fevidence.json",
        "%2e%2e/1.0.0/evidence.json",
        "policies%2f..%2f..%2f1.0.0%2fevidence.json",
        "policies/%2e%2e/dossier.json",
        "%2fetc%2fpasswd",
        "nothing.json",
        "",
        "policies",
    ],
)
def test_nothing_beside_the_dossier_can_be_asked_for(portal: TestClient, path: str) -> None:
    assert portal.get(f"/datasets/{CELLS}/dossier/1.0.0/{path}").status_code == 404


def test_a_file_that_the_manifest_does_not_list_is_not_served(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    inside = folder_of_dossier(copy / "zones" / "released", CELLS, "1.0.0")
    (inside / "more.json").write_text("{}")
    app = create_app(CatalogStore.open(copy / "catalog.sqlite"), released=copy / "zones" / "released")
    assert TestClient(app).get(f"/datasets/{CELLS}/dossier/1.0.0/more.json").status_code == 404


def test_without_a_dossier_there_is_no_link_and_no_page(home: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(home, tmp_path / "home"))
    shutil.rmtree(folder_of_dossier(copy / "zones" / "released", CELLS, "1.0.0"))
    app = TestClient(create_app(CatalogStore.open(copy / "catalog.sqlite"), released=copy / "zones" / "released"))
    assert "/dossier" not in app.get(f"/en/datasets/{CELLS}").text
    for path in (f"/en/datasets/{CELLS}/dossier", f"/datasets/{CELLS}/dossier/1.0.0.zip"):
        assert app.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/en/datasets/nobody/dossier", f"/datasets/{CELLS}/dossier/9.9.9/dossier.json"])
def test_what_was_never_published_has_no_dossier(portal: TestClient, path: str) -> None:
    assert portal.get(path).status_code == 404
