"""Retention: evidence is never kept for less than a payment may be denied."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from acs import policies
from acs.config import rules
from acs.config.retention_settings import Retention
from acs.config.settings import Settings
from acs.ports import Retention as Kept


def test_evidence_is_kept_for_thirteen_months_at_least() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"evidence_days": 395}, Retention)
    assert msgspec.convert({"evidence_days": 396}, Retention).evidence_days == 396


def test_the_log_is_kept_as_long_as_the_evidence_that_it_proves() -> None:
    for given in (Retention(evidence_days=4000), Retention(evidence_days=400, audit_days=4000)):
        kept = policies.retention(Settings(retention=given))
        assert kept.audit == timedelta(days=4000)
        assert rules.judge(Settings(profile="demo", retention=given)) == ()
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"audit_days": 395}, Retention)
    short = Settings(profile="demo", retention=Retention(evidence_days=400, audit_days=399))
    (sentence,) = rules.judge(short)
    assert sentence.startswith("retention.audit_days must not be below retention.evidence_days")


def test_the_settings_and_the_flows_keep_alike_when_nothing_is_said() -> None:
    assert policies.retention(Settings()) == Kept()


def test_each_kind_has_its_own_time() -> None:
    given = Retention(transactions_days=31, messages_days=32, visitors_days=33, evidence_days=400)
    kept = policies.retention(Settings(retention=given))
    assert (kept.transactions, kept.messages, kept.visitors, kept.evidence) == tuple(
        timedelta(days=days) for days in (31, 32, 33, 400)
    )
