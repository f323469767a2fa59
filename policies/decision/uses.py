"""What somebody may want to do with data, in closed words: uses, undertakings, and which uses no policy can allow.

Belongs here: vocabularies and their sources. Does not: any judgment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from policies.model.strictness import Text
from policies.vocabulary import Labelled


class IntendedUse(Labelled):
    """What the applicant wants to do; the last ten are prohibited, and are here so that a form can say them."""

    RESEARCH = "research", "学術・医学研究", "research"
    PRODUCT_DEVELOPMENT = "product_development", "医薬品等の製品開発", "product development"
    ALGORITHM_TRAINING = "algorithm_training", "アルゴリズムの訓練・評価", "training or testing of algorithms"
    METHODS_DEVELOPMENT = "methods_development", "一般的な手法・ソフトウェアの開発", "development of general methods"
    GENETIC_STUDY = "genetic_study", "遺伝学研究", "genetic study"
    ANCESTRY_RESEARCH = "ancestry_research", "集団の起源や祖先の研究", "research on population origins or ancestry"
    CLINICAL_CARE = "clinical_care", "診療", "clinical care"
    EDUCATION = "education", "教育", "education"
    POLICY_MAKING = "policy_making", "政策立案・規制", "policy making and regulation"
    OFFICIAL_STATISTICS = "official_statistics", "公的統計", "official statistics"
    REIDENTIFY = "reidentify", "本人の識別", "re-identification"
    LINK_PERSONS = "link_persons", "他情報との照合", "linking persons"
    CONTACT_SUBJECT = "contact_subject", "本人への連絡", "contacting the person"
    INSURANCE_OR_CREDIT = (
        "insurance_or_credit_decision",
        "保険の引受け・与信の判断",
        "insurance underwriting or credit decisions",
    )
    EMPLOYMENT = "employment_decision", "雇用の判断", "employment decisions"
    MARKETING = "marketing", "広告・マーケティング", "advertising or marketing"
    DETRIMENTAL_DECISION = "detrimental_decision", "個人又は集団に不利益な判断", "decisions detrimental to people"
    HARMFUL_PRODUCT = "harmful_product", "有害な製品・サービスの開発", "development of harmful products or services"
    AGAINST_ETHICS_LAW = (
        "against_ethics_law",
        "倫理に関する法令に反する利用",
        "activities against national law on ethics",
    )
    ONWARD_TRANSFER = "onward_transfer", "第三者への再提供", "onward transfer"


class Undertaking(Labelled):
    """What an applicant promises because a data use modifier asks for it; undertaking something takes an act."""

    COLLABORATE = "collaborate", "提供者との共同研究", "to collaborate with the provider"
    RETURN_DATA = "return_data", "派生データの還元", "to return derived data"
    HOLD_PUBLICATION = "hold_publication", "公表猶予日までの公表の差控え", "not to publish before the day that is set"


@dataclass(frozen=True, slots=True)
class Prohibition:
    """Why no policy can allow a use: the rule's id and where it is written."""

    rule: str
    citation: Text


def _by(rule: str, ja: str, en: str) -> Prohibition:
    return Prohibition(rule, Text(ja=ja, en=en))


PROHIBITIONS: Mapping[IntendedUse, Prohibition] = MappingProxyType(
    {
        IntendedUse.REIDENTIFY: _by(
            "APPI-29", "個人情報保護法41条7項、43条5項、45条", "APPI arts. 41(7), 43(5), 45; EHDS art. 61(3)"
        ),
        IntendedUse.LINK_PERSONS: _by("APPI-29", "個人情報保護法41条7項、43条5項、45条", "APPI arts. 41(7), 43(5), 45"),
        IntendedUse.CONTACT_SUBJECT: _by("APPI-20", "個人情報保護法41条8項", "APPI art. 41(8)"),
        IntendedUse.INSURANCE_OR_CREDIT: _by("EHDS-54", "EHDS規則54条(b)", "EHDS art. 54(b)"),
        IntendedUse.EMPLOYMENT: _by("EHDS-54", "EHDS規則54条(b)", "EHDS art. 54(b)"),
        IntendedUse.MARKETING: _by(
            "EHDS-54", "EHDS規則54条(c)、NDBの利用に関するガイドライン", "EHDS art. 54(c); NDB guidelines (CELL-NDB-9)"
        ),
        IntendedUse.DETRIMENTAL_DECISION: _by("EHDS-54", "EHDS規則54条(a)", "EHDS art. 54(a)"),
        IntendedUse.HARMFUL_PRODUCT: _by("EHDS-54", "EHDS規則54条(d)", "EHDS art. 54(d)"),
        IntendedUse.AGAINST_ETHICS_LAW: _by("EHDS-54", "EHDS規則54条(e)", "EHDS art. 54(e)"),
        IntendedUse.ONWARD_TRANSFER: _by(
            "EHDS-61", "EHDS規則61条2項、次世代医療基盤法43条", "EHDS art. 61(2); NGMI art. 43"
        ),
    }
)
"""Uses that are refused whatever a policy or a rule pack says.

Source: APPI (Act 57 of 2003) arts. 41, 43, 45; NGMI Act arts. 42-43; Regulation (EU) 2025/327 arts. 54, 61; NDB user
guidelines of 2023-10. EHDS is not binding in Japan; its prohibitions are taken as house rules.
"""
