"""The README of an extract, in Japanese or English: what it is, how to open it, what is forbidden.

Markdown for people who were not there when the permit was given. Not here: the text of the release itself (the
package brings its own README, which follows below).
"""

from collections.abc import Sequence

from catalog.access import Permit


def extract_readme(permit: Permit, files: Sequence[str], *, language: str, package_readme: str = "") -> str:
    """Return the README of a permit's extract.

    Args:
        permit: The permit it was made under.
        files: The sealed files.
        language: `ja` or `en`.
        package_readme: The release's own README in that language; it follows the extract's.
    """
    listed = "\n".join(f"- `{name}`" for name in files)
    if language == "ja":
        uses = "\n".join(f"- {use.ja}" for use in permit.prohibited_uses)
        text = _JA.format(permit=permit, files=listed, uses=uses)
    else:
        uses = "\n".join(f"- {use.en}" for use in permit.prohibited_uses)
        text = _EN.format(permit=permit, files=listed, uses=uses)
    return f"{text}\n---\n\n{package_readme}" if package_readme else text


_JA = """# 抽出データ {permit.id}

公開物 `{permit.release}` 版 {permit.release_version} の抽出データです。許可 `{permit.id}` にもとづき、
受領者 `{permit.recipient}`({permit.institution})の鍵で封をしてあります。

- 利用目的: {permit.purpose}
- 利用期間: {permit.valid_from} から {permit.expires_on} まで
- 受領者の鍵の指紋: `{permit.key_fingerprint}`

## 開き方

1. 改ざんがないことを確かめます: `niji extract verify このフォルダ --public-key 公開鍵.pem`
2. 自分の秘密鍵で開きます: `niji extract open このフォルダ --key 秘密鍵.sec --out 新しいフォルダ --public-key 公開鍵.pem`

署名用の公開鍵は、このフォルダとは別の経路で受け取ったものを使ってください。
封は Crypt4GH 形式です。`crypt4gh decrypt` など他の道具でも開けます。

## 入っているもの

{files}

- `dictionary.json`: 列の説明(日英)と、各列に施した処理
- `policy.json`: 公開ポリシー
- `evidence.json`: 安全性の証拠(手法、検査の結果)
- `permit.json`: 許可
- `manifest.json`, `manifest.sig.json`: 全ファイルの SHA-256 と署名

## 禁止される利用

{uses}

期間が終わったら、写しを含めてすべて消去し、消去を報告してください。
"""

_EN = """# Extract {permit.id}

An extract of release `{permit.release}` version {permit.release_version}, made under permit `{permit.id}` and sealed
to the key of recipient `{permit.recipient}` ({permit.institution}).

- Purpose: {permit.purpose}
- Period: {permit.valid_from} to {permit.expires_on}
- Fingerprint of the recipient's key: `{permit.key_fingerprint}`

## How to open it

1. Check that nothing was altered: `niji extract verify THIS_FOLDER --public-key PUBLIC_KEY.pem`
2. Open it with your secret key: `niji extract open THIS_FOLDER --key SECRET_KEY.sec --out NEW_FOLDER --public-key PUBLIC_KEY.pem`

Use a public key for the signature that reached you by another way than this folder.
The seal is Crypt4GH; other tools such as `crypt4gh decrypt` open it too.

## What is inside

{files}

- `dictionary.json`: every column in Japanese and English, and what was done to it
- `policy.json`: the release policy
- `evidence.json`: the evidence of safety (method, verdicts of the checks)
- `permit.json`: the permit
- `manifest.json`, `manifest.sig.json`: SHA-256 of every file, and the signature

## Prohibited uses

{uses}

When the period is over, delete everything including copies, and report the deletion.
"""
