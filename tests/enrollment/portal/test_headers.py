"""The portal is never framed, never kept by a browser, and runs no script."""

from __future__ import annotations

from enrollment.portal.headers import PAGE


def test_the_policy_allows_no_script_no_frame_and_no_other_site() -> None:
    policy = dict(one.strip().split(" ", 1) for one in PAGE["Content-Security-Policy"].split(";"))

    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }


def test_nothing_is_kept_and_forms_say_where_they_come_from() -> None:
    assert (PAGE["Cache-Control"], PAGE["Referrer-Policy"]) == ("no-store", "same-origin")
    assert (PAGE["X-Frame-Options"], PAGE["X-Content-Type-Options"]) == ("DENY", "nosniff")
