"""Refusals are values with stable names."""

from __future__ import annotations

from enrollment.identifiers import IdentifierFault
from enrollment.phones import PhoneFault
from enrollment.refusals import Done, Refusal, RefusalCode


def test_the_faults_of_numbers_are_reasons_of_refusal() -> None:
    faults = {fault.value for fault in (*PhoneFault, *IdentifierFault)}

    assert faults <= {code.value for code in RefusalCode}


def test_a_refusal_is_equal_to_another_of_the_same_reason() -> None:
    assert Refusal(RefusalCode.LUHN, "pan") == Refusal(RefusalCode.LUHN, "pan")
    assert Refusal(RefusalCode.LUHN, "pan") != Refusal(RefusalCode.LUHN)


def test_what_was_done_is_not_new_unless_said() -> None:
    assert Done(1) == Done(1, version=None, created=False)
