"""An Erro is read as far as it is usable, whatever is in it; only another type is refused."""

from __future__ import annotations

from schemas.json_reader import NotAMessage, read_object
from schemas.messages import read_erro
from tests.fuzz.targets.messages import settle


def check(data: bytes) -> None:
    """Read as an Erro."""
    reading = settle("Erro", lambda: read_erro(data), data)
    try:
        is_erro = read_object(data).message.get("messageType") == "Erro"
    except NotAMessage:
        is_erro = False
    assert (reading is not None) == is_erro
