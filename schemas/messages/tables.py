"""All message tables by messageType, and the tables of what travels beside them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.messages.areq import AREQ
from schemas.messages.ares import ARES
from schemas.messages.beside import BESIDE
from schemas.messages.creq import CREQ
from schemas.messages.cres import CRES
from schemas.messages.erro import ERRO
from schemas.messages.rreq import RREQ
from schemas.messages.rres import RRES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.field import Table

TABLES: Final[Mapping[str, Table]] = {
    table.name: table for table in (AREQ, ARES, CREQ, CRES, RREQ, RRES, ERRO)
}
EVERY_TABLE: Final[Mapping[str, Table]] = {**TABLES, **BESIDE}
