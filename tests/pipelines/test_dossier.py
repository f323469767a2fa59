"""The dossier of a published release: complete, true to the deployment, safe to show, and verified off-line to the last byte."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import dagster as dg
import jsonschema
import pytest

from catalog.dossier import SCHEMA_FILE, Dossier, json_schema
from catalog.dossier_folder import files_of, read_dossier, zip_dossier
from catalog.dossier_page import style_digest
from catalog.dossier_readme import PLAIN_COMMANDS
from catalog.dossier_verify import verify_dossier
from catalog.keys import KeyStore, PublicKey, read_public_key
from catalog.manifest import MANIFEST, SIGNATURE, write_manifest
from pipelines.deployment import Deployment
from pipelines.run import instance_of, run
from pipelines.settings import Settings
from pipelines.stages.answers import answers_of, refuse_open
from pipelines.stages.dossier import dossier_folder, make_dossier
from pipelines.stages.published import make_published
from pipelines.stages.rule_evidence import stage_checks
from pipelines.storage import Stage
from policies.answers import Verdict
from policies.applies import packs_of
from policies.canonical import digests
from policies.errors import ExitCode, IntegrityError, NijiError, PolicyError, UsageError
from policies.library import PolicyKind
from tests.support import tiny_deployment as tiny
from tests.support.signing import sign_policies

CELLS, NUMBERS = tiny.RELEASES


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("dossier") / "home")


@pytest.fixture(scope="module")
def deployment(published: Settings) -> Deployment:
    return tiny.reopened(published)


def folder_of(deployment: Deployment, release: str) -> Path:
    return dossier_folder(deployment, deployment.library.release(release))


@pytest.fixture
def copied(deployment: Deployment, tmp_path: Path) -> Path:
    """A dossier on another machine: its folder and nothing else."""
    return Path(shutil.copytree(folder_of(deployment, CELLS), tmp_path / "elsewhere"))


@pytest.fixture
def platform(deployment: Deployment, tmp_path: Path) -> dict[str, PublicKey]:
    """The platform's public key, as it reached the reader by another way."""
    key = read_public_key(deployment.settings.home / "keys" / "signing.platform.pub.pem")
    return {key.key_id: key}


# --- what is in it


@pytest.mark.parametrize("release", tiny.RELEASES)
def test_every_rule_of_every_listed_pack_is_answered(deployment: Deployment, release: str) -> None:
    dossier = read_dossier(folder_of(deployment, release))
    policy = deployment.library.release(release)
    listed = [(pack.id, rule.id) for pack in packs_of(policy, deployment.library) for rule in pack.rules]
    assert [(rule.pack, rule.id) for rule in dossier.rules] == listed
    blocking = [rule for rule in dossier.rules if rule.severity.value == "BLOCK"]
    assert {rule.verdict.value for rule in blocking} <= {"kept", "accepted", "not_applicable"}
    assert dossier.summary.open_points == ()
    assert dossier.summary.kept + dossier.summary.accepted == dossier.summary.applicable


@pytest.mark.parametrize("release", tiny.RELEASES)
def test_what_the_rules_point_to_is_there(deployment: Deployment, release: str) -> None:
    dossier = read_dossier(folder_of(deployment, release))
    checks = {f"{check.stage}/{check.name}" for check in dossier.checks}
    for rule in dossier.rules:
        for place in re.sub(r" \(\+\d+\)", "", rule.where).split(", "):
            file = place.split(":")[0]
            is_later = place.split("/")[0] in {"requested", "extracted"}
            assert place in checks or is_later or (deployment.settings.policies / file).exists(), (rule.id, place)


def test_the_dossier_says_who_what_on_which_article_and_who_signed(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, CELLS))
    assert (dossier.subject.id, dossier.subject.version) == (CELLS, "1.0.0")
    assert dossier.subject.basis.value == "statistics_only"
    assert [holder.kind.value for holder in dossier.holders] == ["private_academic"]
    assert dossier.approvals.is_signed
    signed = {(one.policy, one.role.value) for one in dossier.approvals.signatures}
    roles = {"author", "data_steward", "compliance_officer", "key_custodian"}
    assert signed == {(policy, role) for policy in (CELLS, "clinic") for role in roles}
    assert len({one.signer for one in dossier.approvals.signatures}) == 4


