"""A dossier that was made by the first version that made any verifies for ever.

`clinic-cells-1.0.0-dossier.zip` is the dossier of the made-up clinic of `tests/support/tiny_deployment.py`, signed by a key
that was thrown away; `platform.pub.pem` is its public half. Never write it again: a new form gets a file of its own, by

    python -m tests.golden.dossier.test_dossier_golden FOLDER

which makes a new clinic, publishes it, and puts the zip and the key into FOLDER.
"""

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from catalog.dossier import FORMAT
from catalog.dossier_folder import folder_of_dossier, read_dossier, zip_dossier
from catalog.dossier_page import dossier_page
from catalog.dossier_verify import verify_dossier
from catalog.keys import PublicKey, read_public_key
from policies.errors import IntegrityError

HERE = Path(__file__).parent
ZIP = HERE / "clinic-cells-1.0.0-dossier.zip"
KEY = HERE / "platform.pub.pem"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with zipfile.ZipFile(ZIP) as archive:
        archive.extractall(tmp_path)
    (inner,) = tmp_path.iterdir()
    return inner


@pytest.fixture
def platform() -> dict[str, PublicKey]:
    key = read_public_key(KEY)
    return {key.key_id: key}


def test_the_first_dossier_verifies(folder: Path, platform: dict[str, PublicKey]) -> None:
    verified = verify_dossier(folder, platform)
    assert verified.dossier.schema_ == FORMAT == "niji/dossier/v1"
    assert verified.signatures == 8
    assert verified.dossier.summary.open_points == ()


def test_the_first_dossier_is_still_shown(folder: Path) -> None:
    dossier = read_dossier(folder)
    for language in ("ja", "en"):
        assert dossier.subject.id in dossier_page(dossier, language="ja" if language == "ja" else "en")


def test_the_first_dossier_altered_is_still_refused(folder: Path, platform: dict[str, PublicKey]) -> None:
    page = folder / "dossier.json"
    page.write_bytes(page.read_bytes().replace(b'"kept"', b'"KEPT"', 1))
    with pytest.raises(IntegrityError):
        verify_dossier(folder, platform)


def write(target: Path) -> None:
    from pipelines.run import run
    from tests.support import tiny_deployment as tiny

    with tempfile.TemporaryDirectory() as work:
        home = Path(work) / "home"
        run(tiny.write_deployment(home), selection=["clinic-cells"])
        made = folder_of_dossier(home / "zones" / "released", "clinic-cells", "1.0.0")
        target.mkdir(parents=True, exist_ok=True)
        (target / ZIP.name).write_bytes(zip_dossier(made))
        shutil.copyfile(made / "keys" / "platform.pub.pem", target / KEY.name)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
