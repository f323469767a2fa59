"""Two versions of policies compared: what became looser, what stricter, what is only wording, and who must look.

A pure function of two models or two libraries. Reading order: `differences` (where), `direction` (which way),
`compare_treatments`, `change_words` (in sentences), this file, `comparison_page`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.canonical import digest, policy_digest
from policies.change_words import sentence, subject
from policies.compare_treatments import fate_of, treatment_changes
from policies.decision.duo import BY_ID, DuoKind
from policies.differences import MISSING, Difference, differences
from policies.direction import Direction, direction_of
from policies.library import PolicyKind, PolicyLibrary
from policies.model import DatasetPolicy, HierarchyPolicy, ReleasePolicy, RulePack
from policies.model.strictness import PolicyModel, Text

Policy = ReleasePolicy | DatasetPolicy | HierarchyPolicy | RulePack | Mapping[str, object]
"""Anything that a policies folder holds; a quality suite is a mapping."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, which way, in a sentence of each language."""

    keys: tuple[str, ...]
    direction: Direction
    subject: Text
    sentence: Text

    def as_json(self) -> dict[str, object]:
        """Return the change as one element of `policy diff --json`."""
        return {
            "keys": [str(key) for key in self.keys],
            "direction": self.direction.value,
            "subject": self.subject.model_dump(),
            "sentence": self.sentence.model_dump(),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed in one policy; `old_digest` or `new_digest` is empty where the policy came or went."""

    kind: PolicyKind
    name: str
    old_version: str
    new_version: str
    old_digest: str
    new_digest: str
    changes: tuple[Change, ...]

    @property
    def is_same(self) -> bool:
        """Whether the two mean the same; comments and the order of keys mean nothing."""
        return self.old_digest == self.new_digest

    def count(self, direction: Direction) -> int:
        """Return how many changes go one way."""
        return sum(change.direction is direction for change in self.changes)

    @property
    def needs_second_reader(self) -> bool:
        """Whether somebody else must read it: something is looser, or nobody but a person can say."""
        return bool(self.count(Direction.LOOSER) or self.count(Direction.CHANGED))

    @property
    def signatures_fall(self) -> bool:
        """Whether signatures over the old one are worth nothing for the new one."""
        return bool(self.old_digest) and not self.is_same

    @property
    def lacks_new_version(self) -> bool:
        """Whether the meaning changed under the same version number."""
        return bool(self.old_digest and self.new_digest) and not self.is_same and self.old_version == self.new_version

    def as_json(self) -> dict[str, object]:
        """Return the comparison as one element of `policy diff --json`."""
        return {
            "kind": self.kind.value,
            "id": self.name,
            "versions": [self.old_version, self.new_version],
            "digests": [self.old_digest, self.new_digest],
            "changes": [change.as_json() for change in self.changes],
            "counts": {direction.value: self.count(direction) for direction in Direction},
            "needs_second_reader": self.needs_second_reader,
            "signatures_fall": self.signatures_fall,
            "lacks_new_version": self.lacks_new_version,
        }


def compare(kind: PolicyKind, name: str, *, old: Policy | None, new: Policy | None) -> Comparison:
    """Compare two versions of one policy; None where it is not there.

    Guarantee: two versions with one digest have no change; two with different digests have at least one, and every
    change has a sentence in both languages.
    Not guaranteed: that a change is good. `changed` says that no table knows which way it goes.
    """
    changes: tuple[Change, ...]
    if old is None or new is None:
        changes = (_whole(kind, name, is_new=old is None),)
    else:
        found = tuple(differences(_plain(old), _plain(new)))
        changed, others = _exchanged(found)
        changes = (*changed, *(change for each in others for change in _changes(each)))
    return Comparison(kind, name, _version(old), _version(new), _digest(old), _digest(new), changes)


def compare_libraries(old: PolicyLibrary, new: PolicyLibrary) -> tuple[Comparison, ...]:
    """Compare two folders, policy by policy; what is the same in both is left out.

    The table that a hierarchy reads from a file beside it is compared, too.
    """
    found = []
    for kind in PolicyKind:
        before, after = policies_of(old, kind), policies_of(new, kind)
        for name in sorted({*before, *after}):
            found.append(_with_file(compare(kind, name, old=before.get(name), new=after.get(name)), old, new))
    return tuple(each for each in found if not each.is_same)


def policies_of(library: PolicyLibrary, kind: PolicyKind) -> Mapping[str, Policy]:
    """Return the policies of one kind by id."""
    kinds: dict[PolicyKind, Mapping[str, Policy]] = {
        PolicyKind.DATASET: library.datasets,
        PolicyKind.RELEASE: library.releases,
        PolicyKind.HIERARCHY: library.hierarchies,
        PolicyKind.RULEPACK: library.rulepacks,
        PolicyKind.SUITE: library.suites,
    }
    return kinds[kind]


def _with_file(found: Comparison, old: PolicyLibrary, new: PolicyLibrary) -> Comparison:
    if found.kind is not PolicyKind.HIERARCHY or not (found.old_digest and found.new_digest):
        return found
    before, after = (policy_digest(library, found.kind, found.name) for library in (old, new))
    if before == after or not found.is_same:
        return found
    words = Text(ja="階層の表(ファイル)の中身が変わる", en="the table of the hierarchy, in its file, changes")
    change = Change(("levels", "path"), Direction.CHANGED, subject(("levels",)), words)
    return Comparison(found.kind, found.name, found.old_version, found.new_version, before, after, (change,))


def _changes(difference: Difference) -> Iterator[Change]:
    is_treatment = difference.pattern == ("tables", "*", "columns", "*", "treat")
    if is_treatment and MISSING not in (difference.old, difference.new):
        for direction, words in treatment_changes(difference.old, difference.new):
            yield Change(difference.keys, direction, subject(difference.keys), words)
        return
    yield Change(difference.keys, _direction(difference), subject(difference.keys), sentence(difference))


def _exchanged(found: tuple[Difference, ...]) -> tuple[tuple[Change, ...], tuple[Difference, ...]]:
    """Take out the rule packs that gave way to another of their regime: that is one change, not a loss and a gain."""
    packs = [each for each in found if each.pattern == ("rule_packs", "*")]
    gone = {_regime(each): each for each in packs if each.new is MISSING}
    come = {_regime(each): each for each in packs if each.old is MISSING}
    pairs = [(gone[regime], come[regime]) for regime in gone if regime in come]
    taken = [each for pair in pairs for each in pair]
    changes = tuple(
        Change(
            second.keys,
            Direction.CHANGED,
            subject(second.keys[:1]),
            Text(ja=f"{first.old} を {second.new} に替える", en=f"{first.old} is exchanged for {second.new}"),
        )
        for first, second in pairs
    )
    return changes, tuple(each for each in found if each not in taken)


def _regime(difference: Difference) -> str:
    return difference.keys[-1].partition("@")[0]


def _direction(difference: Difference) -> Direction:
    """Return the direction of a difference; codes of use and whole columns need a look at what they are."""
    given = difference.new if difference.old is MISSING else difference.old
    if MISSING not in (difference.old, difference.new):
        return direction_of(difference)
    is_added = difference.old is MISSING
    if difference.pattern == ("purposes", "duo", "*") and given in BY_ID:
        adds = Direction.LOOSER if BY_ID[given].kind is DuoKind.PERMISSION else Direction.STRICTER
        return adds if is_added else adds.opposite
    if difference.pattern == ("tables", "*", "columns", "*") and "treat" in given:
        if not fate_of(given["treat"]):
            return Direction.CHANGED
        return Direction.LOOSER if is_added else Direction.STRICTER
    return direction_of(difference)


_CAME: Mapping[PolicyKind, Direction] = {
    PolicyKind.RELEASE: Direction.LOOSER,
    PolicyKind.DATASET: Direction.LOOSER,
    PolicyKind.HIERARCHY: Direction.CHANGED,
    PolicyKind.RULEPACK: Direction.STRICTER,
    PolicyKind.SUITE: Direction.STRICTER,
}


def _whole(kind: PolicyKind, name: str, *, is_new: bool) -> Change:
    direction = _CAME[kind] if is_new else _CAME[kind].opposite
    words = Text(ja="新しく加わる", en="it is new") if is_new else Text(ja="なくなる", en="it is gone")
    return Change((), direction, Text(ja=name, en=name), words)


def _plain(policy: Policy) -> Mapping[str, Any]:
    return policy.model_dump(mode="json", by_alias=True) if isinstance(policy, PolicyModel) else policy


def _version(policy: Policy | None) -> str:
    return str(getattr(policy, "version", "")) if policy is not None else ""


def _digest(policy: Policy | None) -> str:
    return digest(policy) if policy is not None else ""
