"""Hold policy files against the rule packs: every file, every rule, every finding with its line.

A pure function of the files and a date. Only `policies/rules/` knows what a rule asks; only this file turns what it
says into findings.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path

from policies.applies import applicable_rules
from policies.canonical import foundations
from policies.decision.rules import REQUEST_CHECKS
from policies.errors import Place, PolicyError
from policies.files import lies_below, real_path
from policies.findings import Finding, in_order, is_ok
from policies.library import PolicyKind, PolicyLibrary
from policies.model import DatasetPolicy, Rule, RulePack
from policies.places import Key
from policies.rules import DATASET_CHECKS, RELEASE_CHECKS
from policies.rules.columns import dataset_faults, table_faults
from policies.rules.conditions import condition_faults, is_in_force, regime_of
from policies.rules.packs import pack_conflicts
from policies.rules.regimes import ALWAYS_NEEDED
from policies.rules.treatments import hierarchy_faults, treatment_faults
from policies.rules.view import DatasetView, Fault, Problem, ReleaseView, is_broken, view_release
from policies.vocabulary import Severity

__all__ = ["Finding", "check", "in_order", "is_ok"]


def check(library: PolicyLibrary, *, on: date, paths: Sequence[Path] | None = None) -> tuple[Finding, ...]:
    """Check every policy of a library, as of a day.

    Args:
        library: From `load_library`, or from `read_library` when broken files are to be reported too.
        on: The day on which rule packs, approvals and reviews are to be in force.
        paths: Report only what is wrong in these files (or below these folders) and in what their releases rest on;
            None reports everything.

    Returns:
        Findings in the order of files and lines. Nothing with severity BLOCK means that the policies may be used.

    Guarantee: a release without a BLOCK finding lists every column of its tables, and satisfies every rule of stage
    `policy` in the packs it lists, which hold the law and the house rules.
    Not guaranteed: anything about the data. Rules of later stages are checked there.
    """
    findings = [
        *library.findings,
        *_hierarchies(library),
        *_packs(library, on=on),
        *_datasets(library, on=on),
        *_releases(library, on=on),
    ]
    if paths is None:
        return in_order(findings)
    wanted = _with_foundations(library, [real_path(path) for path in paths])
    below = {file: lies_below(Path(file), wanted) for file in {finding.place.file for finding in findings}}
    return in_order(finding for finding in findings if below[finding.place.file])


def _with_foundations(library: PolicyLibrary, wanted: Sequence[Path]) -> tuple[Path, ...]:
    """Add what the wanted releases rest on: a release is not in order while its dataset or a rule pack is not."""
    needed: set[tuple[PolicyKind, str]] = {key for key in library.files if key[0] is PolicyKind.RULEPACK}
    for name, release in library.releases.items():
        if lies_below(library.files[PolicyKind.RELEASE, name], wanted):
            needed |= foundations(release)
    return (*wanted, *(real_path(library.files[key]) for key in needed if key in library.files))


def _hierarchies(library: PolicyLibrary) -> Iterator[Finding]:
    for hierarchy in library.hierarchies.values():
        for fault in hierarchy_faults(hierarchy, library):
            yield _fault(library, PolicyKind.HIERARCHY, hierarchy.id, fault)


def _packs(library: PolicyLibrary, *, on: date) -> Iterator[Finding]:
    for name, fault in pack_conflicts(library, on=on):
        yield _fault(library, PolicyKind.RULEPACK, name, fault)
    for pack in library.rulepacks.values():
        ids = [rule.id for rule in pack.rules]
        for index, rule in enumerate(pack.rules):
            if rule.check not in _checks_of(rule):
                why = "a rule that nothing checks would look as if it were kept"
                where = "policies/decision/rules.py" if rule.stage == "requested" else "policies/rules"
                fault = Fault("unknown-check", f"there is no check '{rule.check}'", why, f"name a check of {where}")
                yield _fault(library, PolicyKind.RULEPACK, pack.id, fault, above=("rules", index, "check"))
            if rule.id in ids[:index]:
                what = f"rule {rule.id} is there twice"
                fault = Fault("duplicate-rule", what, "an id names one clause", "give it its own id")
                yield _fault(library, PolicyKind.RULEPACK, pack.id, fault, above=("rules", index, "id"))


def _checks_of(rule: Rule) -> Container[str]:
    """Return the checks that a rule may name: those of policy files, or of requests; a later stage's names evidence."""
    if rule.stage == "policy":
        return {*RELEASE_CHECKS, *DATASET_CHECKS}
    return REQUEST_CHECKS if rule.stage == "requested" else {rule.check}


