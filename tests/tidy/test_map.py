"""Every module has a test module at its own path, and every test module a module it tests."""

from __future__ import annotations

from pathlib import PurePath

from tests.tidy.tree import PACKAGES, ROOT, name, python_files

_STORY = "runs whole, over HTTP and PostgreSQL, in tests/story and tests/demo"
_SQL = "its statements are prepared in tests/db and run by the stories, races included"
_SET = "runs whole against the demo in tests/demo/test_conformance.py"
_BENCH = "runs whole in `make bench`, where every answer and row is counted"
# Modules without a test module of their own, each with the reason. A module that gets one is taken
# off here.
WITHOUT: dict[str, str] = {
    "acs/command.py": "declares what a command is; nothing in it runs",
    "acs/conformance/in_app.py": _SET,
    "acs/conformance/listener.py": _SET,
    "acs/conformance/story.py": _SET,
    "acs/edges/forms.py": _STORY,
    "acs/flows/gather.py": _STORY,
    "acs/flows/three_ds_method.py": _STORY,
    "acs/ports.py": "declares what a flow is handed; nothing in it runs",
    "acs/store/device_data.py": _SQL,
    "loadtests/bench/__main__.py": _BENCH,
    "loadtests/bench/bank.py": "run in test_site.py, over HTTP and PostgreSQL",
    "loadtests/bench/cardholders.py": "run in test_site.py, over HTTP and PostgreSQL",
    "loadtests/bench/demo.py": "starts processes; loadtests.quiet runs it whole",
    "loadtests/micro/inside.py": "run whole in test_areq_path, every answer looked at",
}
# Test modules that are a second part of another one or look at several modules.
ACROSS: dict[str, str] = {
    "tests/acs/config/test_every_setting.py": "every class of settings, and what a start reads",
    "tests/acs/store/test_audit_tampering.py": "audit_chain and audit_months in random courses",
    "tests/acs/challenge/test_rules_time.py": "rules, and how long a page waits",
    "tests/acs/pages/test_gallery_in_browser.py": "every screen, language and size, in Chromium",
    "tests/otp/gateways/http/test_gateway_proofs.py": "gateway: headers, tokens, questions",
    "tests/acs/test_http_gateways_profiles.py": "http_gateways, each profile on the wire",
    "tests/acs/pages/test_in_browser.py": "templates, styles and headers together, in Chromium",
    "tests/acs/pages/test_render_every.py": "render, and what holds for every screen",
    "tests/acs/pages/test_render_sdk.py": "render, the document for an SDK's web view",
    "tests/enrollment/portal/test_gate_in_browser.py": "gate, cookies and their sites, in Chromium",
    "tests/enrollment/portal/test_in_browser.py": "templates, style and axe, in Chromium",
    "tests/otp/gateways/test_deliver_anything.py": "deliver in random lives, workers that die",
    "tests/otp/gateways/test_deliver_crashes.py": "deliver, killed between two of its lines",
    "tests/otp/gateways/smpp/test_gateway_reports.py": "gateway, its reports, TLS and secrets",
    "tests/otp/gateways/test_deliver_doubts.py": "deliver, find_out and reports together",
    "tests/otp/gateways/test_deliver_notices.py": "deliver, outbox and flows, notices beside codes",
    "tests/otp/test_flows_limits.py": "flows, its limits and races",
    "tests/otp/test_message_parts.py": "message, what stands in its first part",
    "tests/enrollment/flows/test_card_blocks_killed.py": "card_blocks, killed before any statement",
    "tests/enrollment/flows/test_races.py": "clients, counter, doors and worker at the same moment",
    "tests/enrollment/flows/test_payments_footing.py": "payments, a running challenge",
}


def test_every_module_has_its_tests() -> None:
    missing = [
        source
        for source in _sources()
        if source not in WITHOUT and not (ROOT / _test_of(source)).exists()
    ]

    assert missing == []


def test_every_test_module_tests_a_module() -> None:
    wanted = {_test_of(source) for source in _sources()}
    found = [
        name(file)
        for file in python_files(*(f"tests/{package}" for package in PACKAGES))
        if file.name.startswith("test_")
    ]

    assert [test for test in found if test not in wanted and test not in ACROSS] == []


def test_an_exception_that_is_none_any_more_is_taken_off() -> None:
    assert [source for source in WITHOUT if not (ROOT / source).exists()] == []
    assert [source for source in WITHOUT if (ROOT / _test_of(source)).exists()] == []
    assert [test for test in ACROSS if not (ROOT / test).exists()] == []


def _sources() -> list[str]:
    return [name(file) for file in python_files(*PACKAGES) if file.name != "__init__.py"]


def _test_of(source: str) -> str:
    path = PurePath(source)
    return (PurePath("tests") / path.parent / f"test_{path.name}").as_posix()
