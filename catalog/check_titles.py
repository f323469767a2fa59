"""What each check that a stage of a run left confirms, as a clause in both languages, and what its figures are called.

A test goes through the calls that make checks and fails when one has no words. Belongs here: words. Does not: which figures
may be shown (`dossier_build`), the checks of policy files (`policies.check_titles`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from anonymization.evidence import CheckKind, CheckResult
from policies.library import PolicyLibrary
from policies.model import ReleasePolicy
from policies.model.method import DpStatistics, DpSynthetic
from policies.model.scan import IdentifierKind
from policies.model.strictness import Text

_RULE = r"[A-Z0-9]+-[A-Z0-9-]+"
_FAMILIES: tuple[tuple[str, str, str], ...] = (
    # Landing and classification.
    ("identifiers:(?P<table>[^:.]+):APPI-03", "{table}に、申告のない個人識別符号がない", "{table} holds no undeclared identification code"),
    ("identifiers:(?P<table>[^:.]+):APPI-04", "{table}に、個人番号がない", "{table} holds no My Number"),
    ("identifiers:(?P<table>[^:.]+):APPI-21", "{table}に、申告のない氏名・住所・連絡先がない", "{table} holds no undeclared name, address or contact"),
    ("false_alarm:(?P<table>[^.]+)\\.(?P<column>[^:]+):(?P<kind>.+)", "{column}の{kind}について、確認済みの誤検知の記載が今も当たる", "the accepted false alarm for {kind} in {column} still matches"),
    ("my_number", "受け入れた値のどこにも個人番号がない", "no My Number is in anything that was landed"),
    ("columns_declared", "すべての列が申告され、法令上の区分と型が定まっている", "every column is declared, classified and of its type"),
    ("person_keys", "本人を表す番号に欠けがなく、人の表では重複がない", "the keys of persons are complete, and unique in tables of people"),
    ("rows_without_person", "取り除いた人の行が、他の表にも残っていない", "no row is left of people who were put aside"),
    # Consent.
    (f"residual\\.{_RULE}", "登録簿の最新の意思により利用できない人が残っていない", "nobody is left whose latest decision forbids the use"),
    (f"residual_at_publication\\.[^.]+\\.{_RULE}", "公開の日に、登録簿の最新の意思により利用できない人が残っていない", "on the day of publication nobody is left whose latest decision forbids the use"),
    ("waiting_period", "通知後の待機期間が過ぎてから使われている", "the data are used after the waiting period"),
    # Pseudonymization.
    ("identifying_columns", "識別する記述・符号・財産的被害のおそれがある列が残っていない", "no column is left that identifies, holds a code, or may cost money"),
    ("code_columns", "遺伝型のほかに個人識別符号の列が残っていない", "no column of an identification code is left but genotypes"),
    ("contact_columns", "本人に連絡し得る列が残っていない", "no column is left by which a person could be contacted"),
    ("keyed_codes", "番号が、元の番号でも、鍵のないハッシュでもない", "no code is the source's own, or a hash of it without a key"),
    ("coded_once", "番号が、事業の鍵で符号化されている", "ids are coded under the key of the project"),
    ("nothing_restorable", "日付のずらし幅・種・対応表が、行と共に保存されていない", "no shift, seed or map is stored beside the rows"),
    # Protection.
    ("membership_bound", "所属推定の検出力が、定めた上限以下である", "the best membership test has no more power than the policy allows"),
    ("allele_count_floor", "公表するアレルが、すべて最少アレル数以上ある", "every published allele is counted as often as the floor"),
    ("loss_within_charge", "実際の損失の合計が、台帳に記帳した額以下である", "the losses sum to at most what the ledger was charged"),
    ("bounds_are_public", "単位・寄与の上限・値の範囲・機構が、出所とともに示されている", "unit, bounds, ranges and mechanism are stated with their sources"),
    ("ledger\\.drawn_once", "保存した答えが、同じ問いについて台帳に記録された唯一の答えである", "the stored answer is the one on record for its question"),
    # The recount of rows.
    ("recount\\.method", "方法が定める表が、出力にある", "the table that the method needs is there"),
    ("recount\\.k", "同じ特徴を持つ人が、どの組でも k 人以上いる", "every group of alike people has at least k"),
    ("recount\\.not_empty", "公開する表に行がある", "the published table has rows"),
    ("recount\\.rows", "公開する行が、それぞれ元の一行に対応する", "every published row is one row of the source"),
    ("recount\\.label\\.(?P<column>.+)", "{column}の粗くした値が、元の値を含んでいる", "every label of {column} covers its source value"),
    ("recount\\.l\\.(?P<column>.+)", "どの組にも、{column}の値が定めた種類以上ある", "every group holds values of {column} enough"),
    ("recount\\.(entropy_l|(positive_)?recursive_l|t|t_\\w+|alpha|beta\\w*|delta\\w*)\\.(?P<column>.+)", "どの組でも、{column}の値の偏りが定めた範囲内である", "in every group the values of {column} are spread as promised"),
    ("recount\\.average_risk", "記録を言い当てられる危険の平均が、定めた値を超えない", "the average risk of a record is within the limit"),
    ("recount\\.no_attack", "どの組でも、言い当てようとする試みが割に合わない", "in no group does an attack pay"),
    ("recount\\.codes\\.(?P<name>.+)", "知られた符号の組合せを持つ人が、どの組合せでも定めた人数以上いる", "every combination of codes that may be known is of people enough"),
    ("recount\\.trajectory\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{table}の{column}をいくつか知られても、一人に絞られる人が定めた割合を超えない", "few enough people are singled out by known dates in {column} of {table}"),
    ("recount\\.event_label\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{table}の{column}の粗くした符号・日付が、その記録の元の値を含んでいる", "every label of {column} in {table} covers a code of its record"),
    ("recount\\.events_in_people", "符号と日付を、行ではなく人で数えてある", "codes and dates were counted in people, not in rows"),
    ("recount\\.same_classes", "保護の段階で数えた組が、公開する表でも変わらない", "the groups that were counted are those that leave"),
    ("recount\\.record_ids", "行の番号に重複がない", "every record has an id of its own"),
    ("recount\\.row_order", "行が乱数の番号の順に並び、元の順序が分からない", "records are ordered by their random ids"),
    ("recount\\.details\\.(?P<table>.+)", "{table}の明細が、公開する行のものだけである", "details in {table} belong to records that leave"),
    ("recount\\.rare\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}に、定めた人数に満たない稀な値がない", "{column} holds no value with too few rows"),
    ("recount\\.shared\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}のどの値も、定めた件数以上の記録が共有する平均である", "every value of {column} stands for records enough"),
    ("recount\\.multiples\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}の値が、定めた単位の倍数である", "every value of {column} is a multiple of its unit"),
    ("recount\\.bounds\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}の値が、雑音の範囲を超えない", "no value of {column} is outside the bounds of its noise"),
    ("recount\\.source_keys", "元の番号が出力に残っていない", "no key of the source is in the output"),
    ("recount\\.columns", "ポリシーに挙げた列だけが出る", "only columns leave that the release lists"),
    ("recount\\.sample_keys", "検体の名が元の番号ではない", "no sample is called by a key of the source"),
    ("recount\\.same_people", "検体の表と人の表が、同じ人を含む", "samples and people are the same in all tables"),
    ("recount\\.people", "数えた人数より多くの人が出ていない", "no more people leave than were counted"),
    # The recount of tables.
    ("recount\\.min_cell", "最小集計単位に満たない数が示されていない", "no number below the smallest permitted count is shown"),
    ("recount\\.status", "秘匿の印がある欄だけ、数が空いている", "a number is missing exactly where it is marked as hidden"),
    ("recount\\.audit", "秘匿した数を、公開した合計から定めた幅より狭く絞り込めない", "no hidden number can be narrowed from the published sums"),
    ("recount\\.tables", "予定した問いだけに答えている", "exactly the planned questions are answered"),
    ("recount\\.columns\\.(?P<table>.+)", "{table}に、区分・雑音を加えた数・誤差だけがある", "{table} holds keys, noisy numbers and their errors only"),
    ("recount\\.keys\\.(?P<table>.+)", "{table}の区分が、データを見る前に公表したものと同じである", "the keys of {table} are those made public before"),
    ("recount\\.named_keys\\.(?P<table>.+)", "{table}の区分は、一つずつ順に並び、長さと公開の一覧を守っている", "the keys of {table} stand once, in order, and no longer than allowed"),
    ("recount\\.threshold\\.(?P<table>.+)", "{table}で名指しした数はすべて閾値を超え、閾値は約束したδを守っている", "every count named in {table} is above a threshold that keeps its delta"),
    ("recount\\.synthetic_columns\\.(?P<table>.+)", "{table}に、宣言した列だけがある", "{table} holds the declared columns only"),
    ("recount\\.domain\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{table}の{column}の値が、公表した値の範囲にある", "every value of {column} in {table} is of the public domain"),
    ("recount\\.impossible\\.(?P<table>.+)", "{table}に、ありえないと宣言した組合せがない", "{table} holds no combination that was declared impossible"),
    ("recount\\.row_count\\.(?P<table>.+)", "{table}の行数が、宣言した数か雑音を加えた人数である", "{table} has as many rows as were declared, or as the noisy counts say"),
    ("synthetic\\.accepted", "合成データが、雑音を加えた値で見て、宣言した基準をすべて満たす", "the synthetic rows keep every declared criterion by its noisy figure"),
    ("recount\\.alleles\\.(?P<table>.+)", "公表する数が、遺伝型を数え直した数と一致する", "published counts agree with the genotypes"),
    ("recount\\.floor\\.(?P<table>.+)", "最少アレル数に満たないアレルがない", "no allele below the floor is published"),
    ("recount\\.complement\\.(?P<table>.+)", "座位の残りの数も、最少アレル数を満たす", "the rest at each site keeps the floor too"),
    ("nothing_exact", "雑音を加えない人数・件数が示されていない", "no exact count stands beside the noisy numbers"),
    # What leaves, and what lies around it.
    ("scan\\.output:APPI-22", "出力の値に、個人識別符号がない", "no identification code is in the output"),
    ("scan\\.output:APPI-21", "出力の値に、氏名・住所・電話番号・電子メール等がない", "no name, address, telephone or mail is in the output"),
    ("scan\\.output:HIPAA-01", "出力の値に、HIPAA の挙げる識別子がない", "no identifier of the Safe Harbor list is in the output"),
    ("ids\\.source", "公開用の番号に、元の番号がない", "no id is a code of the source"),
    ("ids\\.other_releases", "公開用の番号が、同じ人の他の公開物にない", "no id is in another release of the same people"),
    ("ids\\.coded_twice", "番号が、この公開のために改めて符号化されている", "ids are coded anew for this release"),
    (f"restorable\\.{_RULE}", "鍵・種・ずらし幅・雑音・対応表が、データと共に書かれていない", "no key, seed, shift, noise or map of ids is beside the data"),
    (f"custody\\.{_RULE}", "データの置き場に、データとその説明のほか何もなく、鍵は鍵保管庫だけにある", "beside the data lies nothing else, and keys are in the key store only"),
    ("unusual\\.age\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}に、上限を超える年齢がない", "{column} holds no age above the top"),
    ("unusual\\.rare\\.(?P<table>[^.]+)\\.(?P<column>.+)", "{column}のどの値も、定めた数以上の行にある", "every value of {column} is in records enough"),
    ("unusual\\.columns", "年齢と特異な記述になり得る列を、すべて調べた", "every age and every unusual candidate was looked at"),
    ("quality\\.dimensions", "宣言した品質の側面を、すべて測った", "every declared dimension of quality was measured"),
    # Publication and delivery.
    ("items_are_public", "情報の項目が公表されている", "the items of information are public"),
    ("recipient_is_told", "署名した目録に名称が明示され、公表が先になされている", "the signed manifest says what it is, after the notice"),
    ("record\\.shapes", "目録の記録が、HealthDCAT-AP の形式に合う", "the record keeps the shapes of HealthDCAT-AP"),
    ("record\\.readable", "目録の記録を、他の目録が読み取れる", "other catalogs can read the record"),
    ("record\\.retention", "目録に、利用期間と消去の期限が示されている", "the record says when copies are deleted"),
    ("record\\.no_exact_count", "目録に、雑音を加えない数がない", "the catalog counts nobody exactly"),
    (f"provision\\.{_RULE}", "誰がいつ何を受け取ったかの記録があり、3年以上保存される", "who received what and when is on record for three years or more"),
    ("deletion_due", "渡した写しの消去の期限が定まっている", "the day by which copies are deleted is set"),
    # The quality suite.
    ("quality\\.(?P<table>[^.]+)\\.column_values_to_not_be_null\\.(?P<column>.+)", "{column}に欠けがない", "{column} has no missing value"),
    ("quality\\.(?P<table>[^.]+)\\.column_values_to_be_unique\\.(?P<column>.+)", "{column}に重複がない", "{column} has no repeated value"),
    ("quality\\.(?P<table>[^.]+)\\.compound_columns_to_be_unique\\.(?P<column>.+)", "{column}の組合せに重複がない", "{column} together have no repetition"),
    ("quality\\.(?P<table>[^.]+)\\.column_values_to_be_between\\.(?P<column>.+)", "{column}の値が、定めた範囲内にある", "values of {column} are in their range"),
    ("quality\\.(?P<table>[^.]+)\\.column_values_to_be_in_set\\.(?P<column>.+)", "{column}の値が、定めた一覧にある", "values of {column} are in their list"),
    ("quality\\.(?P<table>[^.]+)\\.column_values_to_match_regex\\.(?P<column>.+)", "{column}の値が、定めた形式に合う", "values of {column} have their form"),
    ("quality\\.(?P<table>[^.]+)\\.column_pair_values_a_to_be_greater_than_b\\.(?P<column>.+)", "{column}の大小が、定めのとおりである", "{column} are in their order"),
    ("quality\\.(?P<table>[^.]+)\\.table_columns_to_match_set", "{table}の列が、定めた列である", "{table} has the columns that it should"),
    ("quality\\.(?P<table>[^.]+)\\.table_row_count_to_(be_between|equal)", "{table}の行数が、定めのとおりである", "{table} has as many rows as it should"),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), Text(ja=ja, en=en)) for pattern, ja, en in _FAMILIES)

_HIT = re.compile("identifiers:(?P<table>[^:.]+)\\.(?P<column>[^:]+):(?P<kind>.+)")
_HITS: Mapping[str, Text] = MappingProxyType(
    {
        "declared": Text(ja="{column}の{kind}が、申告されている", en="{kind} in {column} is declared"),
        "accepted": Text(
            ja="{column}が{kind}に見えるのは、確認済みの誤検知である",
            en="what looks like {kind} in {column} is an accepted false alarm",
        ),
        "chance": Text(
            ja="{column}の値が{kind}に見えるのは、偶然の範囲である",
            en="values of {column} look like {kind} no more often than chance gives",
        ),
        "few": Text(
            ja="{column}に{kind}に見える値はわずかで、その列とは言えない",
            en="too few values of {column} look like {kind} to be a column of it",
        ),
    }
)
_OPEN_HIT = Text(ja="{column}に、申告のない{kind}がない", en="{column} holds no undeclared {kind}")
"""What the scanner's verdict on one column says; of a hit that is open, what does not hold."""


