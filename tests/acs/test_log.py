"""What is not on the lists cannot be logged, and what slips through is masked."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs import log, metrics

if TYPE_CHECKING:
    from collections.abc import Iterator

PAN = "4111111111111111"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Send the process's log to a buffer, as the service does with standard error."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.setup(stream=stream, strict=True)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    log.strict(on=True)


def only_line(lines: io.StringIO) -> dict[str, Any]:
    """Give the one line that was written."""
    (line,) = lines.getvalue().splitlines()
    return dict(json.loads(line))


def dropped() -> float:
    """Give how many lines were left out so far."""
    return metrics.REGISTRY.get_sample_value("acs_log_dropped_total") or 0.0


def test_an_event_is_one_json_object_on_one_line(lines: io.StringIO) -> None:
    log.event("service:started", pid=7, edge="ds")
    line = only_line(lines)

    assert line.pop("at").endswith("+00:00")
    assert line == {"level": "info", "event": "service:started", "pid": 7, "edge": "ds"}


@pytest.mark.parametrize(("name", "fields"), [("card:seen", {}), ("rreq:failed", {"phone": "1"})])
def test_in_tests_what_is_not_listed_is_an_error(
    lines: io.StringIO, name: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(log.Unlisted):
        log.event(name, **fields)
    assert lines.getvalue() == ""


@pytest.mark.parametrize(("name", "fields"), [("card:seen", {}), ("rreq:failed", {"phone": "1"})])
def test_in_production_it_is_left_out_and_counted(
    lines: io.StringIO, name: str, fields: dict[str, Any]
) -> None:
    before = dropped()
    log.strict(on=False)
    log.event(name, **fields)

    assert lines.getvalue() == ""
    assert dropped() == before + 1


def test_another_package_may_log_a_listed_event_by_the_standard_library(
    lines: io.StringIO,
) -> None:
    logging.getLogger("otp.gateways").info("smpp:bound", extra={"fields": {"provider": "one"}})

    assert only_line(lines)["provider"] == "one"


def test_free_text_of_our_own_packages_is_left_out(lines: io.StringIO) -> None:
    before = dropped()
    log.strict(on=False)
    logging.getLogger("enrollment").warning("card %s", PAN)

    assert lines.getvalue() == ""
    assert dropped() == before + 1


def test_a_librarys_text_and_arguments_are_never_written(lines: io.StringIO) -> None:
    logging.getLogger("some.package").warning("bad row %s", PAN)

    line = only_line(lines)
    assert (line["event"], line["logger"]) == ("library:record", "some.package")
    assert PAN[-6:] not in lines.getvalue()


def test_an_exception_is_told_by_type_and_place_only(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"canary {PAN}")
    except ValueError as error:
        log.event("work:failed", failure=error, source="results")

    line = only_line(lines)
    assert line["error"] == "ValueError"
    assert line["place"].startswith("test_log.py:")
    assert "canary" not in lines.getvalue()


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\x85", "\u2028"])
def test_a_value_cannot_begin_a_new_line(lines: io.StringIO, break_: str) -> None:
    log.event("edge:started", edge=f'ds{break_}{{"event":"forged"}}')

    assert len(lines.getvalue().splitlines()) == 1


def test_a_long_value_is_cut(lines: io.StringIO) -> None:
    log.event("edge:started", edge="x" * 10_000)

    assert len(only_line(lines)["edge"]) == 200


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (PAN, "411111******1111"),
        ("4111 1111 1111 1111", "411111******1111"),
        ("4111-1111-1111-1111", "411111******1111"),
        ("x-4111111111111111-y", "x-411111******1111-y"),
        ("4111111111111112", "4111111111111112"),  # fails the check: no card number
        ("378282246310005", "378282******0005"),
        ("code 123456", "code ******"),
        ("kod: 123456.", "kod: ******."),
        ('"otp": "123456"', '"otp": "******"'),
        ("amount 123456", "amount 123456"),
        ("11111111-1111-4111-8111-111111111111", "11111111-1111-4111-8111-111111111111"),
    ],
)
def test_the_last_line_of_defence(text: str, masked: str) -> None:
    assert log.mask(text) == masked


@pytest.mark.parametrize(
    ("field", "value", "written"),
    [
        ("count", int(PAN), "411111******1111"),
        ("pid", -int(PAN), "-411111******1111"),
        ("status", 0.4111111111111111, "0.411111******1111"),
        ("code", 123456, "******"),
        ("code", 101, 101),
    ],
)
def test_a_number_that_is_masked_leaves_the_line_readable(
    lines: io.StringIO, field: str, value: Any, written: object
) -> None:
    fields: dict[str, Any] = {field: value, "edge": "ds", "workers": 2}
    log.event("edge:started", **fields)

    line = only_line(lines)
    assert (line[field], line["edge"]) == (written, "ds")


PIECES = st.sampled_from(
    [PAN, *PAN, " ", "-", "Code", "KOD ", "pin=", "otp", "123456", "żółw", "\u0664", "x"]
)


@given(text=st.lists(PIECES, max_size=40).map("".join))
def test_looking_first_hides_no_less_than_masking_everything(text: str) -> None:
    everything = log._LONG_DIGITS.sub(log._mask_pan, text)
    everything = log._CODE_WORDS.sub(r"\1******", everything)

    assert log.mask(text) == everything


def test_the_request_at_work_is_named_in_its_lines(lines: io.StringIO) -> None:
    token = log.REQUEST_ID.set("request-0001")
    log.event("edge:started")
    log.REQUEST_ID.reset(token)

    assert only_line(lines)["request_id"] == "request-0001"


@given(
    event=st.sampled_from(sorted(log.EVENTS)),
    level=st.sampled_from([logging.DEBUG, logging.INFO, logging.ERROR]),
    fields=st.dictionaries(
        st.sampled_from(sorted(log.FIELDS - {"level"})),
        st.text(max_size=300)
        | st.lists(PIECES).map("".join)
        | st.integers()
        | st.sampled_from([int(PAN), 123456, 0.4111111111111111])
        | st.none(),
        max_size=5,
    ),
    fails=st.booleans(),
)
def test_a_line_written_at_once_is_the_line_of_a_record(
    event: str, level: int, fields: dict[str, Any], fails: bool
) -> None:
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    stream = io.StringIO()
    log.setup(stream=stream, strict=True)
    failure = ValueError("canary") if fails else None
    log.event(event, level=level, failure=failure, **fields)
    root.addHandler(logging.NullHandler())  # now the library has to pass records round
    log.event(event, level=level, failure=failure, **fields)
    root.handlers[:] = handlers
    root.setLevel(root_level)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.pop("at")[-6:] for line in lines] == ["+00:00"] * len(lines)
    assert len(lines) == (0 if level < logging.INFO else 2)
    assert lines[:1] == lines[1:]


def test_a_stream_that_takes_nothing_fails_nobody() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.setup(stream=stream, strict=True)
    stream.close()
    logging.raiseExceptions = False  # the library would tell standard error of it
    try:
        log.event("edge:started")
    finally:
        logging.raiseExceptions = True
        root.handlers[:] = handlers
        root.setLevel(level)


def test_no_field_is_named_for_what_must_not_be_logged() -> None:
    forbidden = ("pan", "phone", "msisdn", "otp", "pin", "password", "token", "cavv", "address")

    assert [field for field in log.FIELDS if any(word == field for word in forbidden)] == []


def test_events_are_nouns_and_past_verbs() -> None:
    assert [name for name in log.EVENTS if name.count(":") != 1 or name != name.lower()] == []