def test_every_part_of_the_evidence_pack_is_filled(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, CELLS))
    assert dossier.columns
    assert {column.scan.en for column in dossier.columns} != {"no record of a scan"}
    assert dossier.risk
    assert [(one.people_before, one.people_removed, one.people_after) for one in dossier.consent] == [
        ("90+", "<10", "80+")
    ]
    assert dossier.publication.published_on == tiny.ON
    assert [one.contract for one in dossier.recipients] == ["C-31"]
    assert {one.kind for one in dossier.custody} >= {"pseudonym", "signing", "storage"}
    assert dossier.lineage.package_manifest is not None
    assert [one.dataset for one in dossier.lineage.sources] == ["clinic"]
    assert [line.dimension.value for line in dossier.quality.dimensions] == ["completeness", "uniqueness"]
    assert all(0 < line.passed <= line.checks for line in dossier.quality.dimensions)
    assert dossier.retention.delete_by == date(2029, 1, 14), "24 months and 30 days after 2026-12-15"
    assert dossier.ledger is None


def test_a_differentially_private_release_shows_its_account_and_no_count(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, NUMBERS))
    assert dossier.ledger is not None
    assert (dossier.ledger.population, dossier.ledger.rho_cap, dossier.ledger.rho_charged) == ("clinic", "0.3", "0.25")
    entries = {entry.digest for entry in deployment.ledger.history()}
    assert len(dossier.ledger.entry_digests) == 2
    assert set(dossier.ledger.entry_digests) <= entries
    assert {(one.people_before, one.people_removed, one.people_after) for one in dossier.consent} == {
        (None, None, None)
    }
    counted = {name for check in dossier.checks for name in check.measured}
    assert counted <= {"columns", "columns_scanned", "tables", "queries", "documents", *counted - {"rows", "people"}}
    assert not counted & {"rows", "people", "records", "keys", "rows_scanned", "codes", "tries"}


def test_the_contained_policies_are_those_that_were_published(deployment: Deployment) -> None:
    folder = folder_of(deployment, CELLS)
    dossier = read_dossier(folder)
    known = digests(deployment.library, release=CELLS)
    assert {f"{entry.kind}/{entry.id}": entry.digest for entry in dossier.lineage.policies} == known
    release = next(entry for entry in dossier.lineage.policies if entry.kind == "release")
    assert "sha256:" + sha256((folder / release.path).read_bytes()).hexdigest() == known[f"release/{CELLS}"]


# --- what is never in it


@pytest.mark.parametrize("release", tiny.RELEASES)
def test_no_exact_count_no_value_and_no_key_is_in_it(deployment: Deployment, release: str) -> None:
    folder = folder_of(deployment, release)
    secrets = [deployment.keys.secret(kind, name).reveal() for kind, name in deployment.keys.names()]
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        assert not any(secret in content or secret.hex().encode() in content for secret in secrets)
        assert "架空1".encode() not in content
        assert b"P0001" not in content
        assert str(deployment.settings.home).encode() not in content
    shown = " ".join((folder / f"dossier.{language}.html").read_text("utf-8") for language in ("ja", "en"))
    exact = {tiny.PEOPLE + tiny.OPTED_OUT, tiny.PEOPLE, tiny.PEOPLE - tiny.OPTED_OUT}
    figures = {figure for check in read_dossier(folder).checks for figure in check.measured.values()}
    assert not figures & {str(count) for count in exact}
    assert f">{tiny.PEOPLE - tiny.OPTED_OUT}<" not in shown


def test_every_number_of_a_check_passed_the_gate(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, CELLS))
    shown = {(check.stage, check.name): check.measured for check in dossier.checks}
    seen = 0
    for stage, check in stage_checks(deployment, CELLS):
        for name, value in check.measured.items():
            told = shown[stage, check.name].get(name)
            if isinstance(value, float | str):
                assert told is None
            if told is not None and name in {"rows", "rows_scanned", "people", "keys", "records"}:
                seen += 1
                assert told == "0" or told.startswith("<") or told.endswith("0+")
    assert seen > 5


@pytest.mark.parametrize("release", tiny.RELEASES)
def test_its_answers_are_sentences_without_a_machine_name(deployment: Deployment, release: str) -> None:
    dossier = read_dossier(folder_of(deployment, release))
    told = [text for rule in dossier.rules for text in (rule.how.ja, rule.how.en)]
    assert [text for text in told if re.search(r"[a-z]_[a-z]|recount\.|identifiers:", text)] == []
    assert [check.name for check in dossier.checks if check.title is None] == []
    assert all(check.found is not None for check in dossier.checks if check.measured)
    assert len(dossier.words) > 3


