"""Whether a rule speaks to a release: read from the rule's `applies_to`, so that reviewers see it in the pack."""

from collections.abc import Iterator, Mapping

from policies.library import PolicyLibrary
from policies.model import DatasetPolicy, ReleasePolicy, Rule, RulePack
from policies.model.rulepack import AppliesTo


def applies(rule: Rule, release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy]) -> bool:
    """Return whether `rule` speaks to `release`; with several holders, one that fits suffices."""
    asked: AppliesTo = rule.applies_to
    return (
        (not asked.categories or release.output_category in asked.categories)
        and (not asked.methods or release.method.kind in asked.methods)
        and (not asked.bases or release.provision_basis in asked.bases)
        and (not asked.controllers or any(one.controller.type in asked.controllers for one in datasets.values()))
        and (not asked.deliveries or any(each in asked.deliveries for each in release.delivery))
    )


def packs_of(release: ReleasePolicy, library: PolicyLibrary) -> tuple[RulePack, ...]:
    """Return the rule packs that a release lists and the library has, each once, in the order written."""
    return tuple(library.rulepacks[name] for name in dict.fromkeys(release.rule_packs) if name in library.rulepacks)


def applicable_rules(release: ReleasePolicy, library: PolicyLibrary) -> Iterator[Rule]:
    """Yield every rule of the listed packs that speaks to the release, in the order of the packs."""
    datasets = {name: library.datasets[name] for name in release.datasets if name in library.datasets}
    for pack in packs_of(release, library):
        yield from (rule for rule in pack.rules if applies(rule, release, datasets))
