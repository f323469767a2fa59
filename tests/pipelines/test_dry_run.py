"""A dry run tells what would leave, needs no signature, and leaves every byte of the home as it was."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pipelines.deployment import Deployment
from pipelines.dry_run import foresee
from pipelines.settings import Settings, settings_for_reading
from policies.load import read_library
from tests.support import tiny_deployment as tiny
from tests.support.whole_way import niji

CELLS, NUMBERS = tiny.RELEASES


@pytest.fixture
def published(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = tiny.published_home(tmp_path_factory, tmp_path / "home")
    (settings.home / "passphrase").write_bytes(tiny.PASSPHRASE.reveal())
    return settings


def bytes_of(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(home.rglob("*"))
    }


def seen(settings: Settings, name: str):
    return foresee(Deployment(settings, read_library(settings.policies)), name)


def figure(foreseen, key: str):
    return {one.key: one.value for one in foreseen.figures}.get(key)


def dry_run(settings: Settings, target: object, *more: str):
    return niji("policy", "dry-run", str(target), "--home", settings.home, "--on", tiny.ON.isoformat(), *more)


@pytest.mark.parametrize("name", tiny.RELEASES)
def test_home_is_the_same_byte_for_byte_afterwards(published: Settings, name: str) -> None:
    before = bytes_of(published.home)
    done = dry_run(published, name, "--json")
    assert done.code == 0, done.text
    assert json.loads(done.out)["written"] is False
    assert bytes_of(published.home) == before


def test_home_that_was_never_run_is_read_from_its_landing_files_and_stays_empty(tmp_path: Path) -> None:
    tiny.write_deployment(tmp_path)
    shutil.rmtree(tmp_path / "keys", ignore_errors=True)
    before = bytes_of(tmp_path)
    foreseen = seen(settings_for_reading(tmp_path, on=tiny.ON), CELLS)
    assert foreseen.obstacles == ()
    assert foreseen.rehearsed == {"clinic": "landing"}
    assert figure(foreseen, "people_in") == tiny.PEOPLE - tiny.OPTED_OUT
    assert bytes_of(tmp_path) == before


def test_figures_are_those_of_the_release_that_was_made(published: Settings) -> None:
    foreseen = seen(published, CELLS)
    assert foreseen.rehearsed == {"clinic": "pseudonymized"}
    assert foreseen.published_version == "1.0.0"
    assert {one.key: one.value for one in foreseen.published} == {one.key: one.value for one in foreseen.figures}
    assert foreseen.is_ok


def test_changed_unsigned_draft_is_foreseen_beside_what_is_published(published: Settings, tmp_path: Path) -> None:
    draft = tmp_path / "changed.yaml"
    text = (published.policies / tiny.CELLS).read_text("utf-8")
    draft.write_text(text.replace("min_cell: 10", "min_cell: 15"), "utf-8")
    done = dry_run(published, draft, "--json")
    body = json.loads(done.out)
    assert body["hidden_cells"] > 0
    assert body["published"]["hidden_cells"] == 0
    assert body["published"]["version"] == "1.0.0"


def test_draft_that_a_rule_refuses_says_which_and_ends_with_ten(published: Settings, tmp_path: Path) -> None:
    draft = tmp_path / "changed.yaml"
    text = (published.policies / tiny.CELLS).read_text("utf-8")
    draft.write_text(text.replace("min_cell: 10", "min_cell: 4"), "utf-8")
    done = dry_run(published, draft, "--json")
    assert done.code == 10
    assert "CELL-NDB-1" in {one["rule"] for one in json.loads(done.out)["would_fail"]}


def test_draft_that_the_data_refuse_says_why_and_ends_with_eleven(published: Settings, tmp_path: Path) -> None:
    draft = tmp_path / "changed.yaml"
    text = (published.policies / tiny.CELLS).read_text("utf-8")
    draft.write_text(text.replace("min_cell: 10", "min_cell: 300"), "utf-8")
    done = dry_run(published, draft, "--json")
    assert done.code == 11
    assert {one["rule"] for one in json.loads(done.out)["would_fail"]} == {"data.nothing-to-show"}


def test_objection_since_the_last_run_is_seen_at_once(published: Settings) -> None:
    with (published.landing / "optouts.csv").open("a", encoding="utf-8") as file:
        file.write("P0080,停止,2026-11-20\n")
    foreseen = seen(published, CELLS)
    assert figure(foreseen, "people_in") == tiny.PEOPLE - tiny.OPTED_OUT - 1
    assert foreseen.rehearsed == {"clinic": "landing"}


def test_plan_of_noisy_tables_charges_nothing_and_knows_an_answered_question(published: Settings) -> None:
    spent = tiny.reopened(published).ledger.show("clinic")
    foreseen = seen(published, NUMBERS)
    assert figure(foreseen, "answered_before") is True
    assert figure(foreseen, "rho") == "0"
    assert figure(foreseen, "rho_left_after") == "0.05"
    assert tiny.reopened(published).ledger.show("clinic") == spent
    tiny.change(published, tiny.NUMBERS, ("release_rho: '0.25'", "release_rho: '0.05'"))
    cheaper = seen(published, NUMBERS)
    assert figure(cheaper, "rho") == "0.05"
    assert figure(cheaper, "rho_left_before") == "0.05"
    assert figure(cheaper, "rho_left_after") == "0"
    assert cheaper.is_ok


def test_plan_above_what_is_left_would_be_refused(published: Settings) -> None:
    tiny.change(published, tiny.NUMBERS, ("release_rho: '0.25'", "release_rho: '0.1'"))
    foreseen = seen(published, NUMBERS)
    assert [one.rule for one in foreseen.obstacles] == ["DP-01"]


def test_small_counts_are_hidden_here_too(published: Settings) -> None:
    rows = (published.landing / "patients.csv").read_text("utf-8").splitlines()
    (published.landing / "patients.csv").write_text("\n".join(rows[:9]) + "\n", "utf-8")
    foreseen = seen(published, CELLS)
    texts = json.dumps(foreseen.as_json(), ensure_ascii=False)
    assert figure(foreseen, "people_in") is None
    assert "P000" not in texts


@pytest.mark.parametrize("language", ["ja", "en"])
def test_page_for_people_has_no_value_of_a_person(published: Settings, language: str) -> None:
    done = dry_run(published, CELLS, "--language", language)
    assert done.code == 0
    assert ("公開中" if language == "ja" else "Published") in done.out
    assert "架空" not in done.out.replace("架空のclinic", "")
    assert "P00" not in done.out


def test_unknown_release_and_unknown_home_are_usage_errors(published: Settings, tmp_path: Path) -> None:
    assert dry_run(published, "no-such-release").code == 2
    done = niji("policy", "dry-run", CELLS, "--home", tmp_path / "nowhere")
    assert done.code == 2
    assert not (tmp_path / "nowhere").exists()
