"""What a change of policies touches among what others already have: published records, permits, extracts.

Belongs here: reading the catalog's store. Does not: which releases a change touches (`policies/impact.py`), doing
anything about it. Nothing here names a person: recipients and institutions are those of the permits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from catalog.access import Permit, State
from catalog.store import CatalogStore
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.strictness import Text


@dataclass(frozen=True, slots=True)
class Given:
    """One thing that is out already (`record`, `request`, `permit`, `extract`), and what happens to it."""

    kind: str
    id: str
    release: str
    effects: tuple[Text, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as one element of `policy impact --json`."""
        return {
            "kind": self.kind,
            "id": self.id,
            "release": self.release,
            "effects": [text.model_dump() for text in self.effects],
        }


def given_impact(
    store: CatalogStore, library: PolicyLibrary, releases: Iterable[str], *, on: date
) -> tuple[Given, ...]:
    """Return the records, open requests, usable permits and their extracts of releases whose policy changes.

    Args:
        store: The catalog's store; only read.
        library: The policies as they will be; a release that is not in it is one that goes.
        releases: The releases whose meaning changes.
        on: The day; permits that are over by then are not touched.

    Guarantee: every permit of these releases that is usable on the day is named.
    """
    wanted = sorted(set(releases))
    permits = store.permits(usable_on=on)
    found: list[Given] = []
    for name in wanted:
        release = library.releases.get(name)
        found += _records(store, name, release)
        found += _requests(store, name)
        for permit in (each for each in permits if each.release == name):
            found.append(_permit(permit, release))
            found += _extracts(store, permit)
    return tuple(found)


def _records(store: CatalogStore, name: str, release: ReleasePolicy | None) -> Iterator[Given]:
    for record in (each for each in store.records() if each.release == name):
        if release is None:
            effects = [
                _text(
                    "公開ポリシーがなくなる。公開を続けるか取り下げるかを決める。",
                    "Its policy goes: decide whether it stays in the catalog.",
                )
            ]
        elif record.version == release.version:
            effects = [
                _text(
                    f"版 {record.version} で公開済みであり、同じ版では内容を変えられない。`version` を上げる。",
                    f"Version {record.version} is published and cannot change under that number: raise `version`.",
                )
            ]
        else:
            effects = [
                _text(
                    f"版 {record.version} は版 {release.version} が公開されるまで最新として残る。",
                    f"Version {record.version} stays current until version {release.version} is published.",
                )
            ]
        effects.append(
            _text(
                "厳しくする変更なら、いまの版を取り下げるべきかを決める。",
                "If the change is stricter, decide whether the present version must be taken back.",
            )
        )
        yield Given("record", f"{record.id} {record.version}", name, tuple(effects))


def _requests(store: CatalogStore, name: str) -> Iterator[Given]:
    words = _text(
        "審査は変わったポリシーに照らして行われる。申請者に知らせる。",
        "It will be judged by the changed policy: tell the applicant.",
    )
    for request in store.requests(state=State.SUBMITTED):
        if request.form.release == name:
            yield Given("request", request.id, name, (words,))


def _permit(permit: Permit, release: ReleasePolicy | None) -> Given:
    effects = [
        _text(
            f"版 {permit.release_version} への許可として {permit.expires_on} まで続く。保有者({permit.institution})に変更を知らせる。",
            f"It goes on, for version {permit.release_version}, until {permit.expires_on}: tell its holder ({permit.institution}).",
        )
    ]
    if release is None:
        effects.append(
            _text("公開ポリシーがなくなる。許可を取り消すかを決める。", "Its policy goes: decide whether to revoke it.")
        )
    else:
        if permit.recipient not in {each.id for each in release.recipients}:
            effects.append(
                _text(
                    f"受領者 {permit.recipient} は変更後のポリシーにいない。許可を取り消す。",
                    f"Recipient {permit.recipient} is not in the changed policy: revoke the permit.",
                )
            )
        missing = [use for use in release.prohibited_uses if use not in permit.prohibited_uses]
        if missing:
            effects.append(
                _text(
                    f"許可に書かれていない禁止が加わる: {'、'.join(use.ja for use in missing)}。許可を出し直す。",
                    f"Uses become prohibited that the permit does not name: {', '.join(use.en for use in missing)}. Issue it anew.",
                )
            )
    return Given("permit", permit.id, permit.release, tuple(effects))


def _extracts(store: CatalogStore, permit: Permit) -> Iterator[Given]:
    words = _text(
        "変更前の版から作られている。新しい版から作り直して渡し、古いものの消去を確かめる。",
        "It was made from the version before the change: make it anew, hand it over, and have the old one deleted.",
    )
    for extract in store.extracts(permit.id):
        yield Given("extract", f"{permit.id} {extract.built_on.isoformat()}", permit.release, (words,))


def _text(ja: str, en: str) -> Text:
    return Text(ja=ja, en=en)