def test_counts_in_sentences_passed_the_gate_too(deployment: Deployment) -> None:
    dossier = read_dossier(folder_of(deployment, CELLS))
    exact = {tiny.PEOPLE + tiny.OPTED_OUT, tiny.PEOPLE, tiny.PEOPLE - tiny.OPTED_OUT}
    for check in dossier.checks:
        if check.found is not None:
            assert not {str(count) for count in exact} & set(
                re.findall(r"(?<![0-9,])[0-9,]+(?![0-9,+])", check.found.en)
            )


# --- its form


@pytest.mark.parametrize("release", tiny.RELEASES)
def test_dossier_json_keeps_its_published_schema(deployment: Deployment, release: str) -> None:
    folder = folder_of(deployment, release)
    schema = json.loads((folder / "schema" / "dossier-v1.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    body = json.loads((folder / "dossier.json").read_text("utf-8"))
    assert [error.message for error in validator.iter_errors(body)] == []
    body["rules"][0].pop("how")
    assert not validator.is_valid(body)


def test_the_shipped_schema_is_that_of_the_model() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == json_schema(), "write it again: catalog.dossier.json_schema()"


def test_dossier_json_reads_back_as_it_was_written(deployment: Deployment) -> None:
    folder = folder_of(deployment, CELLS)
    assert read_dossier(folder).as_json() == (folder / "dossier.json").read_bytes()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_page_stands_alone_and_allows_only_its_own_style(deployment: Deployment, language: str) -> None:
    page = (folder_of(deployment, CELLS) / f"dossier.{language}.html").read_text("utf-8")
    assert f'<html lang="{language}">' in page
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
    assert not re.search(r"url\(|@import", page)
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert f"style-src 'sha256-{style_digest(style.group(1))}'" in page
    assert "style=" not in page
    for rule in read_dossier(folder_of(deployment, CELLS)).rules:
        assert f">{rule.id}<" in page


def test_a_page_escapes_what_policies_say(deployment: Deployment) -> None:
    from catalog.dossier_page import dossier_page

    dossier = read_dossier(folder_of(deployment, CELLS))
    title = dossier.subject.title.model_copy(update={"ja": "<b>太字</b>", "en": "<b>bold</b>"})
    changed = dossier.model_copy(update={"subject": dossier.subject.model_copy(update={"title": title})})
    page = dossier_page(changed, language="en")
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page


def test_a_page_with_open_points_says_no_first(deployment: Deployment) -> None:
    from catalog.dossier_page import dossier_page

    dossier = read_dossier(folder_of(deployment, CELLS))
    summary = dossier.summary.model_copy(update={"kept": dossier.summary.kept - 1, "unanswered": 1})
    page = dossier_page(dossier.model_copy(update={"summary": summary}), language="en")
    assert f"No: only {summary.kept} of {summary.applicable}" in page
    assert "Yes: all" in dossier_page(dossier, language="en")


# --- verified elsewhere


def test_a_dossier_verifies_without_home_and_network(
    copied: Path, platform: dict[str, PublicKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.delenv("NIJI_HOME", raising=False)
    verified = verify_dossier(copied, platform)
    assert verified.is_key_given
    assert verified.signatures == 8
    assert len(verified.manifest.files) == len(files_of(copied)) - 2
    assert not verify_dossier(copied).is_key_given


def positions(size: int) -> Iterator[int]:
    """Both ends and places between, closer in short files."""
    yield from sorted({0, size - 1, *range(0, size, max(1, size // 12))})


def test_one_flipped_byte_anywhere_is_detected(copied: Path, platform: dict[str, PublicKey]) -> None:
    flipped = 0
    for path in sorted(path for path in copied.rglob("*") if path.is_file()):
        original = path.read_bytes()
        step = range(len(original)) if path.name == SIGNATURE else positions(len(original))
        for position in step:
            for bit in (0x01, 0x20):
                changed = bytearray(original)
                changed[position] ^= bit
                path.write_bytes(changed)
                for keys in (platform, None):
                    with pytest.raises(IntegrityError) as refused:
                        verify_dossier(copied, keys)
                    assert refused.value.exit_code is ExitCode.INTEGRITY
                flipped += 1
        path.write_bytes(original)
    assert flipped > 1000
    verify_dossier(copied, platform)


def cut(folder: Path) -> None:
    path = folder / "dossier.en.html"
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(folder: Path) -> None:
    path = folder / "dossier.json"
    path.write_bytes(path.read_bytes() + b"\n")


def add_file(folder: Path) -> None:
    (folder / "policies" / "note.txt").write_text("harmless")


def add_folder(folder: Path) -> None:
    (folder / "more").mkdir()


def add_link(folder: Path) -> None:
    (folder / "link.json").symlink_to(folder / "dossier.json")


def remove_file(folder: Path) -> None:
    (folder / "sheet.ja.txt").unlink()


def remove_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def remove_signature(folder: Path) -> None:
    (folder / SIGNATURE).unlink()


def rename(folder: Path) -> None:
    (folder / "sheet.ja.txt").rename(folder / "sheet.txt")


def exchange(folder: Path) -> None:
    one, two = folder / "sheet.ja.txt", folder / "sheet.en.txt"
    texts = one.read_bytes(), two.read_bytes()
    one.write_bytes(texts[1])
    two.write_bytes(texts[0])


def empty(folder: Path) -> None:
    (folder / "dossier.json").write_bytes(b"")


@pytest.mark.parametrize(
    "change",
    [
        cut, lengthen, add_file, add_folder, add_link, remove_file, remove_manifest, remove_signature, rename, exchange,
        empty,
    ],
)  # fmt: skip
def test_a_changed_folder_is_detected(
    copied: Path, platform: dict[str, PublicKey], change: Callable[[Path], None]
) -> None:
    change(copied)
    with pytest.raises(IntegrityError):
        verify_dossier(copied, platform)


def stranger(folder: Path) -> KeyStore:
    return KeyStore.open(folder, tiny.PASSPHRASE)


def sign_anew(folder: Path, tmp_path: Path) -> None:
    statement = json.loads((folder / MANIFEST).read_bytes())["statement"]
    (folder / MANIFEST).unlink()
    (folder / SIGNATURE).unlink()
    write_manifest(folder, stranger(tmp_path / "stranger").signer(), statement=statement)


def test_a_dossier_signed_anew_by_somebody_else_is_refused(
    copied: Path, platform: dict[str, PublicKey], tmp_path: Path
) -> None:
    sign_anew(copied, tmp_path)
    with pytest.raises(IntegrityError, match="not trusted"):
        verify_dossier(copied, platform)
    with pytest.raises(IntegrityError):
        verify_dossier(copied)


def test_exchanging_the_contained_key_too_does_not_help(
    copied: Path, platform: dict[str, PublicKey], tmp_path: Path
) -> None:
    key = copied / "keys" / "platform.pub.pem"
    key.write_text(stranger(tmp_path / "stranger").signer().public.pem())
    sign_anew(copied, tmp_path)
    with pytest.raises(IntegrityError, match="not trusted"):
        verify_dossier(copied, platform)
    # Without the platform's key only the register of signers tells: the stranger did not sign it.
    with pytest.raises(IntegrityError, match="register"):
        verify_dossier(copied)


def as_platform(deployment: Deployment, folder: Path) -> None:
    """Sign a changed folder with the platform's own key: what is left are the inner checks."""
    body = json.loads((folder / MANIFEST).read_bytes())["statement"]
    (folder / MANIFEST).unlink()
    (folder / SIGNATURE).unlink()
    write_manifest(folder, deployment.keys.signer(), statement=body)


def test_a_policy_that_is_not_the_named_one_is_refused_even_if_signed(
    deployment: Deployment, copied: Path, platform: dict[str, PublicKey]
) -> None:
    path = copied / "policies" / f"release.{CELLS}.json"
    path.write_bytes(path.read_bytes().replace(b'"min_cell":10', b'"min_cell":11'))
    as_platform(deployment, copied)
    with pytest.raises(IntegrityError, match="policy-digest"):
        verify_dossier(copied, platform)


def test_an_approval_that_nobody_signed_is_refused_even_if_the_platform_signed_the_folder(
    deployment: Deployment, copied: Path, platform: dict[str, PublicKey]
) -> None:
    records = copied / "approvals" / "release" / f"{CELLS}.json"
    records.write_bytes(records.read_bytes().replace(b'"version": "1.0.0"', b'"version": "1.0.1"'))
    as_platform(deployment, copied)
    with pytest.raises(IntegrityError, match="approval"):
        verify_dossier(copied, platform)


def test_a_signature_that_is_listed_and_not_on_record_is_refused(
    deployment: Deployment, copied: Path, platform: dict[str, PublicKey]
) -> None:
    shutil.rmtree(copied / "approvals" / "release")
    as_platform(deployment, copied)
    with pytest.raises(IntegrityError, match="signature-missing"):
        verify_dossier(copied, platform)


def test_a_dossier_of_another_form_is_refused_with_a_code(
    deployment: Deployment, copied: Path, platform: dict[str, PublicKey]
) -> None:
    path = copied / "dossier.json"
    path.write_bytes(path.read_bytes().replace(b"niji/dossier/v1", b"niji/dossier/v9"))
    as_platform(deployment, copied)
    with pytest.raises(IntegrityError, match=r"dossier\.unreadable"):
        verify_dossier(copied, platform)


def test_a_file_is_no_dossier(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"dossier\.no-folder"):
        verify_dossier(tmp_path / "nothing")
    with pytest.raises(IntegrityError):
        verify_dossier(tmp_path)


# --- verified without niji


def shell(commands: str, folder: Path, key: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env={**os.environ, "KEY": str(key), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )


def is_good(done: subprocess.CompletedProcess[str]) -> bool:
    """What README.txt says must be seen."""
    said = ("SHA256SUMS: listed", "manifest.sig.json: exact", "Signature Verified Successfully")
    return done.returncode == 0 and "FAILED" not in done.stdout and all(each in done.stdout for each in said)


@pytest.mark.tool
def test_the_commands_of_the_readme_verify_it(
    copied: Path, deployment: Deployment, outside_tool: Callable[[str], str]
) -> None:
    outside_tool("openssl")
    outside_tool("sha256sum")
    key = deployment.settings.home / "keys" / "signing.platform.pub.pem"
    done = shell(PLAIN_COMMANDS, copied, key)
    assert is_good(done), done.stdout + done.stderr
    readme = (copied / "README.txt").read_text("utf-8")
    for line in PLAIN_COMMANDS.splitlines():
        assert f"    {line}\n" in readme, "README.txt shows the very commands"


@pytest.mark.tool
@pytest.mark.parametrize("file", ["dossier.ja.html", "SHA256SUMS", MANIFEST, SIGNATURE])
def test_the_commands_of_the_readme_find_a_change(
    copied: Path, deployment: Deployment, outside_tool: Callable[[str], str], file: str
) -> None:
    outside_tool("openssl")
    path = copied / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    key = deployment.settings.home / "keys" / "signing.platform.pub.pem"
    assert not is_good(shell(PLAIN_COMMANDS, copied, key))


# --- the gate


def test_a_release_with_an_unanswered_blocking_rule_is_refused_by_name(deployment: Deployment) -> None:
    release = deployment.library.release(CELLS)
    answers = answers_of(deployment, release)
    refuse_open(release, answers, file=Path("x.yaml"))
    silent = [one.__class__(one.clause, one.pack, Verdict.UNANSWERED, one.how, one.where) for one in answers[:1]]
    with pytest.raises(PolicyError) as refused:
        refuse_open(release, [*silent, *answers[1:]], file=Path("x.yaml"))
    assert refused.value.code == "rule.unanswered"
    assert refused.value.exit_code is ExitCode.POLICY
    assert answers[0].rule in refused.value.what


def test_nothing_is_published_while_a_stage_is_silent_about_a_rule(
    published: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("silent") / "home")
    tiny.change(settings, tiny.CELLS, ("version: 1.0.0", "version: 1.0.1"))
    sign_policies(settings)

    def without_scan(deployment: Deployment, release: str) -> Iterator[object]:
        return (pair for pair in stage_checks(deployment, release) if pair[1].rule != "APPI-03")

    monkeypatch.setattr("pipelines.stages.rule_evidence.stage_checks", without_scan)
    with pytest.raises(NijiError) as refused:
        run(settings, selection=[CELLS])
    assert refused.value.code == "rule.unanswered"
    assert "APPI-03" in refused.value.what
    assert "classified" in refused.value.what
    again = tiny.reopened(settings)
    assert again.store.versions(CELLS) == ("1.0.0",)
    assert not folder_of(again, CELLS).exists()
    monkeypatch.undo()
    run(settings, selection=[CELLS])
    assert tiny.reopened(settings).store.versions(CELLS) == ("1.0.0", "1.0.1")


def test_a_hold_that_compliance_accepted_by_name_is_shown_as_accepted(tmp_path: Path) -> None:
    settings = tiny.write_deployment(tmp_path / "home")
    clinic = (settings.policies / tiny.CLINIC).read_text("utf-8")
    desk = next(line for line in clinic.splitlines() if line.startswith("incident_desk:"))
    tiny.change(settings, tiny.CLINIC, (f"{desk}\n", ""))
    sign_policies(settings)
    run(settings, selection=[CELLS])
    dossier = read_dossier(folder_of(tiny.reopened(settings), CELLS))
    rule = next(rule for rule in dossier.rules if rule.id == "APPI-16")
    assert (rule.severity.value, rule.verdict.value) == ("HOLD", "accepted")
    assert "compliance officer demo-compliance-officer" in rule.how.en
    assert rule.where.startswith("datasets/clinic.yaml")
    assert (dossier.summary.accepted, dossier.summary.open_points) == (1, ())
    accepted = {one.accepted for one in dossier.approvals.signatures if one.role.value == "compliance_officer"}
    assert ("APPI-16",) in accepted


# --- built once


def test_publishing_twice_changes_no_byte(deployment: Deployment) -> None:
    folder = folder_of(deployment, CELLS)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    events = len(list(deployment.audit.events()))
    assert make_published(deployment, CELLS).is_reused
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert len(list(deployment.audit.events())) == events


def test_the_catalog_record_names_the_dossier(deployment: Deployment) -> None:
    record = deployment.store.record(CELLS)
    assert record is not None
    assert record.dossier_digest == verify_dossier(folder_of(deployment, CELLS)).manifest.digest


def test_the_dagster_asset_shows_where_it_lies_and_how_the_rules_stand(deployment: Deployment) -> None:
    with instance_of(deployment.settings) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["published", CELLS]))
    assert event is not None
    assert event.asset_materialization is not None
    shown = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    summary = read_dossier(folder_of(deployment, CELLS)).summary
    assert str(shown["dossier"]).endswith(f"released/{CELLS}/1.0.0-dossier")
    assert shown["dossier_page"] == f"http://127.0.0.1:8000/ja/datasets/{CELLS}/dossier"
    assert shown["rules_kept"] == f"{summary.applicable} of {summary.applicable} that apply"
    assert (shown["rules_held"], shown["rules_open"]) == (0, 0)


def test_a_release_published_before_there_were_dossiers_gets_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("older") / "home")
    older = tiny.reopened(settings)
    shutil.rmtree(folder_of(older, CELLS))
    assert make_published(older, CELLS).is_reused
    verify_dossier(folder_of(older, CELLS), older.keys.signing_keys())
    older.audit.verify(older.keys.signing_keys())


def test_an_altered_dossier_is_never_written_over(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = tiny.published_home(tmp_path_factory, tmp_path_factory.mktemp("altered") / "home")
    broken = tiny.reopened(settings)
    (folder_of(broken, CELLS) / "README.txt").write_text("other")
    release = broken.library.release(CELLS)
    record = broken.store.record(CELLS)
    assert record is not None
    with pytest.raises(IntegrityError):
        make_dossier(broken, release, record, answers_of(broken, release))
    assert (folder_of(broken, CELLS) / "README.txt").read_text() == "other"


def test_the_package_keeps_its_own_manifest(deployment: Deployment) -> None:
    package = folder_of(deployment, CELLS).with_name("1.0.0")
    listed = {entry["path"] for entry in json.loads((package / MANIFEST).read_bytes())["files"]}
    assert "dossier.json" not in listed
    assert deployment.zones.current(Stage.VALIDATED, CELLS) is not None
    assert deployment.library.file_of(PolicyKind.RELEASE, CELLS).exists()


def test_the_same_folder_gives_the_same_zip(copied: Path) -> None:
    import io
    import zipfile

    body = zip_dossier(copied)
    assert body == zip_dossier(copied)
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert {name.split("/", 1)[1] for name in names} == set(files_of(copied))


def test_a_dossier_model_refuses_what_it_does_not_know(deployment: Deployment) -> None:
    body = json.loads((folder_of(deployment, CELLS) / "dossier.json").read_text("utf-8"))
    body["people"] = 87
    with pytest.raises(ValueError, match="people"):
        Dossier.model_validate_json(json.dumps(body))
