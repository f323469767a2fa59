"""Japanese surnames and given names with their readings, and how often each is drawn.

The lists were written for this project from general knowledge, most common first; nobody's full name is in them: a
person's name is an independent draw of one surname and one given name of the person's birth cohort.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_SURNAMES = """
佐藤サトウ 鈴木スズキ 高橋タカハシ 田中タナカ 伊藤イトウ 渡辺ワタナベ 山本ヤマモト 中村ナカムラ 小林コバヤシ 加藤カトウ
吉田ヨシダ 山田ヤマダ 佐々木ササキ 山口ヤマグチ 松本マツモト 井上イノウエ 木村キムラ 林ハヤシ 斎藤サイトウ 清水シミズ
山崎ヤマザキ 森モリ 阿部アベ 池田イケダ 橋本ハシモト 山下ヤマシタ 石川イシカワ 中島ナカジマ 前田マエダ 藤田フジタ
後藤ゴトウ 小川オガワ 岡田オカダ 村上ムラカミ 長谷川ハセガワ 近藤コンドウ 石井イシイ 斉藤サイトウ 坂本サカモト 遠藤エンドウ
青木アオキ 藤井フジイ 西村ニシムラ 福田フクダ 太田オオタ 三浦ミウラ 藤原フジワラ 松田マツダ 岡本オカモト 中川ナカガワ
中野ナカノ 原田ハラダ 小野オノ 田村タムラ 竹内タケウチ 金子カネコ 和田ワダ 中山ナカヤマ 石田イシダ 上田ウエダ
森田モリタ 原ハラ 柴田シバタ 酒井サカイ 工藤クドウ 横山ヨコヤマ 宮崎ミヤザキ 宮本ミヤモト 内田ウチダ 高木タカギ
安藤アンドウ 谷口タニグチ 大野オオノ 丸山マルヤマ 今井イマイ 河野コウノ 藤本フジモト 村田ムラタ 武田タケダ 上野ウエノ
杉山スギヤマ 増田マスダ 平野ヒラノ 大塚オオツカ 千葉チバ 久保クボ 松井マツイ 小島コジマ 岩崎イワサキ 桜井サクライ
野口ノグチ 松尾マツオ 野村ノムラ 木下キノシタ 菊地キクチ 佐野サノ 大西オオニシ 杉本スギモト 新井アライ 浜田ハマダ
菅原スガワラ 市川イチカワ 水野ミズノ 小松コマツ 島田シマダ 古川フルカワ 小山コヤマ 高野タカノ 西田ニシダ 山内ヤマウチ
菊池キクチ 西川ニシカワ 五十嵐イガラシ 北村キタムラ 安田ヤスダ 中田ナカタ 川口カワグチ 平田ヒラタ 川崎カワサキ 飯田イイダ
吉川ヨシカワ 本田ホンダ 久保田クボタ 沢田サワダ 辻ツジ 関セキ 渡部ワタナベ 岩田イワタ 吉村ヨシムラ 樋口ヒグチ
秋山アキヤマ 福島フクシマ 永井ナガイ 服部ハットリ 中西ナカニシ 須藤スドウ 田口タグチ 川村カワムラ 大橋オオハシ 石原イシハラ
荒木アラキ 松岡マツオカ 浅野アサノ 土屋ツチヤ 矢野ヤノ 尾崎オザキ 小池コイケ 早川ハヤカワ 片山カタヤマ 星野ホシノ
大久保オオクボ 大島オオシマ 荒井アライ 本間ホンマ 堀ホリ 小田オダ 望月モチヅキ 永田ナガタ 今野コンノ 熊谷クマガイ
鎌田カマタ 庄司ショウジ 大友オオトモ 及川オイカワ 早坂ハヤサカ 佐久間サクマ 大場オオバ 伊東イトウ 高山タカヤマ 馬場ババ
"""

_RARE_SURNAMES = """
髙橋タカハシ 山﨑ヤマザキ 濵田ハマダ 德永トクナガ 渡邉ワタナベ 渡邊ワタナベ 齋藤サイトウ 齊藤サイトウ 桒原クワハラ 栁沢ヤナギサワ
小鳥遊タカナシ 四月朔日ワタヌキ 月見里ヤマナシ 東海林ショウジ 勅使河原テシガワラ 一口イモアライ 鯨岡クジラオカ 薬袋ミナイ 百目鬼ドウメキ 五百旗頭イオキベ
留守ルス 日下クサカ 寒風澤サブサワ 櫻田サクラダ 鴇田トキタ 蓬田ヨモギダ 雫石シズクイシ 笊畑ザルハタ 遊佐ユサ 御手洗ミタライ
"""

_MALE = {
    1940: """
    茂シゲル 清キヨシ 正夫マサオ 正雄マサオ 勇イサム 武雄タケオ 実ミノル 三郎サブロウ 一郎イチロウ 二郎ジロウ 義雄ヨシオ 正一ショウイチ
    秀雄ヒデオ 昭アキラ 進ススム 博ヒロシ 良雄ヨシオ 忠タダシ 辰雄タツオ 留吉トメキチ 金治キンジ 末吉スエキチ 善次郎ゼンジロウ 久松ヒサマツ
    喜一キイチ 宗吉ソウキチ 松太郎マツタロウ 虎雄トラオ 幸吉コウキチ 定雄サダオ""",
    1960: """
    勝マサル 勲イサオ 弘ヒロシ 和夫カズオ 幸雄ユキオ 昭夫アキオ 功イサオ 稔ミノル 隆タカシ 修オサム 豊ユタカ 正タダシ 明アキラ 敏夫トシオ
    孝タカシ 健一ケンイチ 誠一セイイチ 洋ヒロシ 紘一コウイチ 征男ユキオ 邦夫クニオ 克己カツミ 忠雄タダオ 守マモル 博之ヒロユキ 正行マサユキ""",
    1985: """
    誠マコト 浩ヒロシ 浩二コウジ 哲也テツヤ 剛ツヨシ 健ケン 直樹ナオキ 秀樹ヒデキ 学マナブ 健二ケンジ 聡サトシ 大輔ダイスケ 英樹ヒデキ
    浩一コウイチ 和也カズヤ 達也タツヤ 裕二ユウジ 智サトシ 徹トオル 隆司タカシ 勉ツトム 康弘ヤスヒロ 真一シンイチ 雅之マサユキ 信吾シンゴ""",
    2005: """
    翔太ショウタ 拓也タクヤ 健太ケンタ 翔ショウ 大樹ダイキ 亮リョウ 直人ナオト 駿シュン 拓海タクミ 海斗カイト 大輝ダイキ 蓮レン 陸リク
    涼リョウ 悠太ユウタ 雄大ユウダイ 一輝カズキ 優太ユウタ 匠タクミ 竜也タツヤ 樹イツキ 洋平ヨウヘイ 祐介ユウスケ 和樹カズキ 凌リョウ""",
    2030: """
    悠真ユウマ 湊ミナト 颯太ソウタ 陽翔ハルト 結翔ユイト 大翔ヒロト 陽向ヒナタ 律リツ 蒼アオイ 朔サク 暖ダン 伊織イオリ 碧アオ 新アラタ
    樹生イツキ 奏汰カナタ 朝陽アサヒ 岳ガク 琉生ルイ 瑛太エイタ 旭アサヒ 晴ハル 湊斗ミナト 悠人ユウト 理人リヒト""",
}

_FEMALE = {
    1940: """
    キヨキヨ ハルハル フミフミ 千代チヨ 文子フミコ 芳子ヨシコ 静子シズコ 久子ヒサコ トシトシ ミツミツ キミキミ ハナハナ 光子ミツコ
    節子セツコ 敏子トシコ 貞子サダコ 八重ヤエ 房子フサコ ヨシヨシ トメトメ 愛子アイコ 信子ノブコ 千代子チヨコ 幸子サチコ ツルツル
    スミスミ 梅子ウメコ 清子キヨコ 富子トミコ 君江キミエ""",
    1960: """
    和子カズコ 洋子ヨウコ 恵子ケイコ 京子キョウコ 幸子サチコ 悦子エツコ 弘子ヒロコ 勝子カツコ 美智子ミチコ 順子ジュンコ 紀子ノリコ 裕子ユウコ
    由美子ユミコ 典子ノリコ 孝子タカコ 明美アケミ 久美子クミコ 照子テルコ 良子ヨシコ 淑子ヨシコ 喜代子キヨコ 澄子スミコ 正子マサコ 昌子マサコ
    栄子エイコ 道子ミチコ""",
    1985: """
    由美ユミ 真由美マユミ 智子トモコ 直美ナオミ 陽子ヨウコ 優子ユウコ 久美クミ 美穂ミホ 香織カオリ 恵美エミ 美香ミカ 裕美ヒロミ 理恵リエ
    純子ジュンコ 美紀ミキ 千春チハル 真理子マリコ 由紀ユキ 麻美アサミ 愛アイ 幸恵ユキエ 綾アヤ 加奈子カナコ 知美トモミ 恵理エリ""",
    2005: """
    美咲ミサキ 愛美マナミ 彩アヤ 萌モエ 七海ナナミ 沙織サオリ 舞マイ 優花ユウカ 遥ハルカ 千尋チヒロ 菜摘ナツミ 早紀サキ 楓カエデ 瞳ヒトミ
    里奈リナ 明日香アスカ 詩織シオリ 優奈ユウナ 桃子モモコ さくらサクラ 未来ミク 葵アオイ 奈々ナナ 茜アカネ 真央マオ""",
    2030: """
    陽葵ヒマリ 凛リン 結菜ユイナ 紬ツムギ 芽依メイ 莉子リコ 澪ミオ 結愛ユア 陽菜ヒナ 咲良サクラ 杏アン 詩ウタ 心春コハル 琴音コトネ 花ハナ
    美月ミツキ 柚希ユズキ 彩葉イロハ 翠スイ 一花イチカ 和奏ワカナ 葵衣アオイ 朱莉アカリ ひかりヒカリ 依茉エマ""",
}

COHORT_ENDS: tuple[int, ...] = (1940, 1960, 1985, 2005, 2030)
"""A person born before the first of these years that is later than the birth year takes that cohort's names."""

