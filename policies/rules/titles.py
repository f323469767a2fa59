"""What each check of a policy file confirms, as a clause in both languages; a test fails when a check has none.

Belongs here: the words for the functions of this package. Does not: what a rule asks (the rule pack says that).
"""

from collections.abc import Mapping
from types import MappingProxyType

from policies.model.strictness import Text


def clauses(rows: Mapping[str, tuple[str, str]]) -> Mapping[str, Text]:
    """Return (ja, en) pairs as texts, by the names of checks."""
    return MappingProxyType({name: Text(ja=ja, en=en) for name, (ja, en) in rows.items()})


RELEASE_TITLES = clauses(
    {
        "genome_rows_stay": (
            "ゲノムの個人ごとの行が、匿名加工情報・仮名加工情報に含まれていない",
            "no genotype row leaves in what is called anonymized or pseudonymized",
        ),
        "my_number_is_rejected": ("個人番号の列を受け入れていない", "no column of My Numbers is taken in"),
        "pseudonymized_is_stripped": (
            "特定の個人を識別する記述、個人識別符号、財産的被害のおそれがある記述が削除されている",
            "identifying descriptions, identification codes and what could cost money are removed",
        ),
        "descriptions_are_removed": (
            "氏名・連絡先・番地までの住所・生年月日・自由記載がそのまま出ない",
            "names, contacts, full addresses, dates of birth and free text do not leave as they are",
        ),
        "codes_are_removed": ("個人識別符号の全部が削除されている", "all individual identification codes are removed"),
        "linkage_is_cut": (
            "元の情報と連結する符号が、削除され、又は連結できない符号に置き換えられている",
            "codes that link to the source are removed, or replaced by codes that cannot link",
        ),
        "unusual_is_removed": (
            "特異な記述になり得る列が粗くされ、高齢は一つの区分にまとめられ、稀な値は上位の区分に上げられている",
            "columns that may be unusual are coarsened, great ages form one class, and rare values roll up",
        ),
        "records_are_alike": (
            "出力される準識別子が、すべて保護モデルで数えられ、又は粗くされている",
            "every quasi-identifier that leaves is counted by the privacy model or made coarser",
        ),
        "risk_fits_k": ("1/k が、許容する最大リスク以下である", "1/k is at most the tolerated risk"),
        "alleles_are_common": (
            "アレル数に下限があり、所属推定の検出力が上限以下である",
            "allele counts have a floor and the power of a membership test has a cap",
        ),
        "provision_has_its_basis": (
            "個人データの提供に、登録簿と同意文書で示せる同意、又は法令の各号に当たる根拠がある",
            "personal data leave on consent shown by register and text, or on an exception with its paper",
        ),
        "joint_research_is_agreed": (
            "学術研究機関等が、提供先と共同して学術研究を行う定めがある",
            "an academic holder does joint research with the recipient, by agreement",
        ),
        "recipient_is_academic": ("提供先が学術研究機関等である", "the recipient is an academic research institution"),
        "special_care_is_not_opted_out": (
            "要配慮個人情報を、オプトアウトにより提供していない",
            "no special-care-required information is provided by opt-out",
        ),
        "pseudonymized_stays_inside": (
            "仮名加工情報の提供先が、委託先・共同利用者・法令に基づく者に限られている",
            "pseudonymized information goes to processors, joint users and whom a law names only",
        ),
        "section_4_is_private": (
            "第四章第四節の規定を、その適用がない保有者の根拠にしていない",
            "no holder to whom arts. 43 to 46 do not apply relies on them",
        ),
        "category_fits": (
            "出力の区分・提供の根拠・保有者の種別の組合せが、対応表にある",
            "category, basis and kind of holder stand together in the compatibility table",
        ),
        "items_are_published": (
            "情報の項目を公表する場所と日があり、作成から遅滞がない",
            "place and day of the public notice of items are stated, without delay after making",
        ),
        "recipients_are_told": (
            "項目と提供方法の公表が提供より先であり、名称が明示される",
            "items and method are public before provision, and the label says what it is",
        ),
        "names_are_columns": (
            "保護の方法に挙げた列が、すべて出力にあり、その方法で扱える形になっている",
            "every column that the method names is in the output, in a form that the method can use",
        ),
        "purposes_are_clear": (
            "利用許可の条件(DUO)がちょうど一つあり、疾患や企業の利用についての定めと食い違わない",
            "there is exactly one DUO permission, and diseases and companies agree with it",
        ),
        "budget_is_kept": (
            "母集団の公開物すべての損失の合計が、上限以下である",
            "the losses of all releases of the population sum to at most its cap",
        ),
        "losses_are_meant": (
            "対象の単位・寄与の上限・値の範囲・公表する区分が、データを見る前に定められている",
            "unit, contribution bounds, ranges of values and keys are set before the data are seen",
        ),
        "publication_is_unavoidable": (
            "提供がやむを得ず、権利利益を不当に侵害しないことの評価が、提供より前にある",
            "an assessment that provision is unavoidable and infringes nobody unduly precedes it",
        ),
        "insiders_are_named": (
            "委託には契約があり、共同利用には事前の5項目の通知がある",
            "outsourcing has its contract and joint use its notice of five items",
        ),
        "foreign_recipients_are_safe": (
            "外国にある提供先があれば、指定国にあるか、情報を示した同意又は相当措置の下にある",
            "a recipient abroad, if any, is in a designated country, or under informed consent or checked measures",
        ),
        "purpose_was_specified": (
            "公開物の利用目的が、元のデータについて特定した利用目的の範囲内にある",
            "the purpose of the release lies within what people were told for every dataset",
        ),
        "records_are_kept": (
            "提供の記録と閲覧の記録の保存年数が、定めの年数以上である",
            "records of provision and of access are kept for their years",
        ),
        "data_are_erased": (
            "渡したデータの利用期間と消去の期限が、上限以内である",
            "the time of use and the time to delete are within their limits",
        ),
        "nobody_is_sought": (
            "本人の識別・照合・連絡が、利用条件で禁じられている",
            "the terms forbid identifying, matching and contacting people",
        ),
        "matching_is_forbidden": (
            "識別のための照合と、削除された情報や加工方法の取得が、契約で禁じられている",
            "matching and acquiring what was removed are forbidden by contract",
        ),
        "measures_are_public": (
            "安全管理と苦情の処理の措置が公表されている",
            "measures of security and of handling complaints are public",
        ),
        "removed_information_is_guarded": (
            "削除情報等が別の保管庫に置かれ、取り扱う役割と開錠の記録が定められている",
            "removed information has a vault of its own, named roles and a log of openings",
        ),
        "method_information_is_guarded": (
            "加工方法等情報を扱う役割が定められ、規程が毎年見直され、データと別に置かれている",
            "what lets one restore is handled by named roles, reviewed yearly, and not beside the data",
        ),
        "noise_is_discarded": (
            "雑音の値と乱数の種が、保管庫に置かれ、又は捨てられている",
            "noise values and seeds are in the vault or not kept at all",
        ),
        "floors_are_kept": (
            "k・l・t・リスク・抑制の割合が機関内の限度を守り、1年以内に見直される",
            "k, l, t, risk and suppression keep the limits of the house, with a review within the year",
        ),
        "given_dates_are_coarse": (
            "正確な日付が、人についての行データに出ない",
            "no exact date leaves in rows about people",
        ),
        "cells_are_large": (
            "最小集計単位に満たない人数の欄を示さない定めになっている",
            "no cell below the smallest permitted count is to be shown",
        ),
        "drugs_are_counted_by_people": (
            "医薬品別の表があれば、人数を数えている",
            "a table by drug, if any, counts people",
        ),
        "institutions_are_judged": (
            "医療機関別・保険者別の表があれば、担当者の判断を経ている",
            "a table by institution or insurer, if any, was seen by a person",
        ),
        "areas_are_wide": (
            "地域が市区町村より細かくなく、保険者の種別と掛け合わされていない",
            "no area is finer than a municipality or crossed with kinds of insurer",
        ),
        "deaths_and_births_are_binned": (
            "死亡時刻と出生時体重を示すときは、定めの幅の区分による",
            "times of death and birth weights, if shown, are in their classes",
        ),
        "ages_are_classes": (
            "年齢を示すときは、5歳以上の幅の区分により、上の端をまとめている",
            "ages, if shown, are classes of five years or more with an open class at the top",
        ),
        "ndb_stays_in_japan": (
            "NDB に由来する情報があれば、国内に保存され、国外の者に提供されない",
            "what comes from NDB, if anything, is stored in Japan and given to nobody abroad",
        ),
        "ndb_rows_are_anonymized": (
            "NDB に由来する行データがあれば、匿名加工情報としてのみ出る",
            "rows from NDB, if any, leave as anonymized information only",
        ),
        "no_marketing_no_matching": (
            "広告・宣伝と照合が、禁止される利用に挙げられている",
            "marketing and matching are prohibited uses",
        ),
        "care_cells_are_large": (
            "介護データの表があれば、人数と事業所数の下限を満たしている",
            "cells of long-term-care data, if any, have people and institutions enough",
        ),
        "dpc_cells_are_large": (
            "DPC の基準より小さい数を示さない定めになっている",
            "no count below that of DPC is to be shown",
        ),
        "us_cells_are_large": (
            "米国CMSの基準より小さい数と、それを逆算できる数を示さない定めになっている",
            "no count below that of CMS is to be shown, nor what it could be computed from",
        ),
        "cohort_cells_are_large": (
            "大規模コホートの基準より小さい数を示さない定めになっている",
            "no count below that of the cohort programme is to be shown",
        ),
        "record_risk_is_small": (
            "許容する再識別リスクが基準以下であり、k がそれを満たす",
            "the tolerated risk of a record is at most the regime's, and k keeps it",
        ),
        "magnitudes_are_bounded": (
            "小さな度数を示さず、量の合計で一人の寄与に上限がある",
            "no small frequency is shown, and one person's part in a sum is bounded",
        ),
        "cells_follow_the_house": (
            "最小集計単位が、機関内の定めを満たしている",
            "the smallest permitted count keeps the rule of the house",
        ),
        "exact_outputs_are_listed": (
            "同じデータからの正確な値の公開物が、損失の値と並べて挙げられている",
            "every exact release of the same data is listed beside the loss",
        ),
        "periods_are_approved": (
            "予算の期間が、それぞれ承認され、母集団ごとに一つである",
            "each budget period is approved for itself, and a population has one",
        ),
        "maker_is_certified": (
            "法の定める名称を、認定を受けた事業者だけが用いている",
            "only a certified operator uses the names of the Act",
        ),
        "anonymized_standard_is_met": (
            "匿名加工医療情報の加工基準の各号を満たしている",
            "each item of the standard of anonymized medical information is met",
        ),
        "pseudonymized_standard_is_met": (
            "仮名加工医療情報の加工基準の各号を満たしている",
            "each item of the standard of pseudonymized medical information is met",
        ),
        "users_are_certified": (
            "仮名加工医療情報の提供先が、認定を受け、必要な事項を定めた契約の下にある",
            "recipients of pseudonymized medical information are certified and under contract",
        ),
        "results_are_supervised": (
            "利用者の結果を、持ち出す前に作成事業者が確かめる定めになっている",
            "the maker looks at results before they leave the user's facility",
        ),
        "penalties_are_told": ("利用条件に罰則が示されている", "the terms name the penalties"),
        "guideline_examples_are_followed": (
            "氏名が削除され、住所が番地より粗い",
            "names are removed and addresses are coarser than the house number",
        ),
        "ledger_is_kept": (
            "提供と消去の記録の保存年数が、定めの年数以上である",
            "records of provision and deletion are kept for their years",
        ),
        "pseudonymized_linkage_waits": (
            "まだ施行されていない連結の規定を、根拠にしていない",
            "nothing rests on the provision on linkage that is not yet in force",
        ),
        "terms_are_statutory": (
            "名称と説明に、法令上の用語が使われている",
            "names and descriptions use the statutory terms",
        ),
        "consent_ladder_is_climbed": (
            "倫理審査の承認と、提供先に及ぶ同意の手続がある",
            "there is an ethics approval and a kind of consent that covers the recipients",
        ),
        "study_records_are_kept": (
            "提供元と提供先の記録の保存年数が、指針の年数以上である",
            "provider and recipient keep their records for the years of the guidelines",
        ),
        "foreign_provision_is_approved": (
            "外国への提供があれば、倫理審査の承認と、国名を示した同意文書がある",
            "provision abroad, if any, is approved by the committee, and the consent text names the country",
        ),
        "genomes_stay_in_environment": (
            "ゲノムの行データがあれば、安全な利用環境の中でのみ使われ、企業は事前に審査される",
            "genome rows, if any, are used inside a secure environment, and companies are screened",
        ),
        "tier_fits_delivery": (
            "データの公開の区分より広い方法で渡されない",
            "nothing leaves more openly than the access tier of its dataset",
        ),
        "security_is_enough": (
            "提供先のセキュリティの水準が、データの求める水準以上である",
            "each recipient's security level is at least that of the data",
        ),
        "keys_are_coded_twice": (
            "病院で符号化された番号が、公開のために改めて符号化される",
            "ids that the hospital coded are coded again for the release",
        ),
        "bulk_data_stay_away": (
            "米国人の大量データが、懸念国・対象者に渡らない",
            "bulk data of United States persons go to no country of concern and no covered person",
        ),
        "identifiers_are_absent": ("18種類の識別子が出ない", "none of the eighteen identifiers leaves"),
        "zip_codes_are_wide": (
            "米国の郵便番号を示すときは、上3桁より細かくなく、人口の少ない地域では示さない",
            "ZIP codes, if any, leave with three digits, and not at all for small areas",
        ),
        "dates_are_years": ("本人に関わる日付が、年だけで示される", "of dates about a person only the year leaves"),
        "ages_end_at_ninety": ("90歳以上が一つの区分にまとめられている", "ages of 90 and over form one class"),
        "way_is_shown": (
            "非識別化の方法が示され、専門家の判定による場合はその判定が有効である",
            "the way of de-identification is stated, and a determination is in force",
        ),
        "environment_is_controlled": (
            "人についての行データが、登録された利用者により、記録の残る環境で使われ、期限までに消去される",
            "rows about people are used by named users in a logged environment and deleted in time",
        ),
        "label_is_complete": (
            "品質の表示が、六つの側面のすべてについて述べている",
            "the quality label speaks of all six dimensions",
        ),
        "pseudonymized_is_personal": (
            "仮名化したデータが、個人データとして扱われ、そう呼ばれている",
            "pseudonymized data are treated and called personal data",
        ),
        "three_tests_are_passed": (
            "個人の特定・連結・推測の三つへの備えがあり、期限までに見直される",
            "singling out, linkability and inference are guarded against, with a review in time",
        ),
        "health_metadata_are_there": (
            "HealthDCAT-AP が求める、期間と年齢の範囲の記載がある",
            "coverage in time and age, as HealthDCAT-AP asks, is written",
        ),
        "exception_is_in_force": (
            "施行前の改正規定を、根拠にしていない",
            "nothing relies on an amendment before its day",
        ),
        "statistics_exception_has_conditions": (
            "統計作成の特例の条件(公表・書面の合意・再提供の禁止)がそろっている",
            "the exception for statistics has its notice, its agreement and no onward provision",
        ),
    }
)
"""What the checks of `RELEASE_CHECKS` confirm."""

