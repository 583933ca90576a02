"""Each law of a run finds what breaks it; a run that was well has nothing to find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loadtests.chaos import laws
from loadtests.chaos.parties import Ledger
from loadtests.chaos.people import COUNT_DAY, everybody
from tests.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ID = "11111111-1111-4111-8111-111111111111"
_SHOP = "22222222-2222-4222-8222-222222222222"
_ROW = laws.Row(_ID, _SHOP, "C", "Y", 1, "delivered", "used", 1, "01", 1, has_session=True)
_NATIVE = {"acsInterface": "01", "acsUiTemplate": "01"}


def _well() -> Ledger:
    ledger = Ledger()
    ares: dict[str, object] = {
        "acsTransID": _ID, "threeDSServerTransID": _SHOP, "transStatus": "C",
        "acsRenderingType": dict(_NATIVE),
    }  # fmt: skip
    rreq: dict[str, object] = {
        "acsTransID": _ID, "transStatus": "Y", "authenticationValue": "A",
        "acsRenderingType": dict(_NATIVE),
    }  # fmt: skip
    ledger.asked[_SHOP] = {"acctNumber": everybody(1)[0].pan, "purchaseAmount": "1000"}
    ledger.answered[_SHOP] = [ares, dict(ares)]
    ledger.heard[_ID] = [b"rreq", b"rreq"]
    ledger.accepted[_ID] = rreq
    ledger.typed_right.add(_ID)
    ledger.finals[_ID] = [{"transStatus": "Y"}, {"transStatus": "Y"}]
    ledger.entries[_ID], ledger.read_in_apps = 1, 4
    ledger.answers_to |= {f"{_ID} 000": ["screen", "screen"], f"{_ID} 001": ["Y", "Y"]}
    return ledger


_LOOKS: dict[str, tuple[Callable[..., laws.Law], Callable[[Ledger], Any], dict[str, Any]]] = {
    "not stored": (laws.stored, lambda _: None, {"acs_trans_id": "other"}),
    "stored as another": (laws.stored, lambda _: None, {"trans_status": "N"}),
    "two answers": (
        laws.same_answer,
        lambda ledger: ledger.answered[_SHOP].append({"acsTransID": "other"}),
        {},
    ),
    "no outcome": (laws.one_result, lambda _: None, {"outcome": None}),
    "no result": (laws.one_result, lambda _: None, {"result": None}),
    "result on its way": (laws.one_result, lambda _: None, {"result": "sending"}),
    "told another": (laws.told_as_decided, lambda _: None, {"outcome": "N"}),
    "delivered to nobody": (laws.delivered_is_true, lambda ledger: ledger.accepted.clear(), {}),
    "another RReq": (
        laws.repeats_are_identical,
        lambda ledger: ledger.heard[_ID].append(b"other"),
        {},
    ),
    "Y without a code": (laws.y_was_verified, lambda ledger: ledger.typed_right.clear(), {}),
    "Y shown only": (laws.shown_is_told, lambda ledger: ledger.accepted.clear(), {}),
    "N told, Y shown": (
        laws.shown_is_told,
        lambda ledger: ledger.accepted[_ID].update(transStatus="N"),
        {},
    ),
    "its session is lost": (laws.promised_to_apps, lambda _: None, {"has_session": False}),
    "not told how it was shown": (
        laws.rendered,
        lambda ledger: ledger.accepted[_ID].pop("acsRenderingType"),
        {},
    ),
    "shown otherwise than told": (
        laws.rendered,
        lambda ledger: ledger.accepted[_ID].update(
            acsRenderingType={**_NATIVE, "acsInterface": "02"}
        ),
        {},
    ),
    "the same code compared twice": (laws.worked_once, lambda _: None, {"tries": 2}),
    "a code for each repeat": (laws.worked_once, lambda _: None, {"code_seq": 2}),
    "a screen, then the end": (
        laws.answered_alike,
        lambda ledger: ledger.answers_to[f"{_ID} 001"].append("screen"),
        {},
    ),
    "Y after the SDK gave up": (laws.given_up, lambda ledger: ledger.gave_up.add(_ID), {}),
    "an answer that no SDK takes": (
        laws.taken_by_sdks,
        lambda ledger: ledger.refused_by_sdks.append("CRes: 302"),
        {},
    ),
    "an end for a late copy": (
        laws.none_refused,
        lambda _: None,
        {"outcome_name": "creq_refused"},
    ),
    "Y without a value": (
        laws.value_with_y_only,
        lambda ledger: ledger.accepted[_ID].pop("authenticationValue"),
        {},
    ),
    "a fourth try": (laws.tries, lambda _: None, {"attempts": 4}),
    "another last page": (
        laws.final_pages,
        lambda ledger: ledger.finals[_ID].append({"transStatus": "N"}),
        {},
    ),
}


@pytest.mark.parametrize("what", _LOOKS)
def test_what_breaks_a_law_is_found(what: str) -> None:
    look, spoil, changes = _LOOKS[what]
    assert look(_well(), {_ID: _ROW}).broken == []
    ledger = _well()
    spoil(ledger)
    row = replace(_ROW, **changes)
    assert look(ledger, {row.acs_trans_id: row}).broken != []


def test_a_limit_that_was_passed_is_found() -> None:
    ledger, holders = _well(), everybody(1)
    assert laws.limits(ledger, holders).broken == []
    for number in range(COUNT_DAY):
        shop = f"shop-{number}"
        ledger.asked[shop] = ledger.asked[_SHOP]
        ledger.answered[shop] = [
            {"acsTransID": shop, "threeDSServerTransID": shop, "transStatus": "Y"}
        ]
    assert len(laws.limits(ledger, holders).broken) == 1


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ('{"event": "request:failed", "error": "KeyError"}', True),
        ('{"event": "alarm:raised", "alarm": "event_not_expected"}', True),
        ('{"event": "work:failed", "error": "KeyError", "source": "sms"}', True),
        ("Traceback (most recent call last):", True),
        ('{"event": "work:failed", "error": "Unavailable", "source": "sms"}', False),
        ('{"event": "work:failed", "source": "worker", "status": -9}', False),
        ('{"event": "alarm:raised", "alarm": "sms_merchant"}', False),
        ("acs: cannot start: no database", False),
        ('{"event": "request:fai', False),
    ],
)
def test_a_failure_that_nobody_foresaw_is_found(
    tmp_path: Path, line: str, *, is_fault: bool
) -> None:
    log = tmp_path / "a.log"
    log.write_text(f"{line}\n")
    assert (laws.foreseen([log]).broken != []) == is_fault


@pytest.mark.parametrize("secret", ["pan", "phone", "code"])
def test_a_number_in_a_log_is_found(tmp_path: Path, secret: str) -> None:
    ledger, holder = _well(), everybody(1)[0]
    ledger.codes["1"].append("482611")
    text = {"pan": holder.pan, "phone": holder.phone, "code": "482611"}[secret]
    log = tmp_path / "a.log"
    log.write_text('{"at":"2026-11-25T12:00:00.482Z","pid":482611,"event":"sms:sent"}\n')
    assert laws.logs(ledger, [holder], [log]).broken == []
    log.write_text(f'{{"event":"sms:sent","reason":"to {text}"}}\n')
    assert laws.logs(ledger, [holder], [log]).broken != []


def test_an_acquirer_s_number_in_a_log_is_no_code(tmp_path: Path) -> None:
    ledger, holder = _well(), everybody(1)[0]
    ledger.codes["1"].append("400551")
    log = tmp_path / "a.log"
    log.write_text('{"event":"alarm:raised","alarm":"sms_acquirer","source":"400551"}\n')
    assert laws.logs(ledger, [holder], [log]).broken != []
    ledger.asked["1"] = {"acquirerBIN": "400551"}
    assert laws.logs(ledger, [holder], [log]).broken == []


def test_what_fails_without_memory_is_foreseen_only_while_there_is_none(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    failed = (
        '{"at":"2026-11-25T12:00:%02d.000+00:00","event":"request:failed","error":"MemoryError"}'
    )
    log.write_text("".join(f"{failed % second}\nTraceback (most\n" for second in (1, 5, 9)))
    span = ("2026-11-25T12:00:04.000+00:00", "2026-11-25T12:00:06.000+00:00")
    assert len(laws.foreseen([log]).broken) == 6
    assert len(laws.foreseen([log], [span]).broken) == 4


def test_a_fault_that_nobody_felt_is_a_promise_broken() -> None:
    felt = {"kill -9 PostgreSQL": 2, "sms: cut": 0}
    assert laws.promised(["kill -9 PostgreSQL"], felt).broken == []
    assert laws.promised(["kill -9 PostgreSQL", "sms: cut", "sms: slow"], felt).broken == [
        "sms: cut",
        "sms: slow",
    ]