_MADE: Mapping[str, Text] = MappingProxyType(
    {
        "record_id": Text(ja="公開用の番号", en="id of the record"),
        "people": Text(ja="人数", en="people"),
        "status": Text(ja="秘匿の印", en="status"),
        "value": Text(ja="雑音を加えた値", en="noisy value"),
        "error_95": Text(ja="誤差(95%)", en="error (95%)"),
        "CHROM": Text(ja="染色体", en="chromosome"),
        "POS": Text(ja="位置", en="position"),
        "REF": Text(ja="参照アレル", en="reference allele"),
        "ALT": Text(ja="代替アレル", en="alternative allele"),
        "AC": Text(ja="アレル数", en="allele count"),
        "AN": Text(ja="判定されたアレルの総数", en="alleles called"),
        "AF": Text(ja="アレル頻度", en="allele frequency"),
    }
)
"""Columns that methods make, which no policy declares."""


@dataclass(frozen=True, slots=True)
class Names:
    """What tables and columns are called in words: by table, by `table.column`, and by the name under which one leaves."""

    tables: Mapping[str, Text] = field(default_factory=dict)
    columns: Mapping[str, Text] = field(default_factory=dict)

    def table(self, name: str) -> Text:
        """Return what a table is called."""
        said = self.tables.get(name)
        return (
            Text(ja=f"表「{said.ja}」", en=f'table "{said.en}"') if said else Text(ja=f"表 {name} ", en=f"table {name}")
        )

    def column(self, table: str | None, name: str) -> Text:
        """Return what a column, or several joined by `+`, are called."""
        found = [self.columns.get(f"{table}.{one}") or self.columns.get(one) for one in name.split("+")]
        parts = [said or Text(ja=one, en=one) for said, one in zip(found, name.split("+"), strict=True)]
        return Text(
            ja=f"列「{'」「'.join(part.ja for part in parts)}」",
            en=("columns " if len(parts) > 1 else "column ") + " and ".join(f'"{part.en}"' for part in parts),
        )


