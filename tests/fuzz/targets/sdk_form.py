"""A form that an SDK caught is read, whatever it holds: an entry or the wish for a new code."""

from __future__ import annotations

from urllib.parse import urlencode

from acs.challenge.sdk import Enters, Resends, Said, form_of, said

_LONGEST = 256
"""Characters of challengeHTMLDataEntry [rule 6.32]."""


def check(data: bytes) -> None:
    """Read the text as a query, then as what somebody typed into our own form."""
    text = data.decode("utf-8", "replace")[:_LONGEST]
    found = _said(text)
    fields = form_of(text)
    assert isinstance(found.wish, Resends) == (fields.get("do") == "resend")
    assert found.trusts == (fields.get("trust") == "Y")
    for value in fields.values():
        assert len(value.encode()) <= len(text.encode())
    typed = {"pin": text[::2], "otp": text[1::2]}
    for trust in ({}, {"trust": "Y"}):
        assert form_of(urlencode({**typed, **trust, "do": "verify"})) == {
            **typed,
            **trust,
            "do": "verify",
        }


def _said(query: str) -> Said:
    found = said({"challengeHTMLDataEntry": query}, html=True)
    assert isinstance(found.wish, Enters | Resends)
    if isinstance(found.wish, Enters):
        for secret in (found.wish.entry, found.wish.pin):
            assert f"{secret!r}" == "***"
            secret.reveal().encode()
    return found
