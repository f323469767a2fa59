"""The terms of a page explained, each once and only where the page uses it; the words for marks and stages.

Belongs here: explanations for a reader who has seen neither the YAML nor a paper. Does not: what a policy says.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from policies.model import DatasetPolicy, ReleasePolicy, Rule
from policies.model.method import Microdata
from policies.model.sensitive import Closeness, DistinctL, EntropyL, PositiveRecursiveL, RecursiveL
from policies.sentences import Bilingual, Language, say
from policies.vocabulary import ColumnClass, ConsentBasis, Labelled, OutputCategory

MARKS: Mapping[str, Bilingual] = MappingProxyType(
    {
        "L": ("法令の本文で確認した", "read in the statute or the primary text"),
        "S": ("公的または二次的な資料で確認した", "read in an official or secondary page"),
        "G": ("一般的な知識であり、頼る前に確認を要する", "general knowledge, to be confirmed before it is relied on"),
    }
)
"""How sure a citation is."""

STAGES: Mapping[str, Bilingual] = MappingProxyType(
    {
        "policy": ("このポリシーの検査", "the check of this policy"),
        "requested": ("利用申請ごとの判定", "the decision on each request"),
        "raw": ("受入れ", "landing"),
        "classified": ("識別情報の走査", "the scan for identifiers"),
        "consented": ("同意・停止の反映", "consent and objections"),
        "pseudonymized": ("仮名化", "pseudonymization"),
        "protected": ("保護処理", "protection"),
        "validated": ("独立した検証", "independent validation"),
        "published": ("公開", "publication"),
        "extracted": ("抽出データの提供", "each extract"),
    }
)
"""Where a rule is shown to be kept."""

_CATEGORIES: Mapping[OutputCategory, Bilingual] = MappingProxyType(
    {
        OutputCategory.PERSONAL_DATA: (
            "特定の個人を識別できる情報。受け取れる者と使い方が厳しく限られる。",
            "Information about people who can be identified; who receives it and for what is strictly limited.",
        ),
        OutputCategory.PSEUDONYMIZED_APPI: (
            "他の情報と照合しなければ誰か分からないように加工した情報。原則として第三者に渡せない。",
            "Processed so that nobody is recognized without other information; as a rule it cannot be given to others.",
        ),
        OutputCategory.ANONYMIZED_APPI: (
            "特定の個人を識別できないように加工し、元に戻せないようにした情報。本人の同意なく渡せるが、識別行為は禁じられる。",
            "Processed so that nobody can be identified and it cannot be undone; it may be given without consent, and trying to identify is forbidden.",
        ),
        OutputCategory.ANONYMIZED_ADMIN: (
            "行政機関や国立大学法人などが、提案と契約を経て提供する、個人を識別できないように加工した情報。",
            "The same for administrative organs and national university corporations, given after a proposal and by contract.",
        ),
        OutputCategory.ANONYMIZED_NGMI: (
            "認定を受けた事業者が医療情報を加工し、個人を識別できないようにした情報。",
            "Medical information that a certified maker has processed so that nobody can be identified.",
        ),
        OutputCategory.PSEUDONYMIZED_NGMI: (
            "認定を受けた事業者が作り、認定を受けた利用者だけが使える、照合なしには誰か分からない医療情報。",
            "Medical information in which nobody is recognized without other information, made and used only by certified parties.",
        ),
        OutputCategory.STATISTICS: (
            "複数の人の情報を集計した数。個人ごとの行は含まない。",
            "Numbers counted over several people; it holds no row about one person.",
        ),
        OutputCategory.SYNTHETIC: (
            "実在の人の行ではなく、統計的性質をまねて作った行。",
            "Rows that belong to nobody, made to resemble the statistics of real ones.",
        ),
    }
)

_CLASSES: Mapping[ColumnClass, Bilingual] = MappingProxyType(
    {
        ColumnClass.DIRECT_IDENTIFIER: (
            "氏名・住所・電話番号のように、それだけで誰か分かるもの。",
            "What names a person by itself: name, address, telephone number.",
        ),
        ColumnClass.IDENTIFICATION_CODE: (
            "法令が列挙する符号。保険証の番号、マイナンバー、ゲノムなど。それだけで個人情報になる。",
            "A code that the law lists: insurance numbers, My Number, a genome. It is personal information by itself.",
        ),
        ColumnClass.LINKAGE_CODE: (
            "患者番号のように、別の情報と結び付けるための番号。",
            "A number that connects to other information, such as a patient number.",
        ),
        ColumnClass.QUASI_IDENTIFIER: (
            "年齢・性別・地域のように、一つでは誰か分からないが、組み合わせると分かることがあるもの。",
            "What does not name a person alone but may in combination: age, sex, area.",
        ),
        ColumnClass.SPECIAL_CARE: (
            "病歴や診療の内容など、不当な差別につながり得るため特に配慮を要する個人情報。",
            "Personal information such as illness and care that could lead to discrimination and needs special care.",
        ),
        ColumnClass.UNUSUAL_CANDIDATE: (
            "極端な年齢やまれな病名のように、珍しいために誰か分かり得る値を含むことがあるもの。",
            "What may hold values so rare that they point to a person: an extreme age, a rare disease.",
        ),
        ColumnClass.FREE_TEXT: (
            "人が自由に書いた文。何が書かれているか分からない。",
            "Text that somebody wrote freely; it may hold anything.",
        ),
        ColumnClass.PROPERTY_DAMAGE: (
            "口座番号のように、漏れると財産的な被害のおそれがあるもの。",
            "What could cause loss of property if it leaked, such as an account number.",
        ),
    }
)

_METHODS: Mapping[str, tuple[tuple[Bilingual, Bilingual], ...]] = MappingProxyType(
    {
        "microdata": (
            (
                ("k-匿名性", "k-anonymity"),
                (
                    "準識別子の組合せが同じ人を必ずk人以上にそろえ、誰か一人に絞れないようにすること。",
                    "Everybody shares the combination of quasi-identifiers with at least k - 1 others, so nobody can be singled out by them.",
                ),
            ),
            (
                ("l-多様性", "l-diversity"),
                (
                    "同じ集まりの中で、知られたくない値が必ずl種類以上あるようにし、全員が同じ値だから分かる、ということを防ぐこと。",
                    "Each such group holds at least l different values, so that belonging to it does not give the value away.",
                ),
            ),
            (
                ("t-近接性", "t-closeness"),
                (
                    "同じ集まりの中での値の割合を、表全体での割合に近づけ、集まりを知っても新しいことがほとんど分からないようにすること。",
                    "In each such group values are about as frequent as in the whole table, so that belonging to it tells little that is new.",
                ),
            ),
            (
                ("一般化", "generalization"),
                (
                    "値を粗くすること。歳を5歳・10歳の幅に、日付を年に、など。階層(粗くする順)は公開できる。",
                    "Making values coarser: years of age to bands, dates to years. The ladder of steps is called a hierarchy.",
                ),
            ),
        ),
        "dp_statistics": (
            (
                ("差分プライバシー", "differential privacy"),
                (
                    "集計値に計算された大きさの雑音を加え、誰か一人の記録の有無が結果からほとんど分からないようにする方法。",
                    "Noise of a calculated size is added to the numbers, so that the result hardly shows whether any one person is in the data.",
                ),
            ),
            (
                ("ε・δ", "ε and δ"),
                (
                    "差分プライバシーの強さを表す数。ε は一人の有無で結果の出やすさが変わる度合いで、小さいほど安全。δ はその保証が当たらない確率の上限で、ごく小さく定める。",
                    "How strong differential privacy is. ε says by how much one person changes how likely a result is: less is safer. δ bounds the chance that this fails, and is tiny.",
                ),
            ),
            (
                ("損失 ρ と口座", "loss (rho) and account"),
                (
                    "公開のたびに少しずつ失われる秘密の量が損失で、小さいほど安全。母集団ごとの口座に上限があり、使い切れば公開できない。",
                    "Each release gives away a little; that amount is the loss, and less is safer. A population has an account with a cap; when it is spent, nothing more is released.",
                ),
            ),
        ),
        "dp_synthetic": (
            (
                ("合成データ", "synthetic data"),
                (
                    "雑音を加えた集計だけから分布を作り、そこから引いた架空の人の行。実在の人の行ではなく、一行一行に意味はない。",
                    "Rows of made-up people, drawn from a distribution that was fitted to noisy counts alone. No row is a real person's, and a single row means nothing.",
                ),
            ),
            (
                ("周辺分布", "marginal"),
                (
                    "いくつかの列の組合せごとの人数。ここに挙げた組合せだけが測られ、その関係だけが合成データに残る。",
                    "How many people there are for each combination of some columns. Only those listed are measured, and only their relations are kept.",
                ),
            ),
            (
                ("差分プライバシー", "differential privacy"),
                (
                    "集計値に計算された大きさの雑音を加え、誰か一人の記録の有無が結果からほとんど分からないようにする方法。",
                    "Noise of a calculated size is added to the counts, so that the result hardly shows whether any one person is in the data.",
                ),
            ),
            (
                ("損失 ρ と口座", "loss (rho) and account"),
                (
                    "公開のたびに少しずつ失われる秘密の量が損失で、小さいほど安全。母集団ごとの口座に上限があり、使い切れば公開できない。",
                    "Each release gives away a little; that amount is the loss, and less is safer. A population has an account with a cap; when it is spent, nothing more is released.",
                ),
            ),
        ),
        "small_cells": (
            (
                ("最小集計単位", "smallest cell"),
                (
                    "表の欄に載せてよい最少の人数。これに満たない欄は秘し、合計から逆算できる欄も一緒に秘す。",
                    "The fewest people that a cell may show; smaller cells are hidden, and with them those from which they could be worked out.",
                ),
            ),
        ),
        "allele_frequencies": (
            (
                ("アレル頻度", "allele frequency"),
                (
                    "集団の中で、ある座位にその塩基(アレル)がどれだけの割合で見られるか。個人の遺伝型ではない。",
                    "How often a variant is seen at a site in the group; it is nobody's genotype.",
                ),
            ),
            (
                ("所属の推測", "membership inference"),
                (
                    "自分が持つ誰かのゲノムと頻度表を比べ、その人が集団にいるかを当てようとすること。",
                    "Comparing somebody's genome with the table to tell whether that person is in the group.",
                ),
            ),
        ),
        "controlled_rows": (
            (
                ("仮名", "pseudonym"),
                (
                    "鍵で作った代わりの番号。鍵を持つ者以外は元の番号に戻せないが、同じ人の行は同じ番号になる。",
                    "A number made with a key: only the key holder could lead it back, but rows of one person share it.",
                ),
            ),
        ),
    }
)

_OPT_OUT: Bilingual = (
    "本人に知らせたうえで用い、やめてほしいと申し出た人を除くこと。",
    "People are told, and those who object are left out.",
)


def release_words(
    release: ReleasePolicy, datasets: Mapping[str, DatasetPolicy], language: Language
) -> Iterator[tuple[str, str]]:
    """Yield the terms that the page of a release uses, each with its explanation."""
    yield _label(release.output_category, language), say(_CATEGORIES[release.output_category], language)
    classes = {
        kind
        for table in release.tables
        if (dataset := datasets.get(table.dataset)) and (source := dataset.table(table.table))
        for column in source.columns
        for kind in column.classes
    }
    yield from _classes(classes, language)
    for name, meaning in _METHODS[release.method.kind]:
        if _is_used(name[1], release):
            yield say(name, language), say(meaning, language)
    if any(each.consent.basis is ConsentBasis.OPT_OUT for each in datasets.values()):
        yield say(("オプトアウト", "opt-out"), language), say(_OPT_OUT, language)
    yield from _always(language)


def _is_used(term: str, release: ReleasePolicy) -> bool:
    """Return whether a term of a method is one that this release's page uses."""
    models = release.method.sensitive if isinstance(release.method, Microdata) else ()
    if term == "l-diversity":
        return any(isinstance(model, DistinctL | EntropyL | RecursiveL | PositiveRecursiveL) for model in models)
    return term != "t-closeness" or any(isinstance(model, Closeness) for model in models)


