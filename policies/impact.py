"""What a change of policy files touches among the policies: who rests on what changed, and what happens to it.

A pure function of a library and the names of what changed. What was published, permitted and handed out is not known
here (`catalog/impact.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.canonical import foundations
from policies.library import PolicyKind, PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.method import PrivateMethod
from policies.model.strictness import Text
from policies.rules.conditions import regime_of
from policies.rules.regimes import ALWAYS_NEEDED

Name = tuple[PolicyKind, str]


@dataclass(frozen=True, slots=True)
class Touched:
    """One policy that a change touches, through what, and what happens to it.

    `is_void` says that signatures over it no longer hold. A policy that changed itself is touched through itself.
    """

    kind: PolicyKind
    name: str
    through: tuple[str, ...]
    is_void: bool
    effects: tuple[Text, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as one element of `policy impact --json`."""
        return {
            "kind": self.kind.value,
            "id": self.name,
            "through": list(self.through),
            "signatures_fall": self.is_void,
            "effects": [text.model_dump() for text in self.effects],
        }


_SELF = Text(
    ja="意味が変わる。署名は効かなくなり、`version` を上げて署名し直すまで使われない。",
    en="Its meaning changes: signatures fall, and it is not used until `version` is raised and it is signed anew.",
)
_PART = Text(
    ja="意味が変わる。これに拠る公開の署名が効かなくなる。",
    en="Its meaning changes: signatures of the releases that rest on it fall.",
)
_RESTS = Text(
    ja="これに拠るため署名が効かなくなり、署名し直すまで実行されない。",
    en="It rests on that, so its signatures fall; nothing of it runs until it is signed anew.",
)
_DATA = Text(
    ja="次の実行で、元データの読取りからやり直される。",
    en="At the next run everything is done anew from reading the source.",
)
_ANEW = Text(
    ja="次の実行で、保護処理からやり直される。公開するには `version` を上げる。",
    en="At the next run it is protected and validated anew; to publish it, `version` must be raised.",
)
_JUDGED = Text(
    ja="次の検査と検証で、変わった条件により判定される。公開するには `version` を上げる。",
    en="At the next run it is judged by the changed conditions; to publish it, `version` must be raised.",
)
_CHECKED = Text(
    ja="変わった規則で検査し直される。データセット自身の署名は残る。",
    en="It is checked against the changed rules; its own signatures hold.",
)
_SHARED = Text(
    ja="同じ母集団の口座を使う。一方が使う損失は他方では使えない。署名は残る。",
    en="It pays from the same account: what one spends is not there for the other. Its signatures hold.",
)
_CASES = Text(
    ja="この公開の判定例(`cases/`)を検査で判定し直す。",
    en="Its decision cases (`cases/`) are decided anew by the check.",
)


def impact(library: PolicyLibrary, changed: Iterable[Name]) -> tuple[Touched, ...]:
    """Return what a change of the named policies touches, what changed itself first.

    Args:
        library: The policies as they will be.
        changed: The policies that change; those that are not in the library are named all the same.

    Guarantee: a release is void exactly when something it rests on changed; nothing else is void.
    """
    names = set(changed)
    found = [
        *_changed(library, names),
        *_releases(library, names),
        *_datasets(library, names),
        *_accounts(library, names),
    ]
    return tuple(found)


def void_releases(library: PolicyLibrary, changed: Iterable[Name]) -> dict[str, tuple[Name, ...]]:
    """Return the releases whose signatures fall, each with what of its foundations changed."""
    names = set(changed)
    found = {name: tuple(sorted(foundations(release) & names)) for name, release in library.releases.items()}
    return {name: causes for name, causes in found.items() if causes}


def _changed(library: PolicyLibrary, names: set[Name]) -> Iterator[Touched]:
    for kind, name in sorted(names):
        signed = kind in {PolicyKind.RELEASE, PolicyKind.DATASET}
        effects = [_SELF if signed else _PART]
        if kind is PolicyKind.DATASET:
            effects.append(_DATA)
        if kind is PolicyKind.RELEASE:
            effects.append(_ANEW)
            if (library.root / "cases" / name).is_dir():
                effects.append(_CASES)
        yield Touched(kind, name, (f"{kind.value}/{name}",), signed, tuple(effects))


def _releases(library: PolicyLibrary, names: set[Name]) -> Iterator[Touched]:
    for name, causes in void_releases(library, names).items():
        if (PolicyKind.RELEASE, name) in names:
            continue
        kinds = {kind for kind, _ in causes}
        is_judged = kinds <= {PolicyKind.RULEPACK, PolicyKind.SUITE}
        through = tuple(f"{kind.value}/{cause}" for kind, cause in causes)
        yield Touched(PolicyKind.RELEASE, name, through, True, (_RESTS, _JUDGED if is_judged else _ANEW))


def _datasets(library: PolicyLibrary, names: set[Name]) -> Iterator[Touched]:
    packs = {name for kind, name in names if kind is PolicyKind.RULEPACK}
    for name in library.datasets:
        if (PolicyKind.DATASET, name) in names:
            continue
        over = {pack for pack in packs if regime_of(pack) in ALWAYS_NEEDED}
        over |= {
            pack for each in library.releases.values() if name in each.datasets for pack in each.rule_packs
        } & packs
        if over:
            through = tuple(f"rulepack/{pack}" for pack in sorted(over))
            yield Touched(PolicyKind.DATASET, name, through, False, (_CHECKED,))


def _accounts(library: PolicyLibrary, names: set[Name]) -> Iterator[Touched]:
    """Yield the releases that pay from the account of a release that changed."""
    void = void_releases(library, names)
    payers = {name: _population(release) for name, release in library.releases.items()}
    changed = {
        population: name for (kind, name) in names if kind is PolicyKind.RELEASE and (population := payers.get(name))
    }
    for name, population in payers.items():
        if name not in void and population in changed:
            yield Touched(PolicyKind.RELEASE, name, (f"release/{changed[population]}",), False, (_SHARED,))


def _population(release: ReleasePolicy) -> str | None:
    return release.method.budget.population if isinstance(release.method, PrivateMethod) else None
