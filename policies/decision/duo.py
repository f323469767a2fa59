"""Data use codes: the terms, and whether a purpose lies inside a permission.

Facts: GA4GH DUO (ids, shorthands, labels), with the Japanese labels of the DUO Japanese file; those marked † are
this project's translations. Not here: what happens with the answer (`purpose`, `modifiers`).

Source: EBISPOT/DUO `duo.csv`, `duo-japanese.owl` (CC-BY-4.0), release of 2021-02-23.
"""

from dataclasses import dataclass
from enum import StrEnum

from policies.model.strictness import Text

PREFIX = "http://purl.obolibrary.org/obo/DUO_"


class DuoKind(StrEnum):
    """A permission says what for; a modifier says under which condition."""

    PERMISSION = "permission"
    MODIFIER = "modifier"


@dataclass(frozen=True, slots=True)
class DuoTerm:
    """One term: id, shorthand, kind, label in both languages."""

    id: str
    code: str
    kind: DuoKind
    label: Text

    @property
    def iri(self) -> str:
        """The term's address in the OBO library."""
        return PREFIX + self.id.removeprefix("DUO:")


def _term(number: int, code: str, ja: str, en: str) -> DuoTerm:
    kind = DuoKind.PERMISSION if code in {"NRES", "GRU", "HMB", "DS", "POA"} else DuoKind.MODIFIER
    return DuoTerm(f"DUO:{number:07d}", code, kind, Text(ja=ja, en=en))


TERMS: tuple[DuoTerm, ...] = (
    _term(4, "NRES", "制限なし", "no restriction"),
    _term(42, "GRU", "一般研究利用", "general research use"),
    _term(6, "HMB", "健康/医療/生物医学研究", "health or medical or biomedical research"),
    _term(7, "DS", "疾患特異的研究", "disease specific research"),
    _term(11, "POA", "集団の起源や祖先研究", "population origins or ancestry research only"),
    _term(12, "RS", "特定の研究に限定", "research specific restrictions"),
    _term(15, "NMDS", "一般的手法開発研究の禁止", "no general methods research"),  # †
    _term(16, "GSO", "遺伝学研究限定", "genetic studies only"),
    _term(18, "NPUNCU", "営利目的利用禁止", "not for profit, non commercial use only"),
    _term(19, "PUB", "公開必須", "publication required"),
    _term(20, "COL", "共同研究必須", "collaboration required"),
    _term(21, "IRB", "倫理審査承認必須", "ethics approval required"),
    _term(22, "GS", "地域の限定", "geographical restriction"),
    _term(24, "MOR", "出版猶予", "publication moratorium"),
    _term(25, "TS", "利用期間の限定", "time limit on use"),
    _term(26, "US", "ユーザの限定", "user specific restriction"),
    _term(27, "PS", "プロジェクトの限定", "project specific restriction"),
    _term(28, "IS", "機関の限定", "institution specific restriction"),
    _term(29, "RTN", "DB/リソースへの還元", "return to database or resource"),
    _term(43, "CC", "診療利用", "clinical care use"),  # †
    _term(44, "NPOA", "集団起源・祖先研究の禁止", "population origins or ancestry research prohibited"),  # †
    _term(45, "NPU", "非営利機関に限定", "not for profit organisation use only"),  # †
    _term(46, "NCU", "非商用利用に限定", "non-commercial use only"),  # †
)

BY_ID = {term.id: term for term in TERMS}

HEADINGS = {
    "DUO:0000001": Text(ja="データ利用許可(見出し)", en="data use permission (a heading)"),
    "DUO:0000017": Text(ja="データ利用条件(見出し)", en="data use modifier (a heading)"),
}
"""The two parents of all terms; they say nothing by themselves."""

_INSIDE: dict[str, frozenset[str]] = {
    "NRES": frozenset({"NRES", "GRU", "HMB", "DS", "POA"}),
    "GRU": frozenset({"GRU", "HMB", "DS", "POA"}),
    "HMB": frozenset({"HMB", "DS"}),
    "DS": frozenset({"DS"}),
    "POA": frozenset({"POA"}),
}
"""GRU ⊇ HMB ⊇ DS; HMB excludes ancestry research. Source: DUO definitions of the terms."""


def is_inside(purpose: str, permission: str) -> bool:
    """Return whether research of kind `purpose` (a DUO id) lies inside `permission` (a DUO id); unknown ids do not."""
    asked, given = BY_ID.get(purpose), BY_ID.get(permission)
    return asked is not None and given is not None and asked.code in _INSIDE.get(given.code, frozenset())


EHDS53: dict[str, Text] = {
    "a": Text(ja="公衆衛生・労働衛生", en="public or occupational health"),
    "b": Text(ja="政策立案・規制", en="policy making and regulation"),
    "c": Text(ja="公的統計", en="official statistics"),
    "d": Text(ja="教育", en="education"),
    "e": Text(
        ja="科学研究(開発・アルゴリズムの訓練を含む)", en="scientific research, including development and training"
    ),
    "f": Text(ja="ケアの改善", en="improving the delivery of care"),
}
"""Purposes of secondary use. Source: Regulation (EU) 2025/327 art. 53(1)(a)-(f)."""


def permissions(terms: tuple[str, ...]) -> tuple[DuoTerm, ...]:
    """Return the permissions among some DUO ids, as often as they are written."""
    return tuple(term for each in terms if (term := BY_ID.get(each)) and term.kind is DuoKind.PERMISSION)


def citation(term: DuoTerm) -> Text:
    """Return where a term is defined."""
    return Text(
        ja=f"GA4GH DUO 2021-02-23版 {term.id}({term.code})", en=f"GA4GH DUO 2021-02-23, {term.id} ({term.code})"
    )
