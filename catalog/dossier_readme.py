"""README.txt of a dossier: what it is and how to verify it, in both languages; with niji, and with openssl alone.

The shell lines are run by a test as they stand here.
"""

from catalog.dossier import Dossier
from catalog.manifest import PAYLOAD_TYPE

_SIGNATURE_TEXT = (
    '{"algorithm":"ed25519","format":"niji/signature/v1","key_id":"%s","payload_type":"%s","signature":"%s"}'
)
PLAIN_COMMANDS = f"""sha256sum --check --strict SHA256SUMS
grep -F "\\"path\\":\\"SHA256SUMS\\",\\"sha256\\":\\"$(sha256sum SHA256SUMS | cut -d' ' -f1)\\"" manifest.json > /dev/null && echo "SHA256SUMS: listed"
type="{PAYLOAD_TYPE}"
{{ printf 'DSSEv1 %d %s %d ' "${{#type}}" "$type" "$(($(wc -c < manifest.json)))"; cat manifest.json; }} > /tmp/niji-signed
sed 's/.*"signature":"\\([^"]*\\)".*/\\1/' manifest.sig.json | base64 -d > /tmp/niji-signature
id="ed25519:$(openssl pkey -pubin -in "$KEY" -outform DER | tail -c 32 | sha256sum | cut -c1-16)"
printf '{_SIGNATURE_TEXT}' "$id" "$type" "$(base64 -w0 /tmp/niji-signature)" | cmp - manifest.sig.json && echo "manifest.sig.json: exact"
openssl pkeyutl -verify -pubin -inkey "$KEY" -rawin -in /tmp/niji-signed -sigfile /tmp/niji-signature"""


def dossier_readme(dossier: Dossier, *, key_id: str) -> str:
    """Return the text of README.txt."""
    subject = dossier.subject
    commands = "\n".join(f"    {line}" for line in PLAIN_COMMANDS.splitlines())
    return _README.format(
        id=subject.id,
        version=subject.version,
        title_ja=subject.title.ja,
        title_en=subject.title.en,
        key_id=key_id,
        commands=commands,
    )


_README = """{title_ja} / {title_en}
Niji dossier of release {id} {version}

Read:    dossier.ja.html (日本語)  dossier.en.html (English)  dossier.json (machines; form: schema/dossier-v1.json)
         sheet.ja.html, sheet.en.html (and .txt): the policies, explained
         policies/: every policy that the release rests on, in the form that was signed
         approvals/: the signatures of people, where there are any
         dp_card/: of a differentially private release, its entry for the registry of deployments and a checklist


How to verify
-------------
The folder was signed by the platform key

    {key_id}

Take the platform's public key from somewhere else than this folder (keys/platform.pub.pem is a copy, for comparison).

1. With niji, on any machine, without a network:

    niji dossier verify FOLDER --key platform-public.pem

   It ends with 0 when everything holds, and with 14 when a byte, a file or a signature was changed. It checks this
   folder's signature and every file, the digests of the policies, and the signatures of people on them.

2. Without niji, in this folder (coreutils, OpenSSL 3; set KEY to the platform's public key):

    KEY=/path/to/platform-public.pem
{commands}

   Every file must be OK, SHA256SUMS listed, manifest.sig.json exact, and the last line must say "Signature Verified
   Successfully".
   A file that SHA256SUMS does not list (other than itself, manifest.json and manifest.sig.json) does not belong here.


確かめ方
--------
このフォルダは上記の鍵で署名されています。公開鍵は、このフォルダとは別の経路で受け取ったものを使ってください。

1. niji を使う場合(ネットワーク不要): 上の 1 の命令。すべて正しければ終了コード 0、1バイトでも変わっていれば 14 です。
2. niji を使わない場合: 上の 2 の命令をこのフォルダで順に実行します。
   すべてのファイルが OK、「SHA256SUMS: listed」「manifest.sig.json: exact」、最後の行が "Signature Verified Successfully" であれば正しい書類です。
"""
