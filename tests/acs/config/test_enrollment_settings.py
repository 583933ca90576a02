"""The issuer's side: a portal knows whether browsers reach it by https."""

from __future__ import annotations

from pathlib import Path

import pytest

from acs.config.enrollment_settings import Portal


@pytest.mark.parametrize(
    ("portal", "is_secure"),
    [
        (Portal(), False),
        (Portal(public_url="http://127.0.0.1:8084"), False),
        (Portal(public_url="https://cards.bank.example"), True),
        (Portal(tls_cert=Path("portal.pem")), True),
    ],
)
def test_a_portal_knows_whether_browsers_reach_it_by_https(portal: Portal, is_secure: bool) -> None:
    assert portal.is_secure is is_secure