DATASET_TITLES = clauses(
    {
        "special_care_is_declared": (
            "要配慮個人情報の列が、その旨を申告している",
            "columns of special-care-required information are declared as such",
        ),
        "acquisition_fits": (
            "取得の根拠が、その保有者に認められたものである",
            "the basis of acquisition is one that this holder can have",
        ),
        "features_are_declared": (
            "身体の特徴を抽出し得る画像等の列があれば、その旨を申告している",
            "columns of images or sound, if any, say whether bodily features can be taken from them",
        ),
        "academics_publish_measures": (
            "学術研究機関等が自ら講じた措置を公表している",
            "the academic institution publishes its own measures",
        ),
        "the_dead_are_declared": (
            "死者の情報を含むかどうかが、述べられている",
            "it is stated whether deceased people are in the data",
        ),
        "leaks_are_reported": (
            "漏えい等の窓口があり、記録された事案があれば期限内に報告されている",
            "there is a desk for leaks, and each one on record was reported in time",
        ),
        "notice_is_given": (
            "本人への通知に必要な事項がそろい、届出があり、停止の求めを受け付けている",
            "the notice has all its items, the filing is made, and anybody can ask to stop",
        ),
        "waiting_is_over": (
            "通知から、停止を求めるための期間が過ぎている",
            "the time in which people could object is over",
        ),
        "stop_requests_are_receipted": (
            "停止の求めに書面が交付され、その写しが保存される",
            "who asks to stop gets a receipt, and its copy is kept",
        ),
        "requesters_are_entitled": (
            "停止を求め得る者(本人又は遺族)が、登録簿で区別されている",
            "the register says whether the person or the bereaved family asked",
        ),
        "safety_is_checked": (
            "認定事業者の安全管理措置が、期間内に確認されている",
            "each safety measure of the certified operator was seen within the period",
        ),
        "public_databases_are_linkable": (
            "公的データベースと連結するときは、政令で定めるものだけを、それぞれの承認の下で連結している",
            "only public databases of the Order are linked, each under its approval",
        ),
        "findings_have_a_plan": (
            "ゲノムを含むデータについて、健康上重要な所見の取扱いが定められている",
            "for genome data it is laid down what happens with findings that matter to a person's health",
        ),
        "plan_is_made": (
            "データマネジメントプランがあり、渡し方がその共有の区分に合う",
            "there is a data management plan, and what leaves fits its sharing class",
        ),
        "consent_follows_model_text": (
            "新たに同意を得るときは、事業のモデル文案に沿っている",
            "new consent follows the programme's model text",
        ),
        "conditions_are_met": ("AMED の提供条件がすべて満たされている", "all conditions of AMED are met"),
        "category_is_declared": ("EHDS のデータの区分が示されている", "the EHDS categories of the data are named"),
        "decisions_are_published": (
            "許可と不許可の決定の公表先と期限が示されている",
            "place and time of publishing decisions are stated",
        ),
        "conditions_are_public": (
            "利用の条件が公表されている",
            "the conditions under which the data are used are public",
        ),
        "description_is_fresh": (
            "データの記述が1年以内に確認されている",
            "the description was looked at within the year",
        ),
    }
)
"""What the checks of `DATASET_CHECKS` confirm."""
