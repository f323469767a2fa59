"""The code by which an asker of the portal opens an answer: it is a key pair, so that owning the answer is having the code.

The portal has no log-in. It makes a code of 160 random bits, shows it once, and keeps only the public key that follows from
it; the answer is sealed to that key (Crypt4GH), so neither the catalog's database nor its operators read it. Who loses the
code loses the answer, and asks again at no cost. Not here: who may ask, what is asked (`question_desk.py`).
"""

import secrets
import unicodedata
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from catalog.sealing import fingerprint
from catalog.secret import Secret
from policies.errors import NotPermittedError

_BYTES = 20
_GROUP = 4
_PURPOSE = b"niji/question-claim/v1"


@dataclass(frozen=True, slots=True)
class Claim:
    """A code and the key pair that follows from it; `owner` is the fingerprint under which questions are found."""

    code: str
    public_key: bytes
    secret_key: Secret

    @property
    def owner(self) -> str:
        """The fingerprint of the public key; it tells nothing of the code."""
        return fingerprint(self.public_key)

    def __repr__(self) -> str:
        """Return a text without the code."""
        return "Claim(<secret>)"


def new_claim() -> Claim:
    """Make a code of 160 bits from the operating system's randomness."""
    return _claim(secrets.token_bytes(_BYTES))


def read_claim(text: str) -> Claim:
    """Return the claim of a code as somebody typed it: any width and case, with or without hyphens and spaces.

    Raises:
        NotPermittedError: It is no code. Whether a question hangs on it is not said here.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    letters = "".join(letter for letter in plain if not letter.isspace() and letter not in "-‐‑–—−ー")
    try:
        seed = b32decode(letters)
    except (NotBase32, ValueError):
        seed = b""
    if len(seed) != _BYTES:
        raise no_such_claim()
    return _claim(seed)


def no_such_claim() -> NotPermittedError:
    """Return the refusal of a code that is none, or on which no question hangs: the same for both."""
    return NotPermittedError(
        "question.claim",
        what="the code opens no question",
        why="an answer is its asker's, who has the code that was shown when it was asked",
        fix="write the code as it was shown, or ask again: the same question costs nothing",
    )


def _claim(seed: bytes) -> Claim:
    derived = HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(seed)
    public = X25519PrivateKey.from_private_bytes(derived).public_key()
    plain = b32encode(seed).decode("ascii")
    code = "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))
    return Claim(code, public.public_bytes(Encoding.Raw, PublicFormat.Raw), Secret(derived))
