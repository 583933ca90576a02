"""A body on its way in, kept sealed in a file that has no name: large, and never in memory whole.

Laws: nothing of it stands on a disk in clear (PCI DSS 3.5.1 counts temporary files); the file is
gone with the process or with ``close``; it is read once, from the beginning, piece by piece. A
piece that was added is with the system, not in a buffer: what the disk does not take is told while
the caller can still be told.
"""

from __future__ import annotations

import errno
import io
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from schemas.vault import Vault

_LENGTH_BYTES = 4
_PLACE = "enrollment.import.spool"


class Spool(io.RawIOBase):
    """Takes pieces, then gives them back as a stream of bytes; blocking, for a thread."""

    def __init__(self, vault: Vault, name: str) -> None:
        """Begin empty; ``name`` binds the pieces to this spool. Raises OSError."""
        super().__init__()
        self._vault, self._name = vault, name
        self._file = _file()
        self._added = self._given = 0
        self._rest = b""

    def add(self, piece: bytes) -> None:
        """Keep one more piece. Raises OSError."""
        sealed = self._vault.seal(piece, self._place(self._added))
        left = memoryview(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        while left:  # a disk that is nearly full takes a part, and says so the next time
            left = left[self._file.write(left) :]
        self._added += 1

    def lines(self) -> io.BufferedReader:
        """Give all of it from the beginning, to be read by lines."""
        self._file.seek(0)
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer from the next piece; 0 at the end. Raises CannotOpen."""
        while not self._rest and self._given < self._added:
            size = int.from_bytes(self._file.read(_LENGTH_BYTES), "big")
            self._rest = self._vault.open(self._file.read(size), self._place(self._given))
            self._given += 1
        view = memoryview(buffer).cast("B")
        given = self._rest[: len(view)]
        view[: len(given)] = given
        self._rest = self._rest[len(given) :]
        return len(given)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        super().close()

    def _place(self, number: int) -> str:
        return f"{_PLACE}|{self._name}|{number}"


def _file() -> io.FileIO:
    """Make a file without a name and without a buffer. Raises OSError."""
    try:
        return tempfile.TemporaryFile(buffering=0)
    except FileNotFoundError as error:  # the library's word when it could write in no folder
        raise OSError(errno.ENOSPC, "no folder takes a temporary file") from error
