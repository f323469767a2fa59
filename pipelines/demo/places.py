"""Where patients live: municipalities with postal groups, area codes and weights; invented towns and buildings.

Municipalities are facts (names by 全国地方公共団体コード, postal groups and area codes from general knowledge, checked
in tests against the official lists); the weights are invented. Towns, numbers and buildings are invented.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

# name / first three digits of its postal codes / area code / weight (about a thousand people; halved by distance later)
_HOME = "宮城県"
_MUNICIPALITIES = """
宮城県: 仙台市青葉区/980/022/310 仙台市宮城野区/983/022/190 仙台市若林区/984/022/140 仙台市太白区/982/022/234
 仙台市泉区/981/022/211 石巻市/986/0225/140 塩竈市/985/022/52 気仙沼市/988/0226/61 白石市/989/0224/32 名取市/981/022/79
 角田市/981/0224/27 多賀城市/985/022/62 岩沼市/989/0223/44 登米市/987/0220/76 栗原市/987/0228/64 東松島市/981/0225/39
 大崎市/989/0229/127 富谷市/981/022/52 蔵王町/989/0224/11 大河原町/989/0224/23 村田町/989/0224/10 柴田町/989/0224/38
 川崎町/989/0224/8 丸森町/981/0224/12 亘理町/989/0223/33 山元町/989/0223/12 松島町/981/022/13 七ヶ浜町/985/022/18
 利府町/981/022/35 大和町/981/022/28 涌谷町/987/0229/15 美里町/987/0229/23 加美町/981/0229/22 女川町/986/0225/6
 南三陸町/986/0226/12 色麻町/981/0229/6 七ヶ宿町/989/0224/1
北海道: 札幌市中央区/060/011/24 札幌市北区/001/011/28 函館市/040/0138/25 旭川市/070/0166/32 帯広市/080/0155/16
青森県: 青森市/030/017/27 弘前市/036/0172/17 八戸市/031/0178/22
岩手県: 盛岡市/020/019/58 一関市/021/0191/62 奥州市/023/0197/30 大船渡市/022/0192/24 陸前高田市/029/0192/14
秋田県: 秋田市/010/018/30 横手市/013/0182/16 大仙市/014/0187/14
山形県: 山形市/990/023/62 米沢市/992/0238/24 鶴岡市/997/0235/18 酒田市/998/0234/16 新庄市/996/0233/9
福島県: 福島市/960/024/60 郡山市/963/024/48 いわき市/970/0246/36 相馬市/976/0244/28 南相馬市/975/0244/24 会津若松市/965/0242/14
茨城県: 水戸市/310/029/9 つくば市/305/029/9
栃木県: 宇都宮市/320/028/10 小山市/323/0285/4
群馬県: 前橋市/371/027/6 高崎市/370/027/7
埼玉県: さいたま市大宮区/330/048/9 川口市/332/048/8 川越市/350/049/6 所沢市/359/04/5
千葉県: 千葉市中央区/260/043/7 船橋市/273/047/8 柏市/277/04/6 市川市/272/047/6
東京都: 千代田区/100/03/2 新宿区/160/03/6 世田谷区/154/03/14 大田区/144/03/10 足立区/120/03/10 練馬区/176/03/10
 江東区/135/03/8 八王子市/192/042/8 町田市/194/042/6 府中市/183/042/4 青ヶ島村/100/04996/0.05