def names_of(library: PolicyLibrary, release: ReleasePolicy) -> Names:
    """Return what the tables and columns of a release and of its datasets are called."""
    tables: dict[str, Text] = {}
    columns: dict[str, Text] = {}
    for dataset in (library.datasets[name] for name in release.datasets if name in library.datasets):
        for table in dataset.tables:
            tables.setdefault(table.name, table.title)
            for column in table.columns:
                said = Text(ja=column.ja, en=column.en or column.name.replace("_", " "))
                columns[f"{table.name}.{column.name}"] = said
    for entry in release.tables:
        for column_of in entry.columns:
            known = columns.get(f"{entry.table}.{column_of.name}")
            if known is not None:
                columns.setdefault(column_of.output_name, known)
    if isinstance(release.method, DpSynthetic):
        tables[release.method.name] = release.method.title
        columns |= {each.column: each.title for each in release.method.columns if each.title is not None}
    if isinstance(release.method, DpStatistics):
        tables |= {query.name: query.title for query in release.method.queries}
    return Names(tables, {**_MADE, **columns})


def title_of_result(check: CheckResult, names: Names | None = None) -> Text | None:
    """Return what a check confirms, as a clause; None for a name that no family has.

    Args:
        check: The check; of a scanned column the verdict is read too.
        names: What tables and columns are called; without it they are named as in the policy.
    """
    hit = _HIT.fullmatch(check.name)
    if hit is not None:
        verdict = str(check.measured.get("verdict", ""))
        return _filled(_HITS.get(verdict, _OPEN_HIT), hit, names or Names())
    for pattern, said in _COMPILED:
        found = pattern.fullmatch(check.name)
        if found is not None:
            return _filled(said, found, names or Names())
    if check.kind is CheckKind.QUALITY:
        return Text(ja="品質の検査の一項目が、定めのとおりである", en="one expectation of the quality suite is met")
    return None


def title_of_name(name: str) -> Text | None:
    """Return what a check confirms, by its name alone, as a catalog record lists it; None for a name of no family."""
    kind = CheckKind.QUALITY if name.startswith("quality.") else CheckKind.RULE
    return title_of_result(CheckResult(name=name, kind=kind, passed=True, blocking=True, what=""))


def _filled(said: Text, found: "re.Match[str]", names: Names) -> Text:
    parts = found.groupdict()
    table, kind = parts.get("table"), parts.get("kind")
    shown_table = names.table(table) if table else Text(ja="-", en="-")
    shown_column = names.column(table, parts["column"]) if parts.get("column") else Text(ja="-", en="-")
    known = {one.value: one for one in IdentifierKind}.get(kind or "")
    return Text(
        ja=said.ja.format(table=shown_table.ja, column=shown_column.ja, kind=known.ja if known else kind),
        en=said.en.format(table=shown_table.en, column=shown_column.en, kind=known.en if known else kind),
    )
