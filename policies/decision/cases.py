"""Decision cases: requests that compliance officers wrote down, each decided as the folder it lies in says.

`cases/<release>/{allow,deny,ask}/*.yaml`. A case is to a release policy what a test is to code: an edit of the policy
that lets somebody in, or shuts somebody out, turns a case red before anybody signs. Here: the folder of cases. Not
here: the form of one case (`files`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.decision.decide import decide
from policies.decision.files import DecisionCase
from policies.decision.mondo import Diseases
from policies.decision.mondo_files import shipped_diseases
from policies.decision.verdict import Decision, Verdict
from policies.documents import read_policy
from policies.errors import Place
from policies.files import lies_below, real_path
from policies.findings import Finding, in_order
from policies.library import PolicyKind, PolicyLibrary
from policies.places import Document, Key
from policies.vocabulary import Severity

FOLDER = "cases"
EXPECTED: dict[str, Verdict] = {"allow": Verdict.ADMIT, "deny": Verdict.REFUSE, "ask": Verdict.ASK}
"""What the name of a case's folder says."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One case that could be decided: its file, what its folder says, and the decision."""

    file: Path
    expected: Verdict
    case: DecisionCase
    decision: Decision


@dataclass(frozen=True, slots=True)
class Cases:
    """What a folder of cases came to: the cases that were decided, everything that is wrong, every file looked at."""

    decided: tuple[Decided, ...]
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]


def check_cases(
    library: PolicyLibrary, *, paths: Sequence[Path] | None = None, diseases: Diseases | None = None
) -> Cases:
    """Decide every case of a policies folder.

    Args:
        library: The policies; its `root` holds `cases/`.
        paths: Decide only the cases in these files or below these folders, and those of these releases; None decides all.
        diseases: What is known of diseases; the table that ships with Niji if not given.

    Returns:
        The decided cases, and a finding for each that is decided otherwise than its folder says, that does not load, or
        that lies where no release is.
    """
    known = diseases or shipped_diseases()
    decided: list[Decided] = []
    findings: list[Finding] = []
    files = tuple(_files(library, paths))
    for file in files:
        document, case, wrong = read_policy(file, DecisionCase)
        findings += wrong
        if document is None or not isinstance(case, DecisionCase):
            continue
        misplaced = list(_misplaced(library, document, file))
        findings += misplaced
        if misplaced or library.is_broken(PolicyKind.RELEASE, file.parent.parent.name):
            continue
        one = _decided(library, file, case, known)
        decided.append(one)
        findings += _differs(document, one)
    return Cases(tuple(decided), in_order(findings), files)


def _files(library: PolicyLibrary, paths: Sequence[Path] | None) -> Iterator[Path]:
    root = library.root / FOLDER
    found = sorted(path for path in root.rglob("*.y*ml") if not path.is_dir())
    if paths is None:
        yield from found
        return
    wanted = [real_path(path) for path in paths]
    releases = {
        name for (kind, name), file in library.files.items() if kind is PolicyKind.RELEASE and real_path(file) in wanted
    }
    for file in found:
        if lies_below(file, wanted) or (file.relative_to(root).parts[0] in releases):
            yield file


def _decided(library: PolicyLibrary, file: Path, case: DecisionCase, diseases: Diseases) -> Decided:
    release = library.releases[file.parent.parent.name]
    decision = decide(
        case.request.for_release(release.id, release.version),
        release,
        library=library,
        on=case.on,
        diseases=diseases,
        circumstances=case.circumstances,
    )
    return Decided(file, EXPECTED[file.parent.name], case, decision)


def _misplaced(library: PolicyLibrary, document: Document, file: Path) -> Iterator[Finding]:
    parts = file.relative_to(library.root / FOLDER).parts
    if len(parts) != 3 or parts[1] not in EXPECTED:
        what = "the case does not lie in cases/<release>/allow, deny or ask"
        yield _finding(document, "case-misplaced", what, "move it there; the folder says how it must be decided")
    elif (PolicyKind.RELEASE, parts[0]) not in library.files:
        what = f"there is no release '{parts[0]}'"
        yield _finding(document, "case-misplaced", what, "name the folder after a release, or remove the cases")


def _differs(document: Document, one: Decided) -> Iterator[Finding]:
    decision, said = one.decision, one.decision.verdict
    if said is not one.expected:
        strict = [f"{reason.rule} ({reason.code})" for reason in (*decision.refusals, *decision.questions)]
        why = f"because of {', '.join(dict.fromkeys(strict))}" if strict else "nothing refuses or asks"
        what = f"the case decides {said.value}, and its folder says {one.expected.value}: {why}"
        yield _finding(document, "case-decided-otherwise", what, "correct the policy, or move the case", ("request",))
        return
    if said is Verdict.ADMIT:
        return
    if not one.case.because:
        what = "the case does not say because of which rules it is decided so"
        yield _finding(document, "case-without-reason", what, "write `because: [APPI-07]`", ("on",))
    yield from _unsaid(document, one, said)


def _unsaid(document: Document, one: Decided, said: Verdict) -> Iterator[Finding]:
    """Find named rules that gave no reason of this strictness."""
    strict = {reason.rule for reason in one.decision.reasons if reason.verdict is said}
    for index, rule in enumerate(one.case.because):
        if rule not in strict:
            what = f"{rule} is not among the reasons; they are {', '.join(sorted(strict))}"
            yield _finding(document, "case-other-reason", what, "name the rule that decides it", ("because", index))


def _finding(document: Document, code: str, what: str, fix: str, keys: Iterable[Key] = ()) -> Finding:
    why = "cases hold what a policy lets in and keeps out, so that an edit cannot change it unseen"
    place = document.place(*keys) if keys else Place(document.file, document.root.line, document.root.column)
    return Finding(f"policy.{code}", Severity.BLOCK, place, what, why, fix)
