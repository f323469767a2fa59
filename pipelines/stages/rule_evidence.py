"""What the stages of a run proved of a release, by rule: one reader for the dossier, the answers and the tests.

Each stage leaves its check results where it leaves its figures: a dataset's stages in the facts of their version,
`protected` in the evidence, `validated` in the notes beside the version that was judged, `published` and `extracted` in
notes beside the validated version. Here is only the gathering; what is checked is in `anonymization`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from anonymization.evidence import CheckResult
from pipelines.deployment import Deployment
from pipelines.storage import Stage, Version
from policies.model.rulepack import RunStage

RUN_STAGES: tuple[RunStage, ...] = get_args(RunStage)
"""The stages in the data's order."""

LEDGER = "ledger"
"""The note beside a differentially private version: its charge and its answer, held against the ledger."""
PUBLISHED = "published"
EXTRACTED = "extracted"
"""The notes beside a validated version; an extract's is called `extracted-<permit>`."""

_DATASET_STAGES = (Stage.RAW, Stage.CLASSIFIED, Stage.CONSENTED, Stage.PSEUDONYMIZED)
_JUDGEMENTS = ("quality", "recount")


def checks_by_rule(deployment: Deployment, release_id: str) -> dict[str, tuple[tuple[str, CheckResult], ...]]:
    """Gather every check result that names a rule, from all stages that led to a release as it stands.

    Args:
        deployment: An opened deployment; nothing in it is changed.
        release_id: The release.

    Returns:
        By rule id, the pairs of stage and check in the data's order; failed ones too. A stage that was not made yet
        gives nothing, so a rule without an entry is a rule that nobody answered.

    Raises:
        PolicyError: There is no such release.
        IntegrityError: The description of a stored version cannot be read.
    """
    found: dict[str, list[tuple[str, CheckResult]]] = defaultdict(list)
    for stage, check in stage_checks(deployment, release_id):
        if check.rule is not None:
            found[check.rule].append((stage, check))
    return {rule: tuple(pairs) for rule, pairs in found.items()}


def stage_checks(deployment: Deployment, release_id: str) -> Iterator[tuple[str, CheckResult]]:
    """Yield each stage's check results of a release, in the data's order, also those that name no rule."""
    release = deployment.library.release(release_id)
    zones = deployment.zones
    for stage in _DATASET_STAGES:
        for name in release.datasets:
            yield from _of(stage.value, checks_in(zones.current(stage, name)))
    protected = zones.current(Stage.PROTECTED, release_id)
    if protected is None:
        return
    yield from _of(Stage.PROTECTED.value, protected.facts["evidence"]["checks"])
    yield from _of(Stage.PROTECTED.value, _noted(zones.read_note(protected, LEDGER)))
    for judgement in _JUDGEMENTS:
        yield from _of(Stage.VALIDATED.value, _noted(zones.read_note(protected, judgement)))
    validated = zones.current(Stage.VALIDATED, release_id)
    if validated is None:
        return
    yield from _of(PUBLISHED, _noted(zones.read_note(validated, PUBLISHED)))
    for path in sorted(validated.folder.glob(f"{EXTRACTED}-*.json")):
        yield from _of(EXTRACTED, _noted(zones.read_note(validated, path.stem)))


def checks_in(version: Version | None) -> tuple[Mapping[str, Any], ...]:
    """Return the check results in the facts of a dataset's stage, as they were written."""
    if version is None:
        return ()
    return (*version.facts.get("findings", ()), *version.facts.get("checks", ()))


def _noted(note: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    return () if note is None else note["checks"]


def _of(stage: str, checks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, CheckResult]]:
    return ((stage, CheckResult.from_json(check)) for check in checks)
