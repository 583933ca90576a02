"""The benchmark of the app channel's cryptography measures what it says."""

from __future__ import annotations

from loadtests.micro.app_channel import measured, works


def test_what_is_measured_succeeds_in_both_implementations() -> None:
    for ours, theirs in works().values():
        assert ours()
        assert theirs is None or theirs()


def test_each_step_of_a_challenge_is_measured() -> None:
    found = measured(rounds=1, calls=1)

    assert {name.split(",")[0].split(":")[0] for name in found} == {
        "sign", "agree", "open a CReq", "seal a CRes",
    }  # fmt: skip
    assert all(us > 0 for us, _ in found.values())
