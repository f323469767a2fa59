"""What a policy states for the regimes that ask: each block under its name, each fact with its label, in both languages.

Belongs here: the words for facts, and the walk over them. A test fails when a fact has no word: nobody signs what the page
does not show. Does not: what the page says of columns, methods and dates (`explain`, `sentences`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType

from policies.model import DatasetPolicy, ReleasePolicy
from policies.model.strictness import PolicyModel, Text
from policies.sentences import Bilingual, Language, say, say_day
from policies.vocabulary import Labelled

Block = tuple[str, object]
"""The name of a fact or of a block of facts, and what is stated; nothing stated is None."""

LABELS: Mapping[str, Bilingual] = MappingProxyType(
    {
        "access_log": ("開扉の記録", "openings recorded in"),
        "access_log_years": ("利用記録の保存年数", "years logs of use are kept"),
        "access_tier": ("公開の区分", "access tier"),
        "address": ("住所", "address"),
        "amed": ("AMEDの提供条件", "AMED's conditions"),
        "approval": ("承認", "approval"),
        "artefacts": ("復元につながるもの", "what could restore"),
        "assessed_on": ("評価日", "assessed on"),
        "award_no": ("課題番号", "award"),
        "bereaved_may_stop": ("遺族による停止の求め", "the bereaved may ask to stop"),
        "biometric": ("生体情報(人)", "with biometric data"),
        "categories": ("EHDSの区分", "EHDS categories"),
        "certification": ("認定", "certification"),
        "checked_on": ("確認日", "checked on"),
        "clauses": ("条項", "clauses"),
        "commercial": ("企業への提供", "companies"),
        "conditions_url": ("利用条件の公表先", "conditions published at"),
        "conditions": ("利用の条件", "Conditions of use"),
        "consent_text": ("同意の説明文書", "Consent text"),
        "contract_states": ("契約書の記載事項", "the contract states"),
        "countries": ("国", "countries"),
        "covered_person": ("米国規則の対象者", "covered person"),
        "custody": ("復元につながるものの管理", "Custody of what could restore"),
        "database": ("公的データベース", "public database"),
        "database_manager": ("DB管理者", "manager of the database"),
        "dataset_manager": ("データセット管理者", "manager of the dataset"),
        "deceased_included": ("死者のデータを含む", "deceased people included"),
        "decisions_url": ("決定の公表先", "decisions published at"),
        "decisions_within_working_days": ("決定の公表まで(労働日)", "working days until a decision is published"),
        "derived_from": ("元となった公的データベース", "Public databases it comes from"),
        "described_on": ("記述の確認日", "description checked on"),
        "determined_on": ("判定日", "determined on"),
        "dmp": ("データマネジメントプラン", "data management plan"),
        "duo": ("DUO", "DUO"),
        "ehds": ("欧州ヘルスデータスペースへの整合(任意)", "Alignment with EHDS (by choice)"),
        "embargo_until": ("公開の猶予", "embargo until"),
        "encryption": ("暗号化", "encryption"),
        "equivalent_measures": ("相当措置", "equivalent measures"),
        "expert": ("専門家による判定", "expert's determination"),
        "expires_on": ("期限", "expires on"),
        "filed_on": ("届出日", "filed on"),
        "filing_no": ("届出番号", "filing"),
        "final_report_on": ("確報", "final report on"),
        "first_provided_on": ("最初の提供日", "first provided on"),
        "first_report_on": ("速報", "first report on"),
        "foreign": ("外国への提供", "countries abroad"),
        "form": ("形態", "form"),
        "future_bases": ("未施行の根拠", "Bases not in force"),
        "genomic": ("ゲノム(人)", "with genomes"),
        "geolocation": ("位置情報(人)", "with locations"),
        "health": ("健康情報(人)", "with health data"),
        "hipaa": ("HIPAAの非識別化", "De-identification under HIPAA"),
        "ic_type": ("同意の方法", "kind of consent"),
        "id": ("番号", "id"),
        "incident_desk": ("漏えい等の対応", "When data leak"),
        "incidental_findings": ("健康に重要な所見", "Findings that matter to health"),
        "incidents": ("漏えい等の記録", "incidents"),
        "infringement_assessment": ("権利利益の侵害の評価", "Assessment of infringement"),
        "institution": ("機関", "institution"),
        "institutions": ("利用できる機関", "institutions"),
        "is_undue": ("不当な侵害のおそれ", "undue"),
        "items": ("項目", "items"),
        "joint_use": ("共同利用", "Joint use"),
        "keep_years": ("登録簿の保存年数", "years an entry of the register is kept"),
        "kept": ("保管", "kept"),
        "kind": ("種別", "kind"),
        "lawful_and_ethical": ("法令・倫理の確認", "lawful and ethical by"),
        "ledger_years": ("提供記録の保存年数", "years records of provision are kept"),
        "malicious": ("不正の目的", "malicious"),
        "measure": ("措置", "measure"),
        "measures": ("安全管理措置", "safety measures"),
        "measures_url": ("安全管理措置の公表先", "measures published at"),
        "memo": ("文書", "memo"),
        "metadata_url": ("メタデータ", "metadata"),
        "method": ("方法", "method"),
        "model_text": ("モデル文案", "model text"),
        "months": ("利用の月数", "months of use"),
        "name": ("名称", "name"),
        "no_actual_knowledge": ("識別につながる知識がないと述べる者", "who states that nothing more is known"),
        "notice_url": ("通知の掲載先", "notice at"),
        "noticed_on": ("知った日", "noticed on"),
        "notices": ("本人への通知と届出", "notices and filings"),
        "notified_on": ("通知日", "notified on"),
        "officer": ("責任者", "officer"),
        "other_omics": ("その他のオミックス(人)", "with other omics"),
        "over_1000_people": ("1,000人超", "more than 1,000 people"),
        "partner": ("共同研究の相手", "partner"),
        "people_told_on": ("本人への通知日", "people told on"),
        "plan": ("計画", "plan"),
        "plan_url": ("計画の掲載先", "plan at"),
        "policy": ("ポリシー", "policy"),
        "population": ("母集団(予算の口座)", "population (privacy account)"),
        "poster": ("オプトアウト文書", "public notice of opt-out"),
        "principal_investigator": ("研究代表者", "principal investigator"),
        "property_damage": ("財産的被害のおそれ", "property damage"),
        "projects": ("課題", "projects"),
        "protocol": ("研究計画書", "protocol"),
        "publicly_funded": ("公的資金", "publicly funded"),
        "publish_after": ("公表できる日", "results published from"),
        "published_on": ("公表日", "published on"),
        "purpose": ("目的", "purpose"),
        "purpose_of_use": ("利用目的", "Purpose people were told"),
        "reachable_at": ("連絡先", "reachable at"),
        "receipt": ("書面交付日の列", "column of receipts"),
        "recipient_record_years": (
            "提供先での記録の保存年数(研究終了後)",
            "years recipients keep records after the study",
        ),
        "relation": ("求めた者の列", "column of who asked"),
        "report": ("報告書", "report"),
        "repository": ("保存先", "repository"),
        "representative": ("代表者", "representative"),
        "responsible": ("責任者", "responsible"),
        "reviewed_on": ("見直し日", "reviewed on"),
        "role": ("役割", "role"),
        "roles": ("扱える役割", "roles"),
        "safeguard": ("保護措置", "safeguard"),
        "safety": ("安全管理", "safety"),
        "scope": ("対象", "scope"),
        "screening": ("審査", "screening"),
        "security": ("セキュリティ水準", "security level"),
        "sharing": ("共有の計画", "Plan of sharing"),
        "sharing_class": ("共有の区分", "sharing class"),
        "special_care": ("要配慮個人情報", "special-care data"),
        "stop_channel": ("停止の求めの窓口", "channel to stop"),
        "stored_in": ("保管国", "stored in"),
        "study_types": ("研究の種類", "kinds of study"),
        "supervision": ("成果物持出しの監督", "Supervision of results"),
        "supervisor": ("監督者", "supervisor"),
        "supply_within_days": ("提供までの日数", "days until supply"),
        "system": ("制度", "system"),
        "terms": ("利用条件", "Terms of use"),
        "text": ("文", "text"),
        "third_party": ("第三者提供", "third parties"),
        "ticket_for_each_result": ("成果物ごとの確認票", "a ticket for each result"),
        "until": ("利用の終わり", "use until"),
        "url": ("掲載先", "at"),
        "us_persons": ("米国人の数(最大)", "United States persons, at most"),
        "users": ("利用者", "users"),
        "valid_from": ("有効開始", "valid from"),
        "valid_to": ("有効期限", "valid to"),
        "vault": ("保管庫", "vault"),
        "version": ("版", "version"),
        "way": ("方法", "way"),
        "what": ("対象", "what"),
    }
)
"""The word for each fact, by its key in the file."""

VALUES: Mapping[str, Bilingual] = MappingProxyType(
    {
        "anonymized": ("匿名加工", "anonymized"),
        "pseudonymized": ("仮名加工", "pseudonymized"),
        "safe_harbor": ("セーフハーバー", "Safe Harbor"),
        "expert_determination": ("専門家の判定", "expert determination"),
        "none": ("なし", "none"),
        "keys_safe": ("暗号化済み、鍵は安全", "encrypted, keys safe"),
        "keys_lost": ("暗号化済み、鍵も漏えい", "encrypted, keys lost too"),
        "maker": ("作成事業者", "maker"),
        "user": ("利用事業者", "user"),
        "third_party": ("第三者", "third party"),
        "returned": ("伝える", "returned"),
        "returned_on_wish": ("希望者に伝える", "returned to those who wish"),
        "not_returned": ("伝えない", "not returned"),
        "type1": ("標準(Type I)", "standard (Type I)"),
        "type2": ("ハイレベル(Type II)", "high (Type II)"),
    }
)
"""The words for values that the file writes as plain keys."""


def dataset_blocks(dataset: DatasetPolicy) -> tuple[Block, ...]:
    """Return what a dataset may state beyond what every dataset says."""
    controller, consent, register = dataset.controller, dataset.consent, dataset.consent.register_
    return (
        ("measures_url", controller.measures_url),
        ("certification", controller.certification),
        ("safety", controller.safety),
        ("population", dataset.population),
        ("purpose_of_use", dataset.purpose_of_use),
        ("consent_text", consent.text),
        ("poster", consent.poster),
        ("notices", consent.notices),
        ("receipt", register.receipt if register else None),
        ("relation", register.relation if register else None),
        ("keep_years", register.keep_years if register else None),
        ("sharing", dataset.sharing),
        ("derived_from", dataset.derived_from),
        ("deceased_included", dataset.deceased_included),
        ("incidental_findings", dataset.incidental_findings),
        ("us_persons", dataset.us_persons),
        ("ehds", dataset.ehds),
        ("incident_desk", dataset.incident_desk),
    )


def release_blocks(release: ReleasePolicy) -> tuple[Block, ...]:
    """Return what a release may state beyond what every release says."""
    ethics, keep = release.ethics, release.retention
    return (
        ("conditions", release.purposes.conditions),
        ("terms", release.terms),
        ("custody", release.custody),
        ("joint_use", release.joint_use),
        ("infringement_assessment", release.infringement_assessment),
        ("future_bases", release.future_bases),
        ("supervision", release.supervision),
        ("hipaa", release.hipaa),
        ("ic_type", ethics.ic_type if ethics else None),
        ("ledger_years", keep.ledger_years),
        ("access_log_years", keep.access_log_years),
        ("recipient_record_years", keep.recipient_record_years),
    )


def say_blocks(blocks: Sequence[Block], language: Language) -> Iterator[str]:
    """Write each stated block as lines: its name, and below it one line a fact."""
    for name, value in blocks:
        if value is None or value == ():
            continue
        label = say(LABELS[name], language)
        lines = list(_lines(value, language))
        if len(lines) == 1 and not isinstance(value, PolicyModel):
            yield f"  {label}: {lines[0]}"
        else:
            yield f"  {label}"
            yield from (f"      {line}" for line in lines)


def say_facts(value: PolicyModel, language: Language, *, only: Sequence[str]) -> str:
    """Write the facts named in `only` in one line, those that are stated."""
    stated = ((name, getattr(value, name)) for name in only)
    return _joined(((name, fact) for name, fact in stated if fact is not None), language)


_SPEAKS_WHEN_EMPTY = frozenset({"foreign", "incidents"})
"""Facts whose emptiness says something: no country abroad, no incident."""


def _stated(value: PolicyModel) -> Iterator[tuple[str, object]]:
    for name in type(value).model_fields:
        fact = getattr(value, name)
        if fact is not None and (fact != () or name in _SPEAKS_WHEN_EMPTY):
            yield name, fact


def _lines(value: object, language: Language) -> Iterator[str]:
    if isinstance(value, PolicyModel) and not isinstance(value, Text):
        for name, fact in _stated(value):
            yield f"{say(LABELS[name], language)}: {_value(fact, language)}"
    elif isinstance(value, tuple) and value and isinstance(value[0], PolicyModel):
        yield from (_value(each, language) for each in value)
    else:
        yield _value(value, language)


def _value(value: object, language: Language) -> str:
    if isinstance(value, Text | Labelled):
        return value.ja if language == "ja" else value.en
    if isinstance(value, PolicyModel):
        return _joined(_stated(value), language)
    if isinstance(value, tuple):
        mark = "; " if value and isinstance(value[0], PolicyModel) else say(("、", ", "), language)
        return mark.join(_value(each, language) for each in value) or say(("なし", "none"), language)
    return _scalar(value, language)


def _scalar(value: object, language: Language) -> str:
    if isinstance(value, bool):
        return say(("はい", "yes") if value else ("いいえ", "no"), language)
    text = say_day(value, language) if isinstance(value, date) else str(value)
    return say(VALUES[text], language) if text in VALUES else text


def _joined(facts: Iterator[tuple[str, object]], language: Language) -> str:
    mark = say(("、", ", "), language)
    return mark.join(f"{say(LABELS[name], language)}: {_value(fact, language)}" for name, fact in facts)