_RARE_SHARE = 0.012


@dataclass(frozen=True, slots=True)
class NameList:
    """Names in kanji and their katakana readings, with cumulative probabilities in the same order."""

    kanji: pa.Array
    kana: pa.Array
    cumulative: NDArray[np.float64]

    def draw(self, uniform: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the index of a name for each number in [0, 1)."""
        return np.searchsorted(self.cumulative, uniform, side="right").astype(np.int64)


def _split(entry: str) -> tuple[str, str]:
    """Split `佐藤サトウ` into its writing and its reading; a name in kana alone is written twice (`ハルハル`)."""
    half = len(entry) // 2
    if entry[:half] == entry[half:]:
        return entry[:half], entry[half:]
    start = next(at for at in range(1, len(entry)) if all("ァ" <= letter <= "ー" for letter in entry[at:]))
    return entry[:start], entry[start:]


def _zipf(count: int, *, offset: float) -> NDArray[np.float64]:
    weights = 1.0 / (np.arange(count, dtype=np.float64) + offset) ** 0.9
    shares: NDArray[np.float64] = np.asarray(weights / weights.sum(), dtype=np.float64)
    return shares


def _as_list(pairs: list[tuple[str, str]], weights: NDArray[np.float64]) -> NameList:
    cumulative = np.cumsum(weights)
    cumulative[-1] = 1.0
    return NameList(pa.array([kanji for kanji, _ in pairs]), pa.array([kana for _, kana in pairs]), cumulative)


@cache
def surnames() -> NameList:
    """Return the surnames: a Zipf-like head of common ones and a thin tail of rare ones."""
    common = [_split(entry) for entry in _SURNAMES.split()]
    rare = [_split(entry) for entry in _RARE_SURNAMES.split()]
    head = _zipf(len(common), offset=6.0) * (1.0 - _RARE_SHARE)
    return _as_list(common + rare, np.concatenate([head, np.full(len(rare), _RARE_SHARE / len(rare))]))


@cache
def given_names(sex: int, cohort_end: int) -> NameList:
    """Return the given names of a sex (1 male, 2 female) and birth cohort (one of `COHORT_ENDS`)."""
    pairs = [_split(entry) for entry in (_MALE if sex == 1 else _FEMALE)[cohort_end].split()]
    return _as_list(pairs, _zipf(len(pairs), offset=3.0))
