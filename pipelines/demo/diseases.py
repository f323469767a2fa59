"""Diagnoses of the demo hospital: ICD-10 codes, Japanese names, departments, who gets them and how often.

The codes and names are facts (ICD-10 2013 as used in Japan; checked in tests against the official list); the weights
are invented, shaped like a municipal acute hospital. The long tail is in `pipelines.demo.rare_diseases`.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.rare_diseases import RARE

DEPARTMENTS: tuple[str, ...] = (
    "内科",
    "循環器内科",
    "消化器内科",
    "呼吸器内科",
    "脳神経内科",
    "外科",
    "整形外科",
    "小児科",
    "産婦人科",
    "泌尿器科",
    "眼科",
    "耳鼻咽喉科",
)

AGE_GROUPS = 6
"""0: first 28 days, 1: to 14 years, 2: 15-39, 3: 40-64, 4: 65-74, 5: 75 and over."""

_PROFILES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    # Relative frequency by age group, for men and for women.
    "all": ((0.05, 1, 1, 1, 1, 1), (0.05, 1, 1, 1, 1, 1)),
    "newborn": ((60, 0, 0, 0, 0, 0), (60, 0, 0, 0, 0, 0)),
    "child": ((0.5, 12, 0.4, 0.1, 0.05, 0.05), (0.5, 10, 0.4, 0.1, 0.05, 0.05)),
    "young": ((0, 0.6, 3, 1, 0.4, 0.2), (0, 0.6, 3, 1, 0.4, 0.2)),
    "adult": ((0, 0.02, 0.6, 1.3, 1.1, 0.8), (0, 0.02, 0.6, 1.1, 1.0, 0.8)),
    "old": ((0, 0.01, 0.05, 0.5, 1.3, 2.0), (0, 0.01, 0.05, 0.35, 1.0, 2.0)),
    "veryold": ((0, 0, 0.02, 0.15, 0.7, 2.6), (0, 0, 0.02, 0.12, 0.6, 2.8)),
    "man": ((0, 0, 0.1, 0.9, 2.2, 2.2), (0, 0, 0, 0, 0, 0)),
    "woman": ((0, 0, 0, 0, 0, 0), (0, 0, 0.8, 2.0, 1.0, 0.8)),
    "oldwoman": ((0, 0, 0.02, 0.1, 0.3, 0.7), (0, 0, 0.02, 0.4, 1.4, 3.2)),
    "mother": ((0, 0, 0, 0, 0, 0), (0, 0, 9, 0.25, 0, 0)),
}

_COMMON = """
I63.9|脳梗塞，詳細不明|脳神経内科|veryold|90
I63.5|脳動脈の閉塞又は狭窄による脳梗塞|脳神経内科|old|45
I63.4|脳動脈の塞栓症による脳梗塞|脳神経内科|veryold|40
I61.9|脳内出血，詳細不明|脳神経内科|old|36
I60.9|くも膜下出血，詳細不明|脳神経内科|adult|14
I62.0|硬膜下出血（急性）（非外傷性）|脳神経内科|veryold|12
G40.9|てんかん，詳細不明|脳神経内科|all|22
G45.9|一過性脳虚血発作，詳細不明|脳神経内科|old|14
G20|パーキンソン病|脳神経内科|veryold|18
G30.9|アルツハイマー病，詳細不明|脳神経内科|veryold|16
H81.1|良性発作性頭位めまい症|耳鼻咽喉科|old|12
R42|めまい感及びよろめき感|耳鼻咽喉科|old|14
H91.2|突発性難聴（特発性）|耳鼻咽喉科|adult|12
J35.0|慢性扁桃炎|耳鼻咽喉科|young|14
J32.9|慢性副鼻腔炎，詳細不明|耳鼻咽喉科|adult|14
J36|扁桃周囲膿瘍|耳鼻咽喉科|young|9
H25.9|老人性白内障，詳細不明|眼科|veryold|95
H40.1|原発性開放隅角緑内障|眼科|old|14
H33.0|裂孔を伴う網膜剥離|眼科|adult|10
H35.3|黄斑及び後極の変性|眼科|old|12
I50.0|うっ血性心不全|循環器内科|veryold|70
I50.9|心不全，詳細不明|循環器内科|veryold|60
I20.9|狭心症，詳細不明|循環器内科|old|46
I20.0|不安定狭心症|循環器内科|old|24
I21.9|急性心筋梗塞，詳細不明|循環器内科|old|26
I21.0|前壁の急性貫壁性心筋梗塞|循環器内科|man|8
I25.1|アテローム＜じゅく＜粥＞状＞硬化性心疾患|循環器内科|old|18
I48|心房細動及び粗動|循環器内科|old|40
I44.2|房室ブロック，完全|循環器内科|veryold|12
I49.5|洞不全症候群|循環器内科|veryold|12
I35.0|大動脈弁狭窄（症）|循環器内科|veryold|14
I34.0|僧帽弁閉鎖不全（症）|循環器内科|old|8
I71.0|大動脈の解離［各部位］|循環器内科|old|9
I71.4|腹部大動脈瘤，破裂の記載がないもの|循環器内科|old|9
I70.2|（四）肢の動脈のアテローム＜じゅく＜粥＞状＞硬化（症）|循環器内科|old|12
I26.9|急性肺性心の記載のない肺塞栓症|循環器内科|old|6
I80.2|下肢のその他の深在血管の静脈炎及び血栓（性）静脈炎|循環器内科|old|8
I10|本態性（原発性＜一次性＞）高血圧（症）|循環器内科|old|12
J18.9|肺炎，詳細不明|呼吸器内科|veryold|95
J18.0|気管支肺炎，詳細不明|呼吸器内科|veryold|28
J69.0|食物及び吐物による肺臓炎|呼吸器内科|veryold|75
J15.9|細菌性肺炎，詳細不明|呼吸器内科|veryold|26
J13|肺炎連鎖球菌による肺炎|呼吸器内科|old|10
J10.1|その他の呼吸器症状を伴うインフルエンザ，その他のインフルエンザウイルスが分離されたもの|呼吸器内科|all|14
U07.1|コロナウイルス感染症２０１９，ウイルスが同定されたもの|呼吸器内科|all|60
J44.1|急性増悪を伴う慢性閉塞性肺疾患，詳細不明|呼吸器内科|man|14
J45.9|喘息，詳細不明|呼吸器内科|all|16
J84.1|線維症を伴うその他の間質性肺疾患|呼吸器内科|old|22
J93.1|その他の自然気胸|呼吸器内科|young|16
J90|胸水，他に分類されないもの|呼吸器内科|old|10
J96.0|急性呼吸不全|呼吸器内科|veryold|12
C34.1|上葉，気管支又は肺の悪性新生物＜腫瘍＞|呼吸器内科|old|34
C34.3|下葉，気管支又は肺の悪性新生物＜腫瘍＞|呼吸器内科|old|28
C34.9|気管支又は肺，部位不明の悪性新生物＜腫瘍＞|呼吸器内科|old|26
G47.3|睡眠時無呼吸|呼吸器内科|adult|20
K80.2|胆のう＜嚢＞炎を伴わない胆のう＜嚢＞結石|消化器内科|adult|20
K80.5|胆管炎及び胆のう＜嚢＞炎を伴わない胆管結石|消化器内科|old|32
K80.3|胆管炎を伴う胆管結石|消化器内科|veryold|24
K81.0|急性胆のう＜嚢＞炎|外科|old|22
K83.0|胆管炎|消化器内科|veryold|16
K85.9|急性膵炎，詳細不明|消化器内科|adult|16
K57.3|穿孔及び膿瘍を伴わない大腸の憩室性疾患|消化器内科|old|34
K63.5|大腸＜結腸＞のポリープ|消化器内科|old|85
D12.6|大腸＜結腸＞の良性新生物＜腫瘍＞，部位不明|消化器内科|old|40
K25.4|胃潰瘍，慢性又は詳細不明，出血を伴うもの|消化器内科|old|18
K26.4|十二指腸潰瘍，慢性又は詳細不明，出血を伴うもの|消化器内科|adult|9
K29.7|胃炎，詳細不明|消化器内科|adult|8
K56.6|その他及び詳細不明の腸閉塞|消化器内科|veryold|26
K56.5|閉塞を伴う腸の癒着［索条物］|外科|old|20
K55.9|腸の血行障害，詳細不明|消化器内科|old|14
K51.9|潰瘍性大腸炎，詳細不明|消化器内科|young|12
K50.9|クローン＜Ｃｒｏｈｎ＞病，詳細不明|消化器内科|young|6
K74.6|その他及び詳細不明の肝硬変|消化器内科|old|16
K70.3|アルコール性肝硬変|消化器内科|man|8
K72.9|肝不全，詳細不明|消化器内科|old|6
B18.2|慢性Ｃ型ウイルス性肝炎|消化器内科|old|6
B18.1|慢性Ｂ型ウイルス性肝炎，デルタ因子（重複感染）を伴わないもの|消化器内科|adult|5
C16.9|胃，部位不明の悪性新生物＜腫瘍＞|消化器内科|old|38
C16.2|胃体部の悪性新生物＜腫瘍＞|消化器内科|old|18
C15.9|食道，部位不明の悪性新生物＜腫瘍＞|消化器内科|man|9
C22.0|肝細胞癌|消化器内科|old|26
C25.0|膵頭部の悪性新生物＜腫瘍＞|消化器内科|old|16
C25.9|膵，部位不明の悪性新生物＜腫瘍＞|消化器内科|old|14
C24.0|肝外胆管の悪性新生物＜腫瘍＞|消化器内科|old|12
C18.7|Ｓ状結腸の悪性新生物＜腫瘍＞|外科|old|26
C18.2|上行結腸の悪性新生物＜腫瘍＞|外科|old|22
C20|直腸の悪性新生物＜腫瘍＞|外科|old|30
C50.9|乳房，部位不明の悪性新生物＜腫瘍＞|外科|woman|34
C50.4|乳房上外側４分の１の悪性新生物＜腫瘍＞|外科|woman|14
C73|甲状腺の悪性新生物＜腫瘍＞|外科|woman|7
K40.9|一側性又は患側不明のそけい＜鼠径＞ヘルニア，閉塞及びえ＜壊＞疽を伴わないもの|外科|man|44
K35.8|急性虫垂炎，その他及び詳細不明|外科|young|22
K35.3|限局性腹膜炎を伴う急性虫垂炎|外科|young|8
K43.9|腹壁ヘルニア，閉塞及びえ＜壊＞疽を伴わないもの|外科|old|8
K61.0|肛門膿瘍|外科|adult|6
L03.1|（四）肢のその他の部位の蜂巣炎＜蜂窩織炎＞|内科|old|24
S72.0|大腿骨頚部骨折|整形外科|oldwoman|52
S72.1|転子貫通骨折|整形外科|oldwoman|44
S52.5|橈骨下端骨折|整形外科|oldwoman|22
S82.8|下腿のその他の部位の骨折|整形外科|adult|14
S82.0|膝蓋骨骨折|整形外科|adult|6
S42.2|上腕骨近位端骨折|整形外科|oldwoman|12
S42.0|鎖骨骨折|整形外科|young|8
S32.0|腰椎骨折|整形外科|oldwoman|30
S22.0|胸椎骨折|整形外科|oldwoman|18
S06.5|外傷性硬膜下出血|脳神経内科|veryold|22
S06.0|振とう（症）＜脳震とう＞|脳神経内科|all|6
M17.1|その他の原発性膝関節症|整形外科|oldwoman|30
M16.1|その他の原発性股関節症|整形外科|oldwoman|20
M48.0|脊柱管狭窄（症）|整形外科|old|40
M51.2|その他の明示された椎間板ヘルニア|整形外科|adult|20
M75.1|（肩）回旋腱板症候群|整形外科|adult|12
M06.9|関節リウマチ，詳細不明|内科|oldwoman|12
E11.9|２型＜インスリン非依存性＞糖尿病＜ＮＩＤＤＭ＞，合併症を伴わないもの|内科|adult|30
E11.2|２型＜インスリン非依存性＞糖尿病＜ＮＩＤＤＭ＞，腎合併症を伴うもの|内科|old|18
E11.3|２型＜インスリン非依存性＞糖尿病＜ＮＩＤＤＭ＞，眼合併症を伴うもの|眼科|adult|10
E11.7|２型＜インスリン非依存性＞糖尿病＜ＮＩＤＤＭ＞，多発合併症を伴うもの|内科|adult|12
E10.9|１型＜インスリン依存性＞糖尿病＜ＩＤＤＭ＞，合併症を伴わないもの|内科|young|4
E86|体液量減少（症）|内科|veryold|24
E87.1|低浸透圧及び低ナトリウム血症|内科|veryold|14
E87.5|高カリウム血症|内科|veryold|6
E16.2|低血糖症，詳細不明|内科|veryold|6
N18.5|慢性腎臓病，ステージ５|内科|old|26
N18.9|慢性腎臓病，詳細不明|内科|old|14
N17.9|急性腎不全，詳細不明|内科|veryold|10
N04.9|ネフローゼ症候群，詳細不明|内科|adult|6
N02.8|反復性及び持続性血尿，その他|内科|young|5
A41.9|敗血症，詳細不明|内科|veryold|20
A09.9|詳細不明の原因による胃腸炎及び大腸炎|内科|all|16
B02.9|帯状疱疹，合併症を伴わないもの|内科|old|10
C83.3|びまん性大細胞型Ｂ細胞性リンパ腫|内科|old|16
C90.0|多発性骨髄腫|内科|old|9
C92.0|急性骨髄芽球性白血病［ＡＭＬ］|内科|adult|6
D46.9|骨髄異形成症候群，詳細不明|内科|veryold|9
D64.9|貧血，詳細不明|内科|veryold|8
T78.2|アナフィラキシーショック，詳細不明|内科|all|6
T67.0|熱射病及び日射病|内科|all|6
F32.9|うつ病エピソード，詳細不明|内科|adult|5
F20.9|統合失調症，詳細不明|内科|young|3
F10.2|アルコール使用＜飲酒＞による精神及び行動の障害，依存症候群|内科|man|3
N39.0|尿路感染症，部位不明|泌尿器科|veryold|48
N10|急性尿細管間質性腎炎|泌尿器科|oldwoman|26
N20.1|尿管結石|泌尿器科|adult|22
N20.0|腎結石|泌尿器科|adult|8
N40|前立腺肥大（症）|泌尿器科|man|16
C61|前立腺の悪性新生物＜腫瘍＞|泌尿器科|man|48
C67.9|膀胱，部位不明の悪性新生物＜腫瘍＞|泌尿器科|man|26
C64|腎盂を除く腎の悪性新生物＜腫瘍＞|泌尿器科|old|12
C66|尿管の悪性新生物＜腫瘍＞|泌尿器科|old|6
D25.9|子宮平滑筋腫，部位不明|産婦人科|woman|18
D27|卵巣の良性新生物＜腫瘍＞|産婦人科|woman|16
N80.1|卵巣の子宮内膜症|産婦人科|mother|1.6
N81.4|子宮腟脱，詳細不明|産婦人科|oldwoman|8
C54.1|子宮内膜の悪性新生物＜腫瘍＞|産婦人科|woman|12
C53.9|子宮頚（部），部位不明の悪性新生物＜腫瘍＞|産婦人科|woman|8
C56|卵巣の悪性新生物＜腫瘍＞|産婦人科|woman|10
N87.1|中等度子宮頚（部）異形成|産婦人科|mother|1
O80.0|自然頭位分娩|産婦人科|mother|20
O82.0|選択的帝王切開による分娩|産婦人科|mother|7
O34.2|既往子宮手術瘢痕のための母体ケア|産婦人科|mother|6
O60.0|分娩を伴わない切迫早産|産婦人科|mother|6
O42.0|前期破水，２４時間以内の陣痛発来|産婦人科|mother|3
O14.9|子かん＜癇＞前症，詳細不明|産婦人科|mother|2
O00.1|卵管妊娠|産婦人科|mother|1
O21.0|軽度妊娠悪阻|産婦人科|mother|2
O03.9|自然流産，完全流産又は詳細不明の流産，合併症を伴わないもの|産婦人科|mother|1
Z38.0|単胎児，院内出生|小児科|newborn|30
P07.1|その他の低出産体重（児）|小児科|newborn|10
P59.9|新生児黄疸，詳細不明|小児科|newborn|14
P22.1|新生児一過性頻呼吸|小児科|newborn|6
P07.3|その他の早産児|小児科|newborn|7
J20.9|急性気管支炎，詳細不明|小児科|child|18
J21.0|ＲＳウイルスによる急性細気管支炎|小児科|child|12
J45.0|アレルギー性喘息を主とする疾患|小児科|child|12
J06.9|急性上気道感染症，詳細不明|小児科|child|8
R56.0|熱性けいれん＜痙攣＞|小児科|child|9
M30.3|皮膚粘膜リンパ節症候群［川崎病］|小児科|child|7
A08.0|ロタウイルス性腸炎|小児科|child|4
T78.1|その他の食物有害反応，他に分類されないもの|小児科|child|9
Q21.0|心室中隔欠損（症）|小児科|child|3
C91.0|急性リンパ芽球性白血病［ＡＬＬ］|小児科|child|1
"""

CHRONIC: tuple[tuple[str, str, float, float], ...] = (
    # code, name, share of people of 75 and over who have it, how fast it fades with youth
    ("I10", "本態性（原発性＜一次性＞）高血圧（症）", 0.62, 1.6),
    ("E78.5", "高脂血症，詳細不明", 0.36, 1.2),
    ("E11.9", "２型＜インスリン非依存性＞糖尿病＜ＮＩＤＤＭ＞，合併症を伴わないもの", 0.27, 1.4),
    ("K59.0", "便秘", 0.30, 2.2),
    ("N18.9", "慢性腎臓病，詳細不明", 0.17, 2.4),
    ("I48", "心房細動及び粗動", 0.15, 2.8),
    ("I50.9", "心不全，詳細不明", 0.16, 3.0),
    ("M81.9", "骨粗しょう＜鬆＞症，詳細不明", 0.18, 3.0),
    ("F03", "詳細不明の認知症", 0.19, 5.0),
    ("K21.0", "食道炎を伴う胃食道逆流症", 0.16, 1.4),
    ("E79.0", "炎症性関節炎及び痛風結節性疾患の徴候を伴わない高尿酸血症", 0.12, 1.2),
    ("G47.0", "睡眠の導入及び維持の障害［不眠症］", 0.20, 1.4),
    ("D50.9", "鉄欠乏性貧血，詳細不明", 0.11, 1.0),
    ("I69.3", "脳梗塞の続発・後遺症", 0.11, 3.2),
    ("J44.9", "慢性閉塞性肺疾患，詳細不明", 0.08, 3.0),
    ("E03.9", "甲状腺機能低下症，詳細不明", 0.06, 1.6),
    ("I25.9", "慢性虚血性心疾患，詳細不明", 0.10, 2.6),
    ("K76.0", "脂肪肝，他に分類されないもの", 0.07, 0.4),
    ("J45.9", "喘息，詳細不明", 0.05, 0.3),
    ("F32.9", "うつ病エピソード，詳細不明", 0.04, 0.3),
)


@dataclass(frozen=True, slots=True)
class Disease:
    """One diagnosis: ICD-10 code, Japanese name, department (index into `DEPARTMENTS`), profile, weight."""

    code: str
    name: str
    department: int
    profile: str
    weight: float


@cache
def diseases() -> tuple[Disease, ...]:
    """Return the diagnoses: the common ones, then the long tail, then chronic ones that only accompany others."""
    found = []
    for line in _COMMON.split("\n"):
        if line:
            code, name, department, profile, weight = line.split("|")
            found.append(Disease(code, name, DEPARTMENTS.index(department), profile, float(weight)))
    # The tail thins out like 1/rank: a few people each at first, then one or none in a hospital of thousands.
    for rank, (code, name, department, profile) in enumerate(RARE, start=1):
        found.append(Disease(code, name, DEPARTMENTS.index(department), profile, 3.0 / (rank + 2) ** 0.75))
    known = {disease.code for disease in found}
    found.extend(Disease(code, name, 0, "all", 0.0) for code, name, _, _ in CHRONIC if code not in known)
    return tuple(found)


@cache
def disease_index() -> dict[str, int]:
    """Return the position of each code in `diseases()`."""
    return {disease.code: number for number, disease in enumerate(diseases())}


@cache
def cumulative_by_group() -> NDArray[np.float64]:
    """Return cumulative probabilities of being the main diagnosis, shape (2 sexes, `AGE_GROUPS`, diseases)."""
    listed = diseases()
    weights = np.array([d.weight for d in listed])
    shape = np.array([_PROFILES[d.profile] for d in listed])  # (diseases, 2, groups)
    table = (weights[:, None, None] * shape).transpose(1, 2, 0)
    table = table / table.sum(axis=2, keepdims=True)
    cumulative: NDArray[np.float64] = np.cumsum(table, axis=2)
    cumulative /= cumulative[:, :, -1:]
    return cumulative


@cache
def codes_starting(*prefixes: str) -> NDArray[np.bool_]:
    """Return, for each of `diseases()`, whether its code starts with one of the prefixes."""
    return np.array([disease.code.startswith(prefixes) for disease in diseases()])
