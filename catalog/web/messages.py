"""Every sentence of the portal in Japanese and English, side by side.

A typed table instead of gettext catalogs: both languages stand in one line of review, a missing translation cannot be
written (`Text` refuses it), nothing is compiled, and a test holds the keys against the templates. Dates and numbers
are formatted by Babel. Not here: words that come from records and policies (they bring both languages themselves).
"""

from catalog.web.question_messages import QUESTION_MESSAGES
from policies.model.strictness import Text

MESSAGES: dict[str, Text] = {
    **QUESTION_MESSAGES,
    "site.name": Text(ja="虹 Niji", en="虹 Niji"),
    "site.tagline": Text(ja="医療・ゲノム研究データカタログ", en="Catalog of medical and genomic research data"),
    "site.skip": Text(ja="本文へ移動", en="Skip to content"),
    "site.footer": Text(
        ja="このカタログに個人のデータはありません。人数は丸めるか、表示していません。",
        en="No personal data is in this catalog. Numbers of people are rounded or left out.",
    ),
    "site.formats": Text(ja="機械可読版 (DCAT-AP)", en="Machine-readable (DCAT-AP)"),
    "nav.label": Text(ja="主要", en="Main"),
    "nav.catalog": Text(ja="データを探す", en="Find data"),
    "nav.about": Text(ja="このカタログについて", en="About"),
    "nav.language": Text(ja="言語", en="Language"),
    "nav.breadcrumb": Text(ja="現在の位置", en="Breadcrumb"),
    "list.title": Text(ja="研究データを探す", en="Find research data"),
    "list.lead": Text(
        ja="病院の診療情報とゲノムから、法律にもとづいて安全に加工した研究用データの一覧です。",
        en="Research data made safely, and on a stated legal basis, from hospital records and genomes.",
    ),
    "list.search": Text(ja="検索", en="Search"),
    "list.words": Text(ja="キーワード", en="Words"),
    "list.words_hint": Text(ja="例: 糖尿病 入院(すべての語を含むもの)", en="e.g. diabetes admission (all words)"),
    "list.variable": Text(ja="変数名", en="Variable"),
    "list.variable_hint": Text(ja="例: HbA1c、傷病名", en="e.g. HbA1c, diagnosis"),
    "list.submit": Text(ja="検索する", en="Search"),
    "list.clear": Text(ja="条件を消す", en="Clear"),
    "list.count": Text(ja="{count}件のデータ", en="{count} datasets"),
    "list.count_one": Text(ja="1件のデータ", en="1 dataset"),
    "list.empty": Text(ja="該当するデータはありません。", en="No dataset matches."),
    "list.empty_hint": Text(
        ja="語を減らすか、絞り込みを外してください。", en="Use fewer words, or take away a filter."
    ),
    "list.results": Text(ja="検索結果", en="Results"),
    "list.pages": Text(ja="ページ", en="Pages"),
    "list.previous": Text(ja="前へ", en="Previous"),
    "list.next": Text(ja="次へ", en="Next"),
    "list.page": Text(ja="{page} / {pages} ページ", en="Page {page} of {pages}"),
    "facet.category": Text(ja="法律上の区分", en="Legal category"),
    "facet.method": Text(ja="保護の方法", en="Protection"),
    "facet.health": Text(ja="データの種類", en="Kind of data"),
    "fact.people": Text(ja="対象者数", en="People"),
    "fact.people_hidden": Text(ja="表示しません", en="not shown"),
    "fact.people_unknown": Text(ja="数えていません", en="not counted"),
    "fact.people_why": Text(
        ja="差分プライバシーの対象なので、人数そのものを表示しません。",
        en="Not shown: the number itself is protected by differential privacy.",
    ),
    "fact.protection": Text(ja="保護の強さ", en="Protection"),
    "fact.access": Text(ja="入手", en="Access"),
    "fact.issued": Text(ja="公開日", en="Published"),
    "fact.version": Text(ja="版", en="Version"),
    "fact.period": Text(ja="対象期間", en="Period covered"),
    "fact.period_text": Text(ja="{start}〜{end}", en="{start} to {end}"),
    "fact.open_end": Text(ja="記載なし", en="not stated"),
    "fact.ages": Text(ja="年齢の範囲", en="Typical ages"),
    "fact.ages_text": Text(ja="{low}〜{high}歳", en="{low} to {high} years"),
    "fact.glance": Text(ja="概要", en="At a glance"),
    "section.contents": Text(ja="このページの内容", en="On this page"),
    "section.about": Text(ja="このデータについて", en="About these data"),
    "section.safety": Text(ja="どのように保護しているか", en="How people are protected"),
    "section.dictionary": Text(ja="変数(データ辞書)", en="Variables (data dictionary)"),
    "section.conditions": Text(ja="利用条件", en="Conditions of use"),
    "section.request": Text(ja="申請のしかた", en="How to request"),
    "section.downloads": Text(ja="ダウンロード", en="Downloads"),
    "section.proof": Text(ja="照合のための情報", en="For verification"),
    "safety.k": Text(ja="k = {k}", en="k = {k}"),
    "safety.k_label": Text(ja="同じ特徴の人が少なくとも{k}人", en="at least {k} people alike"),
    "safety.epsilon": Text(ja="ε = {epsilon}", en="ε = {epsilon}"),
    "safety.epsilon_label": Text(ja="差分プライバシー(δ = {delta})", en="differential privacy (δ = {delta})"),
    "safety.guarantee": Text(ja="保証すること", en="What is guaranteed"),
    "safety.not_guaranteed": Text(ja="保証しないこと", en="What is not guaranteed"),
    "safety.loss": Text(ja="情報の損失", en="Information lost"),
    "safety.loss_hint": Text(ja="0%は損失なし、100%はすべて", en="0 % nothing, 100 % everything"),
    "safety.checks": Text(ja="検査", en="Checks"),
    "safety.checks_text": Text(ja="{total}件中{passed}件に合格", en="{passed} of {total} passed"),
    "safety.checks_list": Text(ja="合格した検査の一覧", en="List of the checks passed"),
    "dictionary.table": Text(ja="表「{title}」({count}変数)", en="Table “{title}” ({count} variables)"),
    "dictionary.name": Text(ja="変数", en="Variable"),
    "dictionary.label": Text(ja="意味", en="Meaning"),
    "dictionary.type": Text(ja="型", en="Type"),
    "dictionary.unit": Text(ja="単位・コード体系", en="Unit, code system"),
    "dictionary.treatment": Text(ja="施した処理", en="What was done to it"),
    "conditions.basis": Text(ja="提供の根拠", en="Legal basis of provision"),
    "conditions.purpose": Text(ja="認められる目的", en="Permitted purpose"),
    "conditions.duo": Text(ja="データ利用コード (DUO)", en="Data use codes (DUO)"),
    "conditions.mondo": Text(ja="疾患 (MONDO)", en="Diseases (MONDO)"),
    "conditions.ehds": Text(ja="EHDS 53条の目的", en="Purposes of EHDS article 53"),
    "conditions.prohibited": Text(ja="禁止される利用", en="Prohibited uses"),
    "conditions.recipients": Text(ja="提供先の種類", en="Kinds of recipient"),
    "conditions.retention": Text(ja="保管期間", en="Retention"),
    "conditions.retention_text": Text(
        ja="提供から最長{months}か月。終了後{days}日以内に消去",
        en="at most {months} months; deleted within {days} days after",
    ),
    "conditions.review": Text(ja="審査する窓口", en="Reviewed by"),
    "conditions.provenance": Text(ja="由来", en="Made from"),
    "request.intro": Text(
        ja="審査を経て許可を受けた方に、あなたの鍵で封をした抽出データを提供します。",
        en="After review and permit you receive an extract sealed to your own key.",
    ),
    "request.open": Text(
        ja="このデータは公開されています。申請はいりません。下の「ダウンロード」から入手できます。",
        en="These data are open. No request is needed: see the downloads below.",
    ),
    "request.statistic": Text(
        ja="このデータは統計として提供します。窓口にお問い合わせください。",
        en="These data are given as statistics. Please write to the contact below.",
    ),
    "request.step_key": Text(
        ja="受け取り用の鍵を作ります。秘密鍵は外に出しません。",
        en="Make a key to receive with. The secret half never leaves you.",
    ),
    "request.step_form": Text(
        ja="申請書に記入します(この公開物のひな形)。", en="Fill in the form (made out for this release)."
    ),
    "request.step_submit": Text(ja="申請書を提出します。", en="Submit the form."),
    "request.step_decision": Text(
        ja="コンプライアンス担当が審査します。申請者とは別の人が判断します。",
        en="A compliance officer decides, never somebody named in the request.",
    ),
    "request.step_receive": Text(
        ja="許可が出たら、封をした抽出データを受け取り、改ざんがないか確かめて開きます。",
        en="With the permit you receive the sealed extract; verify it, then open it.",
    ),
    "request.form": Text(ja="申請書のひな形 (JSON)", en="Request form (JSON)"),
    "request.contact": Text(ja="問い合わせ", en="Contact"),
    "download.metadata": Text(ja="説明データ", en="Metadata"),
    "download.files": Text(ja="データファイル", en="Data files"),
    "download.about": Text(ja="約 {size}", en="about {size}"),
    "proof.policy": Text(ja="公開ポリシーのダイジェスト", en="Digest of the release policy"),
    "proof.manifest": Text(ja="マニフェストのダイジェスト", en="Digest of the manifest"),
    "proof.dossier": Text(
        ja="各条項が守られていることと、その確かめ方を示す署名済みの証拠書類があります。",
        en="A signed dossier answers for each clause, and says how that is known.",
    ),
    "proof.dossier_manifest": Text(ja="証拠書類の目録のダイジェスト", en="Digest of the dossier's manifest"),
    "proof.hint": Text(
        ja="受け取ったデータの manifest.json と照合してください。",
        en="Compare with manifest.json of what you received.",
    ),
    "budget.title": Text(ja="プライバシー予算", en="Privacy budget"),
    "budget.what": Text(
        ja="差分プライバシーで公表するたびに、母集団ごとの口座から損失 ρ を払います。払った分は戻りません。",
        en="Each differentially private release pays a loss rho from its population's account. What is paid never returns.",
    ),
    "budget.cap": Text(ja="上限", en="Cap"),
    "budget.spent": Text(ja="使用済み", en="Spent"),
    "budget.left": Text(ja="残り", en="Left"),
    "budget.total": Text(ja="使用済みの合計(換算)", en="Spent in all, converted"),
    "budget.threshold_delta": Text(
        ja="うち、一覧のないキーの閾値の δ", en="Of which the δ of thresholds of keys that nobody listed"
    ),
    "budget.none": Text(ja="まだ何も払っていません。", en="Nothing was ever paid."),
    "budget.hint": Text(
        ja="口座は人々の集まりごとに一つです。版、名前、データの時点が変わっても、同じ口座から払います。",
        en="A group of people has one account: another version, name or snapshot of their data pays from the same.",
    ),
    "budget.open": Text(ja="この予算の使い方を見る", en="See how this budget is spent"),
    "about.title": Text(ja="このカタログについて", en="About this catalog"),
    "about.what": Text(
        ja="虹(Niji)は、病院が持つ診療情報とゲノムを、法律にもとづいて研究に使えるデータに加工し、"
        "一つひとつの公開が安全に作られたことを証拠で示すための基盤です。",
        en="Niji turns the clinical and genomic data that hospitals hold into data that researchers may lawfully use, and "
        "proves for every release that it was made safely.",
    ),
    "about.how_title": Text(ja="データはどう作られるか", en="How the data are made"),
    "about.how": Text(
        ja="同意のない方や停止を申し出た方の情報を除き、氏名などを仮のIDに置き換え、公開ポリシーの方法で保護し、"
        "別の計算で確かめ直してから公開します。検査に一つでも合格しないものは公開されません。",
        en="People without consent or with an objection are left out; names give way to pseudonyms; the release policy's "
        "method protects the rest; independent code counts again. What fails one blocking check is not published.",
    ),
    "about.methods_title": Text(ja="保護の方法", en="The methods"),
    "about.numbers_title": Text(ja="数字の読み方", en="How to read the numbers"),
    "about.numbers": Text(
        ja="人数は10人単位に切り下げ、10人未満は「<10」と表示します。差分プライバシー統計では、人数そのものを表示しません。",
        en="Numbers of people are rounded down to tens; fewer than ten are shown as “<10”. Beside differentially private "
        "statistics no number of people is shown at all.",
    ),
    "about.people_title": Text(ja="ご自身の情報について", en="If it is about you"),
    "about.people": Text(
        ja="ご自身の情報の利用を望まない方は、受診された病院の窓口にお申し出ください。以後の公開と提供から除かれます。",
        en="If you do not want your information to be used, tell the hospital that treated you. It is left out of every "
        "later release and extract.",
    ),
    "error.404": Text(ja="ページが見つかりません", en="Page not found"),
    "error.404_text": Text(
        ja="お探しのページは移動したか、公開が終わった可能性があります。",
        en="The page may have moved, or its release may have ended.",
    ),
    "card.open": Text(ja="公開カードと点検表を見る", en="See the card and the checklist"),
    "card.title": Text(ja="差分プライバシーの公開カード", en="Card of differential privacy"),
    "card.lead": Text(
        ja="公開の登録簿(DP Deployments Registry)の形式の記載と、NIST SP 800-226 に挙がる危険の点検表です。",
        en="An entry in the form of the DP Deployments Registry, and a checklist of the hazards of NIST SP 800-226.",
    ),
    "card.unit": Text(ja="守る単位", en="Unit of privacy"),
    "card.loss": Text(ja="損失", en="Loss"),
    "card.utility": Text(ja="誤差", en="Error"),
    "card.hazards": Text(ja="危険と対応", en="Hazards"),
    "dossier.title": Text(ja="証拠書類(ドシエ)", en="Dossier"),
    "dossier.open": Text(ja="証拠書類を見る", en="See the dossier"),
    "dossier.lead": Text(
        ja="この公開物が各条項を守っていることを、確かめ方と根拠の場所とともに示す署名済みの書類です。",
        en="A signed file that answers for each clause: whether it is kept, how that is known, where it can be checked.",
    ),
    "dossier.rules": Text(ja="条項", en="Clauses"),
    "dossier.rules_text": Text(
        ja="該当 {applicable} 条項のうち {closed} 条項を確認済み", en="{closed} of {applicable} that apply are kept"
    ),
    "dossier.signed": Text(ja="署名", en="Signatures"),
    "dossier.open_points": Text(ja="残っている点", en="What remains open"),
    "dossier.nothing": Text(ja="なし", en="Nothing"),
    "dossier.read": Text(ja="証拠書類を読む", en="Read the dossier"),
    "dossier.zip": Text(ja="フォルダ全体 (zip)", en="The whole folder (zip)"),
    "dossier.json": Text(ja="機械可読版 (JSON)", en="For machines (JSON)"),
    "dossier.files": Text(ja="すべてのファイル ({count})", en="All files ({count})"),
    "dossier.verify": Text(ja="確かめ方", en="How to verify it"),
    "dossier.verify_text": Text(
        ja="フォルダ全体を展開し、ネットワークのない機械でも次の命令で確かめられます。公開鍵は別の経路で受け取ったものを使ってください。",
        en="Unpack the whole folder and run this on any machine, without a network; use the platform's public key as it "
        "reached you by another way.",
    ),
    "error.400": Text(ja="条件を読み取れません", en="The request cannot be read"),
    "error.400_text": Text(
        ja="アドレスの条件に、このカタログにない値があります。",
        en="The address holds a value that this catalog does not know.",
    ),
    "error.500": Text(ja="表示できません", en="The page cannot be shown"),
    "error.500_text": Text(
        ja="こちら側の問題です。しばらくしてからもう一度お試しください。",
        en="The fault is on our side. Please try again in a while.",
    ),
    "error.back": Text(ja="データの一覧へ", en="To the list of data"),
}


def message(key: str, language: str, **values: object) -> str:
    """Return a sentence in `ja` or `en`, with its `{names}` filled in; an unknown key is a mistake in a template."""
    text = MESSAGES[key]
    return (text.ja if language == "ja" else text.en).format(**values)
