"""The sentences of the portal's pages for questions, in Japanese and English; see `messages.py`."""

from policies.model.strictness import Text

QUESTION_MESSAGES: dict[str, Text] = {
    "question.title": Text(ja="統計を質問する", en="Ask for a statistic"),
    "question.lead": Text(
        ja="公開の表にない数値を、雑音を加えた統計で答えます(データ請求、EHDS規則69条)。まず費用と誤差の見積もりを見てください。"
        "見積もりは無料で、データには触れません。",
        en="Figures that are not in the published tables, answered as statistics with noise (a data request, EHDS art. 69). See the "
        "cost and the error first: a plan is free and touches no data.",
    ),
    "question.open": Text(
        ja="表にない集団の人数などを質問できます。許可を受けると、雑音を加えた数値で答えます。",
        en="You can ask for what the tables lack, such as the size of a cohort. With a permit it is answered with noise.",
    ),
    "question.mine": Text(ja="自分の質問と答え", en="My questions and answers"),
    "question.plan": Text(ja="見積もり", en="Plan"),
    "question.plan_none": Text(
        ja="左で質問を選び、「見積もる」を押してください。ここに費用と誤差が出ます。",
        en="Choose a question and press “Plan”: its cost and error appear here.",
    ),
    "question.table": Text(ja="質問する表", en="Table to ask of"),
    "question.what": Text(ja="何を知りたいか", en="What to know"),
    "question.statistic": Text(ja="統計", en="Statistic"),
    "question.value": Text(ja="値", en="Value"),
    "question.value_hint": Text(
        ja="合計・平均などだけに使います。範囲はポリシーが定めたものです。",
        en="Only for sums, means and the like. Its range is the policy's.",
    ),
    "question.by": Text(ja="何ごとに分けるか", en="Grouped by"),
    "question.by_hint": Text(
        ja="選ばなければ全体で一つの数値です。分けるほど、一つ一つの誤差の割合は大きくなります。",
        en="None gives one figure for all. The finer the groups, the larger the error of each in proportion.",
    ),
    "question.values": Text(ja="{count}区分", en="{count} values"),
    "question.where": Text(ja="どの集団か", en="Of which cohort"),
    "question.where_hint": Text(
        ja="選んだ値のどれかに当たる記録だけを数えます。選ばない項目は限定しません。",
        en="Only records with one of the chosen values count. What is left open does not narrow.",
    ),
    "question.source": Text(ja="値の出典", en="Values from"),
    "question.more": Text(ja="追加の指定", en="Further choices"),
    "question.top": Text(ja="順位の数", en="How many ranks"),
    "question.pairs": Text(
        ja="周辺表に、選んだ項目の組合せ(2つずつ)も含める", en="Margins of each pair of the chosen keys, too"
    ),
    "question.predictors": Text(ja="説明変数", en="Predictors"),
    "question.loss": Text(ja="どれだけ正確に", en="How precisely"),
    "question.rho": Text(ja="払う損失 ρ", en="Loss ρ to pay"),
    "question.rho_hint": Text(
        ja="4倍払うと誤差は半分になります。研究者一人の上限は ρ = {quota} です。",
        en="Four times the loss halves the error. A researcher may spend ρ = {quota} in all.",
    ),
    "question.make_plan": Text(ja="見積もる", en="Plan"),
    "question.free": Text(ja="無料。データには触れません。", en="Free; touches no data."),
    "question.cost": Text(ja="費用", en="Cost"),
    "question.epsilon": Text(ja="δ = {delta} で ε = {epsilon}", en="ε = {epsilon} at δ = {delta}"),
    "question.error": Text(ja="誤差(95%の場合)", en="Error in 95 of 100 cases"),
    "question.cells": Text(ja="数値の数", en="Figures"),
    "question.quota": Text(ja="研究者ごとの上限", en="Quota of a researcher"),
    "question.accounts": Text(ja="口座(ρ)", en="Accounts (ρ)"),
    "question.account": Text(ja="口座", en="Account"),
    "question.account.lifetime": Text(ja="母集団(生涯)", en="Population, lifetime"),
    "question.account.year": Text(ja="この年", en="This year"),
    "question.account.release": Text(ja="この公開への質問", en="Questions of this release"),
    "question.account.researcher": Text(ja="あなたの上限", en="Your own quota"),
    "question.after": Text(ja="払った後", en="After it"),
    "question.short": Text(ja="不足", en="short"),
    "question.answered_before": Text(
        ja="同じデータへの同じ質問には答えがあります。保存した答えを示すだけなので、費用はかかりません。",
        en="The same question of the same data was answered: the stored answer is shown, and costs nothing.",
    ),
    "question.ask": Text(ja="この質問を申請する", en="Request this"),
    "question.ask_further": Text(ja="許可の範囲で質問する", en="Ask under your permit"),
    "question.own": Text(ja="許可と照会コードをお持ちの方", en="If you have a permit and its code"),
    "question.own_hint": Text(
        ja="照会コードで、あなたの上限の残りを見て、新しい申請なしに質問できます。",
        en="The code shows what is left of your quota, and lets you ask without a new request.",
    ),
    "question.own_show": Text(ja="残りを見る", en="Show what is left"),
    "question.code": Text(ja="照会コード", en="Code"),
    "question.each": Text(ja="区分", en="for each"),
    "question.everybody": Text(ja="全体", en="all records"),
    "question.stat.people": Text(ja="人数", en="Number of people"),
    "question.stat.rows": Text(ja="件数", en="Number of records"),
    "question.stat.sum": Text(ja="合計", en="Sum"),
    "question.stat.mean": Text(ja="平均", en="Mean"),
    "question.stat.variance": Text(ja="分散", en="Variance"),
    "question.stat.histogram": Text(ja="度数分布", en="Histogram"),
    "question.stat.quantiles": Text(ja="四分位数", en="Quartiles"),
    "question.stat.marginals": Text(ja="周辺表", en="Margins"),
    "question.stat.survival": Text(ja="生存表", en="Survival table"),
    "question.stat.top": Text(ja="上位の値と人数", en="Most frequent values, with counts"),
    "question.stat.most_frequent": Text(ja="上位の値(人数なし)", en="Most frequent values, without counts"),
    "question.stat.regression": Text(ja="線形回帰", en="Linear regression"),
    "question.stat.logistic_regression": Text(ja="ロジスティック回帰", en="Logistic regression"),
    "question.error_of.people": Text(ja="一つの人数ごと", en="of each count"),
    "question.error_of.rows": Text(ja="一つの件数ごと", en="of each count"),
    "question.error_of.sum": Text(ja="一つの合計ごと", en="of each sum"),
    "question.error_of.mean": Text(ja="100件の区分での平均", en="of a mean of 100 records"),
    "question.error_of.variance": Text(ja="100件の区分での分散", en="of a variance of 100 records"),
    "question.error_of.histogram": Text(ja="一つの階級の件数", en="of the records of one bin"),
    "question.error_of.quantiles": Text(
        ja="順位の誤差(件数)。値の範囲は答えに付きます",
        en="of the rank, in records; the answer gives a range of values",
    ),
    "question.error_of.marginals": Text(
        ja="一つの人数ごと(調整前)", en="of each count, before they are made consistent"
    ),
    "question.error_of.survival": Text(
        ja="一つの区間の事象又は打切りの件数", en="of the events, or the censored, of one interval"
    ),
    "question.error_of.top": Text(ja="すべての値の人数で同時に", en="of the counts of all values at once"),
    "question.error_of.most_frequent": Text(
        ja="選ばれた値が、選ばれるべき値より少なくてよい人数", en="people by which a chosen value may fall short"
    ),
    "question.error_of.regression": Text(
        ja="説明変数が範囲に均等に散る1,000件での傾き", en="of a slope from 1,000 records spread evenly"
    ),
    "question.error_of.logistic_regression": Text(
        ja="説明変数が範囲に均等に散る場合の係数", en="of a coefficient from records spread evenly"
    ),
    "asking.title": Text(ja="データ請求を出す", en="File the data request"),
    "asking.lead": Text(
        ja="質問とともに申請書を出します。コンプライアンス担当が審査し、許可が出たら質問に答えます。行データは渡しません。",
        en="The request goes with the question. A compliance officer decides; with the permit the question is answered. No rows "
        "are given.",
    ),
    "asking.identity": Text(
        ja="このポータルにはログインがありません。審査の担当者が、申請者ご本人であることを別の方法で確かめます。",
        en="This portal has no log-in. Who reviews the request will make sure, in another way, that you are the applicant.",
    ),
    "asking.change": Text(ja="質問を変える", en="Change the question"),
    "asking.faults": Text(ja="次の項目を確かめてください。", en="Please look at these again:"),
    "asking.wrong": Text(ja="確かめてください。", en="Please check."),
    "asking.optional": Text(ja="任意", en="optional"),
    "asking.who": Text(ja="申請者", en="Applicant"),
    "asking.what_for": Text(ja="目的", en="Purpose"),
    "asking.care": Text(ja="期間と管理", en="Period and care"),
    "asking.applicant": Text(ja="申請者ID", en="Applicant's id"),
    "asking.applicant_hint": Text(
        ja="半角英数字と . _ @ - 。上限はこのIDごとです。例: researcher.aoki",
        en="Letters, digits and . _ @ -; the quota belongs to this id. Example: researcher.aoki",
    ),
    "asking.institution": Text(ja="所属機関", en="Institution"),
    "asking.recipient": Text(ja="提供先の区分", en="Recipient"),
    "asking.country": Text(ja="利用する国", en="Country of use"),
    "asking.country_hint": Text(ja="2文字の国コード。例: JP", en="Two letters, such as JP"),
    "asking.purpose": Text(ja="研究の目的", en="Purpose of the research"),
    "asking.benefit": Text(ja="社会への利益", en="Benefit to society"),
    "asking.minimum_reason": Text(ja="この統計が必要な理由", en="Why this statistic is needed"),
    "asking.safeguards": Text(ja="答えの管理のしかた", en="How the answer is kept"),
    "asking.duo": Text(ja="データ利用コード (DUO)", en="Data use code (DUO)"),
    "asking.ehds53": Text(ja="EHDS 53条の目的", en="Purpose of EHDS article 53"),
    "asking.uses": Text(ja="使い方", en="Uses"),
    "asking.commercial": Text(ja="商業目的を含む", en="Commercial purposes are included"),
    "asking.ethics_approval": Text(ja="倫理審査の承認番号", en="Ethics approval, number"),
    "asking.ethics_approved_on": Text(ja="倫理審査の承認日", en="Ethics approval, date"),
    "asking.ethics_expires_on": Text(ja="倫理審査の有効期限", en="Ethics approval, last day"),
    "asking.period_from": Text(ja="利用開始日", en="First day of use"),
    "asking.period_to": Text(ja="利用終了日", en="Last day of use"),
    "asking.security": Text(ja="安全管理の水準", en="Level of security"),
    "asking.security.type1": Text(ja="タイプ1(標準)", en="type 1 (standard)"),
    "asking.security.type2": Text(ja="タイプ2(高水準)", en="type 2 (high)"),
    "asking.accepted_prohibitions": Text(ja="次の利用をしないことを約束します", en="I undertake not to use it for"),
    "asking.accepted_terms": Text(ja="次の条件を受け入れます", en="I accept these terms"),
    "asking.submit": Text(ja="データ請求を出す", en="File the request"),
    "asking.after": Text(
        ja="提出すると照会コードを一度だけ表示します。答えはそのコードで封をします。",
        en="A code is shown once when it is filed. The answer is sealed to it.",
    ),
    "asked.title": Text(ja="質問を受け付けました", en="Your question was filed"),
    "asked.lead": Text(
        ja="データ請求を提出しました。下の照会コードを、今ここで控えてください。",
        en="The data request is submitted. Write down the code below now.",
    ),
    "asked.lead_further": Text(
        ja="許可の範囲の質問として受け付けました。答えは、お持ちの照会コードで開けます。",
        en="It was filed under your permit. The code that you have opens its answer.",
    ),
    "asked.question": Text(ja="質問の番号", en="Question"),
    "asked.request": Text(ja="申請の番号", en="Request"),
    "asked.keep": Text(
        ja="照会コードは二度と表示できません。答えはこのコードの持ち主だけが開けます。なくした場合は質問し直してください(同じ質問に費用はかかりません)。",
        en="The code is never shown again, and only who has it opens the answer. If it is lost, ask again: the same question "
        "costs nothing.",
    ),
    "asked.step_answer": Text(
        ja="許可の後、運用担当が予算から損失を払い、一度だけ答えを引きます。",
        en="With the permit, the operators charge the account and draw the answer, once.",
    ),
    "asked.step_read": Text(ja="照会コードで答えを開きます。", en="Open the answer with the code."),
    "mine.lead": Text(
        ja="照会コードを入れると、申請の状態と答えを示します。ほかの人の質問は見えません。",
        en="The code shows how your request stands, and the answers. Nobody else's questions are shown.",
    ),
    "mine.hint": Text(
        ja="申請のときに一度だけ表示した、英数字32文字です。",
        en="The 32 letters and digits that were shown once, when you asked.",
    ),
    "mine.open": Text(ja="開く", en="Open"),
    "mine.submitted": Text(ja="審査中", en="under review"),
    "mine.draft": Text(ja="下書き", en="draft"),
    "mine.returned": Text(ja="差戻し", en="returned"),
    "mine.rejected": Text(ja="不承認", en="rejected"),
    "mine.closed": Text(ja="終了", en="closed"),
    "mine.revoked": Text(ja="許可の取消し", en="permit revoked"),
    "mine.expired": Text(ja="許可の期限切れ", en="permit expired"),
    "mine.ended": Text(ja="許可の期間外", en="outside the permit's period"),
    "mine.waiting": Text(ja="許可済み・回答待ち", en="permitted, waits for its answer"),
    "mine.answered": Text(ja="回答済み", en="answered"),
    "mine.comment": Text(ja="審査の担当から", en="From the reviewer"),
    "mine.answer": Text(ja="答え(雑音を加えた数値)", en="Answer (figures with noise)"),
    "mine.value": Text(ja="値", en="Value"),
    "mine.within": Text(ja="95%の範囲", en="95 % error"),
    "mine.bar": Text(ja="誤差の棒", en="Error bar"),
    "mine.too_few": Text(ja="少なすぎて示せません", en="too few to tell"),
    "mine.repeat": Text(
        ja="保存した答えです。何度見ても、同じ質問をしても、費用はかからず、数値は変わりません。誤差は雑音だけのものです。",
        en="This is the stored answer: seeing or asking it again costs nothing and changes nothing. The error is that of the noise only.",
    ),
    "mine.checklist": Text(ja="この公開物の点検表を見る", en="See the checklist of the release"),
    "mine.json": Text(ja="機械可読の答え (JSON)", en="The answer for machines (JSON)"),
    "mine.leave": Text(
        ja="共用の端末では、見終わったらこのページを閉じてください。",
        en="On a shared computer, close this page when you have read it.",
    ),
    "column.low": Text(ja="下端", en="From"),
    "column.high": Text(ja="上端", en="To"),
    "column.margin": Text(ja="周辺表", en="Margin"),
    "column.rank": Text(ja="順位", en="Rank"),
    "column.term": Text(ja="項", en="Term"),
    "column.probability": Text(ja="割合", en="Share below"),
    "refused.question_not_open": Text(
        ja="この公開物は質問を受け付けていません。", en="This release answers no questions."
    ),
    "refused.question_form": Text(
        ja="質問の形になっていません。選び直してください。",
        en="This is not in the form of a question. Please choose again.",
    ),
    "refused.question_unknown_table": Text(ja="その表には質問できません。", en="That table cannot be asked."),
    "refused.question_no_loss": Text(
        ja="損失 ρ が0です。0では雑音が限りなく大きくなります。", en="The loss ρ is 0; noise would be endless."
    ),
    "refused.question_unknown_statistic": Text(
        ja="この表では、その統計に必要な範囲や区分が公開されていません。",
        en="The policy declares no range or values that this statistic would need.",
    ),
    "refused.question_unknown_value": Text(
        ja="この統計に使える値を一つ選んでください。範囲が公開された値だけを質問できます。",
        en="Choose a value that fits the statistic: only values with a public range can be asked.",
    ),
    "refused.question_wrong_parts": Text(
        ja="この統計に必要な指定が足りません。周辺表には項目を、回帰には説明変数を選んでください。",
        en="Something that the statistic needs is missing: keys for margins, predictors for a regression.",
    ),
    "refused.question_unknown_key": Text(
        ja="公開された区分を持たない項目では、分けることも絞ることもできません。",
        en="Only keys with public values can group or narrow.",
    ),
    "refused.question_unknown_key_value": Text(
        ja="公開された区分にない値が選ばれています。", en="A value was chosen that is not among the public ones."
    ),
    "refused.question_not_a_query": Text(
        ja="指定の組合せが合いません。順位には分ける項目が要り、説明変数は値と別でなければなりません。",
        en="The parts do not fit: ranks need a key, and a predictor is not the outcome.",
    ),
    "refused.question_claim": Text(
        ja="この照会コードで開けるものはありません。表示されたとおりに入れてください。",
        en="The code opens nothing. Please write it as it was shown.",
    ),
    "refused.question_no_permit": Text(
        ja="このコードの申請は、この公開物の今の版について許可されていません。",
        en="No request of this code is approved for this version of the release.",
    ),
    "refused.access_permit_ended": Text(
        ja="許可は取り消されたか、終わっています。", en="The permit was revoked, closed or ended."
    ),
    "refused.access_permit_expired": Text(ja="許可の期間外です。", en="The permit does not hold today."),
    "refused.dp_too_many_cells": Text(
        ja="区分が多すぎます。分ける項目を減らしてください。", en="Too many figures: group by fewer keys."
    ),
    "refused.dp_share_too_small": Text(ja="払う損失が小さすぎます。", en="The loss is too small for this question."),
    "refused.dp_top_beyond_keys": Text(
        ja="順位の数が区分の数を超えています。", en="More ranks were asked for than there are values."
    ),
    "refused.budget_over_cap": Text(
        ja="予算が足りないため、この質問には答えられません。損失 ρ を小さくするか、管理者に相談してください。",
        en="An account does not cover it: ask with a smaller ρ, or ask the steward.",
    ),
    "refused.budget_cap_differs": Text(
        ja="台帳の上限とポリシーの上限が合いません。管理者が直すまで質問できません。",
        en="The ledger's cap is not the policy's. Nothing can be asked until the steward has settled that.",
    ),
    "refused.ledger": Text(
        ja="プライバシー台帳が正しいことを確かめられません。数値は示さず、質問も受け付けません。",
        en="The privacy ledger does not hold. No figure is shown, and no question is taken.",
    ),
    "refused.other": Text(ja="受け付けられませんでした。", en="It could not be taken."),
}
