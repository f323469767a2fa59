"""Where things that could undo a protection may lie: in the key store, and nowhere beside the data (V15).

A pure function over the names of files; nothing is opened. Source: APPI 41(2), 43(2), Rules 32, 35 (削除情報等・加工方法等情報).
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from anonymization.evidence import CheckResult, rule_check
from anonymization.release_checks.restorable import is_restorable

_ZONE_FILE = re.compile(
    r"zones/(restricted|pseudonymized)/[a-z]+/[a-z0-9-]+/"
    r"(CURRENT|[0-9a-f]{16}/[A-Za-z0-9_.-]+\.(parquet|json|html))"
)
_RELEASED_FILE = re.compile(r"zones/released/[a-z0-9-]+/[0-9]+\.[0-9]+\.[0-9]+/.+\.(parquet|json|html|pdf|md|csv)")
_DOSSIER_FILE = re.compile(
    r"zones/released/[a-z0-9_-]+/[0-9]+\.[0-9]+\.[0-9]+-dossier/("
    r"README\.txt|SHA256SUMS|(dossier|signers|manifest|manifest\.sig)\.json|dossier\.(ja|en)\.html|sheet\.(ja|en)\.(txt|html)|"
    r"keys/platform\.pub\.pem|schema/dossier-v[0-9]+\.json|approvals/(release|dataset)/[a-z0-9_-]+\.json|"
    r"dp_card/(entry_(ja|en)\.(yaml|json)|checklist\.json)|"
    r"policies/[a-z]+\.[a-z0-9@._-]+\.json|policies/hierarchy\.[a-z0-9_-]+\.levels\.[a-z]+)"
)
_OUTBOX_FILE = re.compile(r"outbox/[A-Za-z0-9._-]+/.+\.(c4gh|json|html|pdf|md)")
_WORKING = ("zones/restricted/spill/", "zones/restricted/packages/")
_BEING_WRITTEN = re.compile(r"\..*\.part|\.(CURRENT|[a-z0-9-]+\.json)\.[0-9a-f]{8}")
"""Names of files and folders that another process is writing; they vanish or get their own name."""
_PUBLIC_KEY = ".pub.pem"
_KEY_ENDINGS = (".key.json", ".key", ".pem", ".sec", ".p12", ".seed")


def custody_checks(files: Iterable[PurePosixPath]) -> tuple[CheckResult, ...]:
    """Say that beside the data lies nothing but data, and that keys lie in the key store only.

    Args:
        files: Every file below `zones` and `outbox`, relative to the deployment's home.

    Returns:
        Rules APPI-18 and APPI-26; the counts tell what is misplaced, never a name.

    Not guaranteed: what is inside a file; `restorable_checks` looks at documents and columns.
    """
    looked = misplaced = keys = 0
    for file in files:
        path = file.as_posix()
        if path.startswith(_WORKING) or any(_BEING_WRITTEN.fullmatch(part) for part in file.parts):
            continue
        looked += 1
        is_key = path.endswith(_KEY_ENDINGS) and not path.endswith(_PUBLIC_KEY)
        keys += is_key
        misplaced += not is_key and (not _is_listed(path) or is_restorable(file.name.split(".")[0]))
    what = "beside the data lies nothing but data and its description; keys are in the key store only"
    measured = {"files": looked, "keys_beside_data": keys, "not_listed": misplaced}
    return tuple(
        rule_check(rule, f"custody.{rule}", misplaced + keys, what, measured) for rule in ("APPI-18", "APPI-26")
    )


def _is_listed(path: str) -> bool:
    return any(form.fullmatch(path) for form in (_ZONE_FILE, _RELEASED_FILE, _DOSSIER_FILE, _OUTBOX_FILE))