def dataset_words(dataset: DatasetPolicy, language: Language) -> Iterator[tuple[str, str]]:
    """Yield the terms that the page of a dataset uses, each with its explanation."""
    yield from _classes({kind for table in dataset.tables for each in table.columns for kind in each.classes}, language)
    if dataset.consent.basis is ConsentBasis.OPT_OUT:
        yield say(("オプトアウト", "opt-out"), language), say(_OPT_OUT, language)


def marks(language: Language) -> str:
    """Explain the marks of citations and the severities in one sentence each."""
    pairs = say(("、", ", "), language).join(f"[{mark}] {say(words, language)}" for mark, words in MARKS.items())
    return say(
        (
            f"出典の確かさ: {pairs}。禁止は公開を止め、保留は担当者の判断を待ち、注意は記録される。",
            f"How sure a citation is: {pairs}. BLOCK stops the release, HOLD waits for a named person, WARN is recorded.",
        ),
        language,
    )


def shown_by(rule: Rule, language: Language) -> str:
    """Say where it is shown that a rule is kept, and by what."""
    where = say(STAGES[rule.stage], language)
    if rule.recounted_at:
        again = say(STAGES[rule.recounted_at], language)
        where = say((f"{where}、{again}で数え直す", f"{where}, counted again at {again}"), language)
    return f"{where}: {say((rule.evidence.ja, rule.evidence.en), language)}"


def _classes(classes: set[ColumnClass], language: Language) -> Iterator[tuple[str, str]]:
    yield from ((_label(kind, language), say(words, language)) for kind, words in _CLASSES.items() if kind in classes)


def _always(language: Language) -> Iterator[tuple[str, str]]:
    yield (
        say(("法・令・規則・次世代法", "Act, Order, Rules, NGMI"), language),
        say(
            (
                "個人情報の保護に関する法律、同法施行令、同法施行規則。次世代法は次世代医療基盤法。",
                "The Act on the Protection of Personal Information, its Cabinet Order and its Rules; NGMI is the Next-Generation Medical Infrastructure Act.",
            ),
            language,
        ),
    )
    yield (
        say(("指紋(sha256:…)", "fingerprint (sha256:…)"), language),
        say(
            (
                "ポリシーの意味から計算した短い符号。一字でも意味が変われば別の符号になり、それまでの署名は効かなくなる。",
                "A short code computed from what the policy means; any change of meaning gives another, and voids the signatures.",
            ),
            language,
        ),
    )


def _label(term: Labelled, language: Language) -> str:
    return term.ja if language == "ja" else term.en
