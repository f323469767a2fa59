"""Faults between rule packs: two that say different things under one name, or on one day."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from policies.library import PolicyLibrary
from policies.model import Rule, RulePack
from policies.rules.conditions import is_in_force, regime_of
from policies.rules.view import Fault


def pack_conflicts(library: PolicyLibrary, *, on: date) -> Iterator[tuple[str, Fault]]:
    """Yield the id of a rule pack and its conflict with an earlier one; packs not in force that day conflict with none.

    Packs that ship with Niji come first in a library, so the fault stands in the pack that a folder adds.
    """
    packs = [pack for name, pack in library.rulepacks.items() if is_in_force(library, name, on=on)]
    for first, second in combinations(packs, 2):
        if regime_of(first.id) == regime_of(second.id):
            what = f"packs '{first.id}' and '{second.id}' are both in force on {on.isoformat()}"
            why = "a regime has one state a day; with two, a release would be held against whichever it names"
            fix = "end the earlier with `in_force_to`, or take one of them away"
            yield second.id, Fault("packs-in-force-twice", what, why, fix, ("in_force_from",))
        else:
            yield from ((second.id, fault) for fault in _same_name(first, second))


def _same_name(first: RulePack, second: RulePack) -> Iterator[Fault]:
    known = {rule.id: rule for rule in first.rules}
    for index, rule in enumerate(second.rules):
        other = known.get(rule.id)
        if other is None or other == rule:
            continue
        what = f"rule {rule.id} is in '{first.id}' with another {_difference(other, rule)}"
        why = "an id names one clause; a release that cites it would say two things"
        yield Fault("packs-conflict", what, why, "give it its own id", ("rules", index, "id"))


def _difference(first: Rule, second: Rule) -> str:
    return ", ".join(name for name in type(first).model_fields if getattr(first, name) != getattr(second, name))
