"""Common Japanese surnames with their readings, to tell a column of names and a name in a sentence.

Written from general knowledge, most common first; about half of all people bear one of these. Absence proves nothing.
Surnames that are also everyday words of records (原因 begins with 原) are told apart by what stands around them.
"""

from functools import cache

_TABLE = """
佐藤サトウ 鈴木スズキ 高橋タカハシ 髙橋タカハシ 田中タナカ 伊藤イトウ 伊東イトウ 渡辺ワタナベ 渡邊ワタナベ 渡邉ワタナベ 渡部ワタナベ
山本ヤマモト 中村ナカムラ 小林コバヤシ 加藤カトウ 吉田ヨシダ 𠮷田ヨシダ 山田ヤマダ 佐々木ササキ 山口ヤマグチ 松本マツモト 井上イノウエ
木村キムラ 林ハヤシ 斎藤サイトウ 齋藤サイトウ 斉藤サイトウ 齊藤サイトウ 清水シミズ 山崎ヤマザキ 山﨑ヤマザキ 森モリ 阿部アベ 安部アベ 安倍アベ
池田イケダ 橋本ハシモト 山下ヤマシタ 石川イシカワ 中島ナカジマ 前田マエダ 藤田フジタ 後藤ゴトウ 小川オガワ 岡田オカダ 村上ムラカミ
長谷川ハセガワ 近藤コンドウ 石井イシイ 坂本サカモト 遠藤エンドウ 青木アオキ 藤井フジイ 西村ニシムラ 福田フクダ 太田オオタ 三浦ミウラ
藤原フジワラ 松田マツダ 岡本オカモト 中川ナカガワ 中野ナカノ 原田ハラダ 小野オノ 田村タムラ 竹内タケウチ 金子カネコ 和田ワダ 中山ナカヤマ
石田イシダ 上田ウエダ 森田モリタ 原ハラ 柴田シバタ 酒井サカイ 工藤クドウ 横山ヨコヤマ 宮崎ミヤザキ 宮本ミヤモト 内田ウチダ 高木タカギ
安藤アンドウ 谷口タニグチ 大野オオノ 丸山マルヤマ 今井イマイ 高田タカダ 河野コウノ 藤本フジモト 村田ムラタ 武田タケダ 上野ウエノ 杉山スギヤマ
増田マスダ 平野ヒラノ 大塚オオツカ 千葉チバ 久保クボ 松井マツイ 小島コジマ 岩崎イワサキ 桜井サクライ 櫻井サクライ 野口ノグチ 松尾マツオ
野村ノムラ 木下キノシタ 菊地キクチ 菊池キクチ 佐野サノ 大西オオニシ 杉本スギモト 新井アライ 荒井アライ 浜田ハマダ 濱田ハマダ 菅原スガワラ
市川イチカワ 水野ミズノ 小松コマツ 島田シマダ 古川フルカワ 小山コヤマ 高野タカノ 西田ニシダ 山内ヤマウチ 西川ニシカワ 五十嵐イガラシ 北村キタムラ
安田ヤスダ 中田ナカタ 川口カワグチ 平田ヒラタ 川崎カワサキ 飯田イイダ 吉川ヨシカワ 本田ホンダ 久保田クボタ 沢田サワダ 澤田サワダ 辻ツジ 関セキ
岩田イワタ 吉村ヨシムラ 樋口ヒグチ 秋山アキヤマ 福島フクシマ 永井ナガイ 服部ハットリ 中西ナカニシ 須藤スドウ 田口タグチ 川村カワムラ 大橋オオハシ
石原イシハラ 荒木アラキ 松岡マツオカ 浅野アサノ 土屋ツチヤ 矢野ヤノ 尾崎オザキ 小池コイケ 早川ハヤカワ 片山カタヤマ 星野ホシノ 大久保オオクボ
大島オオシマ 本間ホンマ 堀ホリ 小田オダ 望月モチヅキ 永田ナガタ 今野コンノ 熊谷クマガイ 高山タカヤマ 馬場ババ 松村マツムラ 秋元アキモト
内藤ナイトウ 黒田クロダ 大川オオカワ 三宅ミヤケ 関口セキグチ 栗原クリハラ 東ヒガシ 奥村オクムラ 岡崎オカザキ 成田ナリタ 小西コニシ 本多ホンダ
河合カワイ 桑原クワバラ 広瀬ヒロセ 松下マツシタ 西山ニシヤマ 大山オオヤマ 川上カワカミ 水谷ミズタニ 平井ヒライ 小野寺オノデラ 植田ウエダ
萩原ハギワラ 白石シライシ 篠原シノハラ 大谷オオタニ 吉岡ヨシオカ 上村カミムラ 町田マチダ 青山アオヤマ 神田カンダ 山中ヤマナカ 松浦マツウラ
小原オバラ 横田ヨコタ 川島カワシマ 石橋イシバシ 児玉コダマ 宮田ミヤタ 古賀コガ 三上ミカミ 飯塚イイヅカ 津田ツダ 藤川フジカワ 大石オオイシ
根本ネモト 小沢オザワ 小澤オザワ 金田カネダ 山根ヤマネ 松永マツナガ 鎌田カマタ 庄司ショウジ 大友オオトモ 及川オイカワ 早坂ハヤサカ 佐久間サクマ
守屋モリヤ 古屋フルヤ 増子マシコ 益子マシコ 佐竹サタケ 村山ムラヤマ 堀内ホリウチ 榎本エノモト 塚本ツカモト 野田ノダ 西尾ニシオ 中井ナカイ 大木オオキ 川田カワタ
"""

