"""All message tables by messageType, and the tables of what travels beside them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.field import ObjectOf, ObjectsOf
from schemas.messages.areq import AREQ
from schemas.messages.ares import ARES
from schemas.messages.beside import BESIDE
from schemas.messages.creq import CREQ
from schemas.messages.cres import CRES
from schemas.messages.erro import ERRO
from schemas.messages.rreq import RREQ
from schemas.messages.rres import RRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from schemas.field import Table

TABLES: Final[Mapping[str, Table]] = {
    table.name: table for table in (AREQ, ARES, CREQ, CRES, RREQ, RRES, ERRO)
}
EVERY_TABLE: Final[Mapping[str, Table]] = {**TABLES, **BESIDE}


def open_elements() -> frozenset[str]:
    """Give the elements, dotted, whose lists a Directory Server may extend by codes 80-99.

    deviceChannel is none of them: what a fourth channel carries no table can say.
    """
    return frozenset(name for table in TABLES.values() for name in _open_names(table, "")) - {
        "deviceChannel"
    }


def _open_names(table: Table, prefix: str) -> Iterator[str]:
    for row in table.rows:
        if isinstance(row.shape, (ObjectOf, ObjectsOf)):
            yield from _open_names(row.shape.table, f"{prefix}{row.name}.")
        elif any(row.shape.at(version).is_open for version in row.versions):
            yield prefix + row.name