def _datasets(library: PolicyLibrary, *, on: date) -> Iterator[Finding]:
    for dataset in library.datasets.values():
        packs = [library.rulepacks[name] for name in _packs_over(library, dataset) if is_in_force(library, name, on=on)]
        for fault in dataset_faults(dataset):
            yield _fault(library, PolicyKind.DATASET, dataset.id, fault)
        yield from _dataset_rules(library, dataset, packs, on=on)


def _packs_over(library: PolicyLibrary, dataset: DatasetPolicy) -> tuple[str, ...]:
    """Return the packs that a dataset is held against: those that every release needs, and those its releases list."""
    always = (name for name in library.rulepacks if regime_of(name) in ALWAYS_NEEDED)
    listed = (name for each in library.releases.values() if dataset.id in each.datasets for name in each.rule_packs)
    return tuple(name for name in dict.fromkeys((*always, *listed)) if name in library.rulepacks)


def _dataset_rules(
    library: PolicyLibrary, dataset: DatasetPolicy, packs: Sequence[RulePack], *, on: date
) -> Iterator[Finding]:
    view = DatasetView(dataset=dataset, library=library, on=on)
    for rule in _rules(packs):
        if rule.check in DATASET_CHECKS:
            problems = DATASET_CHECKS[rule.check](view, rule.parameters)
            yield from _problems(library, (PolicyKind.DATASET, dataset.id), rule, problems)


def _releases(library: PolicyLibrary, *, on: date) -> Iterator[Finding]:
    for release in library.releases.values():
        view = view_release(release, library, on=on)
        faults = [*condition_faults(view)]
        if not is_broken(view):
            faults += [*table_faults(view), *treatment_faults(view)]
        for fault in faults:
            yield _fault(library, PolicyKind.RELEASE, release.id, fault)
        if not is_broken(view):
            yield from _release_rules(view)


def _release_rules(view: ReleaseView) -> Iterator[Finding]:
    library, release = view.library, view.release
    for rule in applicable_rules(release, library):
        if rule.stage == "policy" and rule.check in RELEASE_CHECKS:
            problems = RELEASE_CHECKS[rule.check](view, rule.parameters)
            yield from _problems(library, (PolicyKind.RELEASE, release.id), rule, problems)


def _rules(packs: Iterable[RulePack]) -> Iterator[Rule]:
    return (rule for pack in packs for rule in pack.rules if rule.stage == "policy")


def _problems(
    library: PolicyLibrary, policy: tuple[PolicyKind, str], rule: Rule, problems: Iterator[Problem]
) -> Iterator[Finding]:
    """Turn what a check says into findings; a check that cannot answer is a finding, too, at the line that stops it."""
    try:
        for problem in problems:
            yield _problem(library, *policy, rule, problem)
    except PolicyError as error:
        place = _place_of_rule(library, rule, "parameters")
        what = f"rule {rule.id}: {error.what}"
        yield Finding(error.code, Severity.BLOCK, place, what, error.why, error.fix)
    except ArithmeticError:
        what = f"rule {rule.id} cannot be reckoned with a number or a date of this file: it is out of all bounds"
        why, fix = "a rule that cannot be checked is not kept", "correct the number or the date"
        yield Finding("policy.out-of-bounds", Severity.BLOCK, library.place_of(*policy), what, why, fix)


def _place_of_rule(library: PolicyLibrary, rule: Rule, *keys: Key) -> Place:
    for pack in library.rulepacks.values():
        for index, each in enumerate(pack.rules):
            if each is rule:
                return library.place_of(PolicyKind.RULEPACK, pack.id, "rules", index, *keys)
    return Place()


def _problem(library: PolicyLibrary, kind: PolicyKind, name: str, rule: Rule, problem: Problem) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        place=library.place_of(kind, name, *problem.keys),
        what=problem.what,
        why=f"{rule.text.en} / {rule.text.ja} ({rule.citation.en} / {rule.citation.ja})",
        fix=problem.fix,
    )


def _fault(
    library: PolicyLibrary, kind: PolicyKind, name: str, fault: Fault, *, above: tuple[str | int, ...] = ()
) -> Finding:
    return Finding(
        rule=f"policy.{fault.code}",
        severity=fault.severity,
        place=library.place_of(kind, name, *above, *fault.keys),
        what=fault.what,
        why=fault.why,
        fix=fault.fix,
    )