神奈川県: 横浜市西区/220/045/7 横浜市港北区/222/045/8 川崎市川崎区/210/044/7 相模原市中央区/252/042/6 藤沢市/251/0466/5
新潟県: 新潟市中央区/951/025/14 長岡市/940/0258/8
富山県: 富山市/930/076/5
石川県: 金沢市/920/076/6 輪島市/928/0768/1
福井県: 福井市/910/0776/3
山梨県: 甲府市/400/055/3 小菅村/409/0428/0.05
長野県: 長野市/380/026/5 松本市/390/0263/4
岐阜県: 岐阜市/500/058/4
静岡県: 静岡市葵区/420/054/4 富士市/416/0545/7
愛知県: 名古屋市中区/460/052/4 名古屋市千種区/464/052/5 豊田市/471/0565/5 豊橋市/440/0532/4
三重県: 津市/514/059/3 四日市市/510/059/3
滋賀県: 大津市/520/077/3
京都府: 京都市中京区/604/075/3 京都市伏見区/612/075/4 宇治市/611/0774/2
大阪府: 大阪市北区/530/06/4 大阪市中央区/540/06/3 堺市堺区/590/072/4 東大阪市/577/06/4 豊中市/560/06/3
兵庫県: 神戸市中央区/650/078/4 姫路市/670/079/4 西宮市/662/0798/3
奈良県: 奈良市/630/0742/3 野迫川村/648/0747/0.05
和歌山県: 和歌山市/640/073/2
鳥取県: 鳥取市/680/0857/1.5
島根県: 松江市/690/0852/1.5
岡山県: 岡山市北区/700/086/3 倉敷市/710/086/3
広島県: 広島市中区/730/082/3 福山市/720/084/3
山口県: 下関市/750/083/2 山口市/753/083/1.5
徳島県: 徳島市/770/088/1.5
香川県: 高松市/760/087/2
愛媛県: 松山市/790/089/3
高知県: 高知市/780/088/2 大川村/781/0887/0.05
福岡県: 福岡市博多区/812/092/4 福岡市中央区/810/092/4 北九州市小倉北区/803/093/3 久留米市/830/0942/2
佐賀県: 佐賀市/840/0952/1.5
長崎県: 長崎市/850/095/2 五島市/853/0959/0.3
熊本県: 熊本市中央区/860/096/3
大分県: 大分市/870/097/2.5
宮崎県: 宮崎市/880/0985/2
鹿児島県: 鹿児島市/890/099/3 三島村/890/09913/0.05
沖縄県: 那覇市/900/098/2 宮古島市/906/0980/0.6
"""

_TOWN_HEADS = "若葉 朝日 緑 桜 泉 花園 光 旭 松原 梅園 柳 弥生 常盤 千歳 末広 栄 幸 寿 曙 東雲 白鳥 鶴見 亀岡 日吉 美園 若宮 八幡 春日 玉川 清水"
_TOWN_TAILS = "町 台 野 ケ丘 通 新田 本町 西町 南町 東 北町 平 原 沢 浜"
_BUILDINGS = "コーポ メゾン ハイツ グリーンハイツ サンライズ パークサイド 第二コーポ レジデンス 市営住宅 グランド ヴィラ シャトー"


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality; `name` starts below the prefecture, `weight` is how often patients come from it."""

    prefecture: str
    name: str
    postal_group: str
    area_code: str
    weight: float


@cache
def municipalities() -> tuple[Municipality, ...]:
    """Return all municipalities, the home prefecture first."""
    found: list[Municipality] = []
    prefecture = _HOME
    for word in _MUNICIPALITIES.split():
        if word.endswith(":"):
            prefecture = word[:-1]
            continue
        name, postal, area, weight = word.split("/")
        near = 1.0 if prefecture == _HOME else 0.5
        found.append(Municipality(prefecture, name, postal, area, float(weight) * near))
    return tuple(found)


@cache
def municipality_cumulative() -> NDArray[np.float64]:
    """Return the cumulative probabilities of `municipalities()`, in its order."""
    weights = np.array([place.weight for place in municipalities()])
    cumulative: NDArray[np.float64] = np.cumsum(weights / weights.sum())
    cumulative[-1] = 1.0
    return cumulative


@cache
def towns() -> tuple[str, ...]:
    """Return the invented town names."""
    return tuple(head + tail for head in _TOWN_HEADS.split() for tail in _TOWN_TAILS.split())


@cache
def buildings() -> tuple[str, ...]:
    """Return the invented building names, without a room."""
    heads = _TOWN_HEADS.split()
    return tuple(kind + head for kind in _BUILDINGS.split() for head in heads)