_KANA = "ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロワヲンヴ"
_HIRAGANA = str.maketrans({kana: chr(ord(kana) - 0x60) for kana in _KANA})
_ROMAJI_PAIRS = {
    "シャ": "sha", "シュ": "shu", "ショ": "sho", "チャ": "cha", "チュ": "chu", "チョ": "cho", "ジャ": "ja", "ジュ": "ju", "ジョ": "jo",
    "キョ": "kyo", "リョ": "ryo", "ギョ": "gyo", "ビョ": "byo",
}  # fmt: skip
_SINGLE = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワンガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポ"
_SOUNDS = (
    "a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho ma mi mu me mo ya yu yo ra ri ru"
    " re ro wa n ga gi gu ge go za ji zu ze zo da ji zu de do ba bi bu be bo pa pi pu pe po"
)
_ROMAJI = dict(zip(_SINGLE, _SOUNDS.split(), strict=True))


def _entries() -> list[tuple[str, str]]:
    entries = []
    for word in _TABLE.split():
        split = next(at for at, letter in enumerate(word) if letter in _KANA)
        entries.append((word[:split], word[split:]))
    return entries


@cache
def kanji_surnames() -> frozenset[str]:
    """Return the surnames as written."""
    return frozenset(kanji for kanji, _ in _entries())


@cache
def kana_surnames() -> frozenset[str]:
    """Return their readings in katakana."""
    return frozenset(kana for _, kana in _entries())


@cache
def hiragana_surnames() -> frozenset[str]:
    """Return their readings in hiragana."""
    return frozenset(kana.translate(_HIRAGANA) for kana in kana_surnames())


@cache
def romaji_surnames() -> frozenset[str]:
    """Return their readings in lower-case Hepburn romaji, long vowels with and without their second letter."""
    spelled = {_romaji(kana) for kana in kana_surnames()}
    return frozenset(spelled | {word.replace("ou", "o").replace("oo", "o").replace("uu", "u") for word in spelled})


def _romaji(kana: str) -> str:
    for pair, letters in _ROMAJI_PAIRS.items():
        kana = kana.replace(pair, letters)
    spelled = ""
    is_doubled = False
    for letter in kana:
        if letter == "ッ":
            is_doubled = True
            continue
        sound = _ROMAJI.get(letter, letter)
        spelled += sound[0] + sound if is_doubled else sound
        is_doubled = False
    return spelled
