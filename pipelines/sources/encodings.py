"""Declared encodings: opening text as declared, and proof from the first bytes that the declaration is wrong.

Only proof refuses a file: a byte-order mark, the escape sequences of ISO-2022-JP, a first line that does not decode,
text that is plainly UTF-8. What is merely odd is read as declared, and rows that do not decode go to quarantine.
"""

import io
import re
from typing import BinaryIO, cast

from pipelines.sources.landing import LandedFile
from policies.errors import DataError
from policies.model.source import Encoding

HEAD_BYTES = 1 << 16

_CODECS = {
    Encoding.UTF_8: "utf-8",
    Encoding.UTF_8_BOM: "utf-8-sig",
    Encoding.CP932: "cp932",
    Encoding.SHIFT_JIS: "shift_jis",
    Encoding.EUC_JP: "euc_jp",
}
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Escape sequences that switch to two-byte characters. Source: RFC 1468 (ISO-2022-JP).
_ISO_2022 = (b"\x1b$B", b"\x1b$@")
# Kana, kanji and full-width forms are three bytes in UTF-8, E3 to EF; four in a row of valid text are no accident.
_THREE_BYTES = re.compile(rb"[\xe3-\xef][\x80-\xbf]{2}")
_PROOF_ROWS = 3


class _Watcher(io.RawIOBase):
    """Bytes of a stream; remembers whether a NUL went by."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream
        self.saw_nul = b"\0" in head

    def readable(self) -> bool:
        """Say that bytes can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill `buffer`, first from the head that was already read."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase leaves the buffer's type open
        if self._head:
            chunk, self._head = self._head[: len(view)], self._head[len(view) :]
        else:
            chunk = self._stream.read(len(view))
            self.saw_nul = self.saw_nul or b"\0" in chunk
        view[: len(chunk)] = chunk
        return len(chunk)


class DecodedText:
    """Lines of a stream, decoded as declared; bytes that do not decode become lone surrogates.

    Args:
        stream: Unpacked bytes.
        file: Their file.
        encoding: The declared encoding.

    Raises:
        DataError: `data.wrong-encoding`: the first bytes prove that the declaration is wrong.
    """

    def __init__(self, stream: BinaryIO, *, file: LandedFile, encoding: Encoding) -> None:
        head = stream.read(HEAD_BYTES)
        check_encoding(head, file=file, encoding=encoding)
        self.is_empty = not head or (encoding is Encoding.UTF_8_BOM and head == _UTF8_MARK)
        self._watcher = _Watcher(head, stream)
        self.lines = io.TextIOWrapper(
            cast(BinaryIO, io.BufferedReader(self._watcher, 1 << 18)),
            encoding=_CODECS[encoding],
            errors="surrogateescape",
            newline="",
        )

    @property
    def saw_nul(self) -> bool:
        """Whether a NUL byte has gone by so far."""
        return self._watcher.saw_nul


def check_encoding(head: bytes, *, file: LandedFile, encoding: Encoding) -> None:
    """Refuse a file whose first bytes prove that its encoding is not the declared one.

    Raises:
        DataError: `data.wrong-encoding`, with the line that proves it.
    """
    if head.startswith(_UTF16_MARKS) or head[:64].count(b"\0") * 3 > len(head[:64]):
        raise _wrong(file, encoding, 1, "its first bytes are those of UTF-16", "convert it to UTF-8 on landing")
    if head.startswith(_UTF8_MARK) and encoding is not Encoding.UTF_8_BOM:
        raise _wrong(file, encoding, 1, "it starts with the byte-order mark of UTF-8", "declare `encoding: utf-8-bom`")
    for mark in _ISO_2022:
        if mark in head:
            line = head[: head.index(mark)].count(b"\n") + 1
            raise _wrong(
                file, encoding, line, "it holds escape sequences of ISO-2022-JP", "convert it to UTF-8 on landing"
            )
    _check_lines(head, file=file, encoding=encoding)


def _check_lines(head: bytes, *, file: LandedFile, encoding: Encoding) -> None:
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1]
    is_utf8 = encoding in (Encoding.UTF_8, Encoding.UTF_8_BOM)
    if not is_utf8 and len(_THREE_BYTES.findall(whole)) >= 4 and _decodes(whole, "utf-8"):
        raise _wrong(file, encoding, 1, "its text is UTF-8", "declare `encoding: utf-8`")
    beyond_ascii, failing = 0, []
    for number, line in enumerate(whole.split(b"\n"), start=1):
        if line.isascii():
            continue
        beyond_ascii += 1
        if not _decodes(line, _CODECS[encoding]):
            failing.append(number)
    is_first = failing[:1] == [1]
    if is_first or (len(failing) >= _PROOF_ROWS and len(failing) * 2 > beyond_ascii):
        fix = (
            "declare the encoding the file was exported in (Japanese exports are often cp932)"
            if is_utf8
            else ("declare the encoding the file was exported in (utf-8, euc-jp)")
        )
        raise _wrong(file, encoding, failing[0], "its bytes do not decode", fix)


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _wrong(file: LandedFile, encoding: Encoding, line: int, what: str, fix: str) -> DataError:
    return DataError(
        "data.wrong-encoding",
        what=f"the file is not {encoding.value}: {what}",
        why="the encoding is declared and never guessed; a wrong one turns names and codes into other text",
        fix=fix,
        where=file.at(line),
    )
