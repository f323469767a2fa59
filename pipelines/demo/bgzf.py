"""Write BGZF, the blocked gzip of VCF files: any gzip reader reads it, and tabix can index it.

Source: SAM/BAM format specification, section 4.1 (samtools/hts-specs, SAMv1).
"""

import struct
import zlib
from typing import BinaryIO, Self

_BLOCK_BYTES = 65_280
_END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


class BgzfWriter:
    """A sink for bytes that writes BGZF blocks; no name and no time in the headers, so equal bytes give equal files."""

    def __init__(self, sink: BinaryIO, *, level: int = 4) -> None:
        self._sink = sink
        self._level = level
        self._waiting = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes; whole blocks are written at once."""
        self._waiting += data
        whole = len(self._waiting) // _BLOCK_BYTES * _BLOCK_BYTES
        for start in range(0, whole, _BLOCK_BYTES):
            self._block(bytes(self._waiting[start : start + _BLOCK_BYTES]))
        del self._waiting[:whole]

    def close(self) -> None:
        """Write what waits and the end-of-file mark; the sink stays open."""
        if self._waiting:
            self._block(bytes(self._waiting))
            self._waiting.clear()
        self._sink.write(_END_OF_FILE)

    def _block(self, data: bytes) -> None:
        packer = zlib.compressobj(self._level, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush()
        head = struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(packed) + 25)
        self._sink.write(head + packed + struct.pack("<2I", zlib.crc32(data), len(data)))
