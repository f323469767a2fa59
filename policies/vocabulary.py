"""The closed vocabularies of policy files; each value has a Japanese label.

A value that is not here cannot be written in a policy. Labels are the terms of the Act where the Act has one.
Source: `output_category`, `provision_basis`, `class`, `code`: APPI (Act 57 of 2003) arts. 2, 16, 27, 41-46, 58, 112-119,
Cabinet Order art. 1, Rules arts. 2-4, 31, 34; NGMI Act arts. 2, 33-36, 52, 57. Purposes: GA4GH DUO, Regulation (EU) 2025/327
art. 53.
"""

from enum import StrEnum


class Labelled(StrEnum):
    """An enum whose members carry a Japanese and an English label."""

    ja: str
    en: str

    def __new__(cls, value: str, ja: str = "", en: str = "") -> "Labelled":
        """Make a member from its value and its two labels."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.ja = ja or value
        member.en = en or value.replace("_", " ")
        return member


class ControllerType(Labelled):
    """Who holds the data; decides which article of the APPI applies (rule APPI-31)."""

    PRIVATE_OPERATOR = "private_operator", "個人情報取扱事業者", "private operator"
    PRIVATE_ACADEMIC = "private_academic", "学術研究機関等", "private academic institution"
    APPENDED_TABLE_2 = "appended_table_2", "別表第二法人", "corporation of appended table 2"
    PUBLIC_HOSPITAL_58_2 = "public_hospital_58_2", "公立病院等", "public hospital (art. 58(2))"
    ADMINISTRATIVE_ORGAN = "administrative_organ", "行政機関等", "administrative organ"
    NGMI_ANON_MAKER = "ngmi_anon_maker", "認定匿名加工医療情報作成事業者", "certified anonymized-data maker"
    NGMI_PSEUDO_MAKER = "ngmi_pseudo_maker", "認定仮名加工医療情報作成事業者", "certified pseudonymized-data maker"
    NGMI_PSEUDO_USER = "ngmi_pseudo_user", "認定仮名加工医療情報利用事業者", "certified pseudonymized-data user"
    NGMI_PROCESSOR = "ngmi_processor", "認定医療情報等取扱受託事業者", "certified processor"


class OutputCategory(Labelled):
    """What leaves, in the words of the Act; decides the rule set."""

    PERSONAL_DATA = "personal_data", "個人データ", "personal data"
    PSEUDONYMIZED_APPI = "pseudonymized_appi", "仮名加工情報", "pseudonymized information (APPI)"
    ANONYMIZED_APPI = "anonymized_appi", "匿名加工情報", "anonymized information (APPI)"
    ANONYMIZED_ADMIN = "anonymized_admin", "行政機関等匿名加工情報", "anonymized information of administrative organs"
    ANONYMIZED_NGMI = "anonymized_ngmi", "匿名加工医療情報", "anonymized medical information (NGMI)"
    PSEUDONYMIZED_NGMI = "pseudonymized_ngmi", "仮名加工医療情報", "pseudonymized medical information (NGMI)"
    STATISTICS = "statistics", "統計情報", "statistics"
    SYNTHETIC = "synthetic", "疑似データ", "synthetic data"


class AcquisitionBasis(Labelled):
    """On what basis the holder acquired the data (APPI 20(2))."""

    OWN_CARE = "own_care", "診療", "own care"
    CONSENT = "consent", "本人同意", "consent of the person"
    LAW = "law", "法令", "by law"
    PUBLIC_HEALTH = "public_health", "公衆衛生", "public health"
    ACADEMIC_20_2_5 = "academic_20_2_5", "学術研究(20条2項5号)", "academic research (20(2)(v))"
    ACADEMIC_20_2_6 = "academic_20_2_6", "共同学術研究(20条2項6号)", "joint academic research (20(2)(vi))"
    RECEIVED_ANONYMIZED = "received_anonymized", "匿名加工済みの受領", "received already anonymized"


class ProvisionBasis(Labelled):
    """On which article the release rests (rules APPI-08 ... 13, 19, 28, 31; NGMI-02, 09)."""

    CONSENT_27_1 = "consent_27_1", "本人同意(27条1項)", "consent (27(1))"
    LAW_27_1_1 = "law_27_1_1", "法令(27条1項1号)", "by law (27(1)(i))"
    PUBLIC_HEALTH_27_1_3 = "public_health_27_1_3", "公衆衛生(27条1項3号)", "public health (27(1)(iii))"
    ACADEMIC_PUBLISH_27_1_5 = "academic_publish_27_1_5", "学術成果の公表(27条1項5号)", "academic publication (27(1)(v))"
    ACADEMIC_JOINT_27_1_6 = "academic_joint_27_1_6", "共同研究(27条1項6号)", "joint academic research (27(1)(vi))"
    ACADEMIC_RECIPIENT_27_1_7 = (
        "academic_recipient_27_1_7",
        "提供先が学術研究機関等(27条1項7号)",
        "academic recipient (27(1)(vii))",
    )
    OUTSOURCING_27_5_1 = "outsourcing_27_5_1", "委託(27条5項1号)", "outsourcing (27(5)(i))"
    JOINT_USE_27_5_3 = "joint_use_27_5_3", "共同利用(27条5項3号)", "joint use (27(5)(iii))"
    OPT_OUT_27_2 = "opt_out_27_2", "オプトアウト(27条2項)", "opt-out (27(2))"
    ANONYMIZED_43 = "anonymized_43", "匿名加工情報の提供(43条)", "anonymized information (43)"
    ANONYMIZED_FORWARD_44 = "anonymized_forward_44", "匿名加工情報の再提供(44条)", "anonymized information, onward (44)"
    ADMIN_ANONYMIZED_116 = (
        "admin_anonymized_116",
        "行政機関等匿名加工情報(116条)",
        "administrative anonymized information (116)",
    )
    NGMI_OPTOUT_52 = "ngmi_optout_52", "次世代法52条", "NGMI 52"
    NGMI_OPTOUT_57 = "ngmi_optout_57", "次世代法57条", "NGMI 57"
    NGMI_PSEUDO_36 = "ngmi_pseudo_36", "次世代法36条", "NGMI 36"
    STATISTICS_ONLY = "statistics_only", "統計情報のみ", "statistics only"


class ColumnClass(Labelled):
    """The legal class of a column; a column may have several."""

    DIRECT_IDENTIFIER = "direct_identifier", "特定の個人を識別することができる記述等", "direct identifier"
    IDENTIFICATION_CODE = "identification_code", "個人識別符号", "individual identification code"
    LINKAGE_CODE = "linkage_code", "連結符号", "linkage code"
    PROPERTY_DAMAGE = "property_damage", "財産的被害のおそれがある記述等", "risk of property damage"
    SPECIAL_CARE = "special_care", "要配慮個人情報", "special-care-required"
    QUASI_IDENTIFIER = "quasi_identifier", "準識別子", "quasi-identifier"
    UNUSUAL_CANDIDATE = "unusual_candidate", "特異な記述候補", "candidate for an unusual description"
    FREE_TEXT = "free_text", "自由記載", "free text"
    ORDINARY = "ordinary", "その他", "ordinary"


class IdentificationCode(Labelled):
    """Which individual identification code a column holds (Cabinet Order art. 1, Rules arts. 2-4)."""

    GENOME_WGS = "genome_wgs", "全ゲノム", "whole genome"
    GENOME_WES = "genome_wes", "全エクソーム", "whole exome"
    GENOME_SNP_ARRAY = "genome_snp_array", "全ゲノムSNP", "genome-wide SNPs"
    GENOME_PANEL = "genome_panel", "遺伝子パネル", "gene panel"
    GENOME_STR = "genome_str", "STR", "short tandem repeats"
    FACE = "face", "顔", "face"
    IRIS = "iris", "虹彩", "iris"
    VOICE = "voice", "声", "voice"
    GAIT = "gait", "歩容", "gait"
    VEIN = "vein", "静脈", "vein pattern"
    FINGERPRINT = "fingerprint", "指掌紋", "finger or palm print"
    PASSPORT = "passport", "旅券番号", "passport number"
    BASIC_PENSION = "basic_pension", "基礎年金番号", "basic pension number"
    DRIVER_LICENCE = "driver_licence", "運転免許証番号", "driver's licence number"
    RESIDENT_CODE = "resident_code", "住民票コード", "resident record code"
    MY_NUMBER = "my_number", "個人番号", "My Number"
    HEALTH_INSURANCE = "health_insurance", "保険者番号・被保険者等記号番号", "health-insurance number"
    LATE_ELDERLY = "late_elderly", "後期高齢者医療 被保険者番号", "late-elderly insured number"
    LONG_TERM_CARE = "long_term_care", "介護保険 被保険者番号", "long-term-care insured number"
    RESIDENCE_CARD = "residence_card", "在留カード番号", "residence-card number"
    EMPLOYMENT_INSURANCE = "employment_insurance", "雇用保険被保険者番号", "employment-insurance number"


class ColumnRole(Labelled):
    """What a column does for the pipeline; every column has exactly one."""

    PERSON_KEY = "person_key", "本人キー", "names the person; the unit of every count"
    RECORD_KEY = "record_key", "レコードキー", "names the row"
    FOREIGN_KEY = "foreign_key", "参照キー", "names a row of another table"
    SAMPLE_KEY = "sample_key", "検体キー", "names a genome sample"
    HOUSEHOLD_KEY = "household_key", "世帯キー", "names the household or family of a person"
    IDENTIFIER = "identifier", "識別情報", "identifies by itself; never leaves"
    QUASI_IDENTIFIER = "quasi_identifier", "準識別子", "identifies in combination"
    SENSITIVE = "sensitive", "機微属性", "what an attacker wants to learn"
    EVENT_DATE = "event_date", "事象日", "when something happened"
    FREE_TEXT = "free_text", "自由記載", "text that may hold anything"
    ATTRIBUTE = "attribute", "属性", "anything else"
    DECISION = "decision", "意思表示", "a decision in a consent register"
    GENOTYPE = "genotype", "遺伝型", "allele calls, one value a sample"


class ColumnType(Labelled):
    """The declared type of a column; what does not parse is quarantined."""

    STRING = "string", "文字列", "text"
    INTEGER = "integer", "整数", "whole number"
    DECIMAL = "decimal", "小数", "number"
    DATE = "date", "日付", "date"
    TIMESTAMP = "timestamp", "日時", "moment"
    BOOLEAN = "boolean", "真偽", "yes or no"
    ALLELES = "alleles", "アレル列", "alleles of all samples"
    STRINGS = "strings", "文字列の列", "list of text"


class TableKind(Labelled):
    """What a row of a table is."""

    PERSON = "person", "人", "one row a person"
    EVENT = "event", "事象", "many rows a person"
    REGISTER = "register", "同意・停止登録簿", "consent or opt-out register"
    GENOTYPE = "genotype", "遺伝型", "one row a site, all samples in it"
    REFERENCE = "reference", "参照表", "no person in it"


class ConsentBasis(Labelled):
    """Whose silence means what."""

    OPT_IN = "opt_in", "同意", "only people who consented"
    OPT_OUT = "opt_out", "オプトアウト", "all but people who objected"
    NOT_REQUIRED = "not_required", "不要", "no consent needed; a reason is given"


class RecipientKind(Labelled):
    """What a recipient is (rules APPI-11, 14)."""

    ACADEMIC = "academic", "学術研究機関等", "academic institution"
    COMPANY = "company", "企業", "company"
    HOSPITAL = "hospital", "病院", "hospital"
    GOVERNMENT = "government", "行政機関", "government"
    NGMI_USER = "ngmi_user", "認定利用事業者", "certified NGMI user"
    PUBLIC = "public", "一般公開", "the public"


class Delivery(Labelled):
    """How a release reaches its recipient."""

    OPEN = "open", "公開", "open download"
    EXTRACT = "extract", "抽出データ提供", "sealed extract under a permit"
    STATISTIC = "statistic", "統計提供", "statistical answer"
    SECURE_ENVIRONMENT = "secure_environment", "安全な利用環境内での利用", "use inside a secure environment"


class ProhibitedUse(Labelled):
    """Uses no release allows (APPI 41(7)(8), 43(5), 45; EHDS 54)."""

    REIDENTIFY = "reidentify", "本人の識別", "re-identification"
    LINK_PERSONS = "link_persons", "他情報との照合", "linking persons"
    CONTACT_SUBJECT = "contact_subject", "本人への連絡", "contacting the person"
    INSURANCE_OR_CREDIT_DECISION = "insurance_or_credit_decision", "保険・与信の判断", "insurance or credit decisions"
    EMPLOYMENT_DECISION = "employment_decision", "雇用の判断", "employment decisions"
    MARKETING = "marketing", "広告・マーケティング", "advertising or marketing"
    ONWARD_TRANSFER = "onward_transfer", "第三者への再提供", "onward transfer"


class QualityDimension(Labelled):
    """The six dimensions of the EHDS data quality label (Regulation (EU) 2025/327 art. 78(3)(b))."""

    COMPLETENESS = "completeness", "完全性", "completeness"
    UNIQUENESS = "uniqueness", "一意性", "uniqueness"
    ACCURACY = "accuracy", "正確性", "accuracy"
    VALIDITY = "validity", "妥当性", "validity"
    TIMELINESS = "timeliness", "適時性", "timeliness"
    CONSISTENCY = "consistency", "一貫性", "consistency"


class Severity(Labelled):
    """What a finding does: BLOCK refuses, HOLD waits for a named person, WARN is recorded."""

    BLOCK = "BLOCK", "禁止", "refused"
    HOLD = "HOLD", "保留", "a person must decide"
    WARN = "WARN", "注意", "recorded"


class CertificationKind(Labelled):
    """The four certifications of the NGMI Act (arts. 9, 33, 41, 45)."""

    ANONYMIZED_MAKER = "anonymized_maker", "認定匿名加工医療情報作成事業者", "certified anonymized-data maker"
    PSEUDONYMIZED_MAKER = "pseudonymized_maker", "認定仮名加工医療情報作成事業者", "certified pseudonymized-data maker"
    PSEUDONYMIZED_USER = "pseudonymized_user", "認定仮名加工医療情報利用事業者", "certified pseudonymized-data user"
    PROCESSOR = "processor", "認定医療情報等取扱受託事業者", "certified processor"


class SafetyMeasure(Labelled):
    """The safety measures of a certified operator (NGMI Rules 6, 42)."""

    TRAINING = "training", "従事者への教育訓練", "training of staff"
    EXTERNAL_AUDIT = "external_audit", "外部監査又は第三者認証", "external audit or certification"
    NO_LOCAL_STORAGE = "no_local_storage", "端末・可搬媒体への保存禁止", "no local storage or removable media"
    LOGGING = "logging", "操作記録と異常の検知", "logging with control of anomalies"
    DEDICATED_LINES = "dedicated_lines", "専用線等による通信", "dedicated lines"
    SPLIT_SERVERS = "split_servers", "受信用と送信用のサーバの分離", "separate servers for receiving and sending"
    UNRECOVERABLE_DELETION = "unrecoverable_deletion", "復元できない手段による消去", "unrecoverable deletion"


class NoticeItem(Labelled):
    """Items (i) to (viii) of the notice before provision to a certified maker (NGMI 52(1), 57(1); wording G)."""

    PROVIDER = "provider", "医療情報取扱事業者の名称・住所・代表者", "(i) name, address and head of the provider"
    PURPOSE = "purpose", "作成事業者への提供とその目的", "(ii) provision to a certified maker, and why"
    ITEMS = "items", "提供する医療情報の項目", "(iii) items of medical information"
    ACQUISITION = "acquisition", "医療情報の取得の方法", "(iv) how the information was acquired"
    METHOD = "method", "提供の方法", "(v) how it is provided"
    STOP = "stop", "求めに応じて提供を停止すること", "(vi) that provision stops on request"
    CHANNEL = "channel", "停止の求めを受け付ける方法", "(vii) how a request to stop is taken"
    OTHER = "other", "主務省令で定める事項", "(viii) what the Rules add"


class ContractItem(Labelled):
    """What the contract on pseudonymized medical information states (NGMI Rules 36; the fourth item G)."""

    PARTIES = "parties", "契約の当事者", "the parties"
    ITEMS = "items", "情報の項目", "the items of information"
    METHOD = "method", "提供の方法", "the way of provision"
    DATE = "date", "提供の年月日", "the date of provision"


class PublicDatabase(Labelled):
    """Public databases of health data; the first nine are linkable under the NGMI Act (art. 31; Order 7-8)."""

    NDB = "ndb", "NDB(匿名医療保険等関連情報)", "NDB, claims and check-ups"
    DPCDB = "dpcdb", "DPCDB(匿名診療等関連情報)", "DPCDB, acute inpatient care"
    KAIGO = "kaigo", "介護DB", "long-term care"
    SHOMAN = "shoman", "小児慢性特定疾病DB", "chronic diseases of childhood"
    NANBYO = "nanbyo", "指定難病DB", "designated intractable diseases"
    DISABILITY = "disability", "障害福祉DB", "disability welfare"
    CHILD_DISABILITY = "child_disability", "障害児福祉DB", "disability welfare of children"
    VACCINATION = "vaccination", "予防接種DB", "vaccination"
    INFECTION = "infection", "感染症DB", "infectious diseases"
    CANCER_REGISTRY = "cancer_registry", "全国がん登録", "national cancer registry"
    VITAL_STATISTICS = "vital_statistics", "人口動態統計", "vital statistics"


class AccessTier(Labelled):
    """How open data are (NBDC human data sharing guidelines)."""

    UNRESTRICTED = "unrestricted", "非制限公開", "unrestricted access"
    CONTROLLED = "controlled", "制限公開", "controlled access"
    ON_HOLD = "on_hold", "公開待機", "on hold"
    GROUP = "group", "グループ共有", "shared in a group"


class SharingClass(Labelled):
    """The sharing class in a data management plan (AMED guideline on the use of research data)."""

    CLOSED = "closed", "非公開", "closed"
    RESTRICTED_SHARING = "restricted_sharing", "制限共有", "restricted sharing"
    CONTROLLED_ACCESS = "controlled_access", "制限公開", "controlled access"
    UNRESTRICTED = "unrestricted", "非制限公開", "unrestricted access"


class InformedConsent(Labelled):
    """How people take part in a study (ethics guideline, part 4, chapter 8)."""

    WRITTEN_IC = "written_ic", "文書によるIC", "written informed consent"
    ORAL_IC = "oral_ic", "口頭によるICと記録", "oral informed consent, recorded"
    APPROPRIATE_CONSENT = "appropriate_consent", "適切な同意", "appropriate consent"
    NOTICE_OPT_OUT = "notice_opt_out", "通知・公開と拒否の機会", "notice with a chance to refuse"
    NOT_NEEDED = "not_needed", "手続不要", "no procedure needed"


class TermsClause(Labelled):
    """Clauses of the terms of use (APPI 41(7)(8), 43(5), 45; NGMI 42, 68-70; NBDC guidelines; EHDS 61)."""

    NO_IDENTIFICATION = "no_identification", "本人を識別しない", "no identification of persons"
    NO_MATCHING = "no_matching", "識別のための照合をしない", "no matching in order to identify"
    NO_CONTACT = "no_contact", "本人に連絡しない", "no contact with persons"
    NO_ONWARD_TRANSFER = "no_onward_transfer", "第三者に提供しない", "no onward transfer"
    NO_REMOVED_INFORMATION = (
        "no_removed_information",
        "削除情報・加工方法等情報を取得しない",
        "no acquiring of removed information or of the method",
    )
    RESEARCH_ONLY = "research_only", "研究目的に限る", "research only"
    NAMED_USERS = "named_users", "利用者を限る", "named users only"
    CITE_ACCESSION = "cite_accession", "受入番号を引用する", "citation of the accession id"
    LATEST_VERSION = "latest_version", "最新版を用いる", "use of the latest version"
    PUBLISH_RESULTS = "publish_results", "結果を18か月以内に公表する", "results published within 18 months"
    REPORT_FINDINGS = "report_findings", "健康上重要な所見を報告する", "significant findings reported"
    DELETE_AT_END = "delete_at_end", "終了時に消去する", "deletion at the end"
    PENALTIES = "penalties", "罰則の告知", "notice of the penalties"


class ColumnMeaning(Labelled):
    """What a column says of the world, where a rule speaks of just that (cell-size rules of NDB and the like)."""

    MUNICIPALITY = "municipality", "市区町村", "municipality"
    SMALL_AREA = "small_area", "町丁目・番地・郵便番号", "area below a municipality"
    INSURER_TYPE = "insurer_type", "保険者種別", "kind of insurer"
    INSURER = "insurer", "保険者", "insurer"
    INSTITUTION = "institution", "医療機関・介護施設", "medical or care institution"
    DRUG = "drug", "医薬品", "drug"
    TIME_OF_DEATH = "time_of_death", "死亡時刻", "time of death"
    BIRTH_WEIGHT = "birth_weight", "出生時体重", "birth weight in grams"


class Restorable(Labelled):
    """What would let somebody undo a treatment (加工方法等情報 that can restore; APPI Rules 32, 35)."""

    KEY = "key", "仮名化の鍵", "key of the pseudonyms"
    ID_MAP = "id_map", "対応表", "map from source ids to new ids"
    DATE_OFFSETS = "date_offsets", "日付のずらし幅", "date shifts"
    NOISE = "noise", "雑音の値と乱数の種", "noise values and seeds"
    REMOVED_INFORMATION = "removed_information", "削除した情報", "what was removed"


class Keeping(Labelled):
    """Where something restorable is; `with_data` is what the Rules forbid."""

    VAULT = "vault", "保管庫", "in the vault"
    DESTROYED = "destroyed", "廃棄済み", "destroyed"
    NEVER_STORED = "never_stored", "保存しない", "never stored"
    WITH_DATA = "with_data", "データと同じ場所", "beside the data"


class FutureBasis(Labelled):
    """Bases that a law has enacted and that are not in force; a draft may name one, nothing may rest on it."""

    STATISTICS_2026 = (
        "statistics_2026",
        "統計作成等の特例(令和8年法律第56号、未施行)",
        "statistics exception of Act 56 of 2026 (not in force)",
    )
    NGMI_36_2 = "ngmi_36_2", "次世代法36条の2(未施行)", "NGMI 36-2 (not in force)"
