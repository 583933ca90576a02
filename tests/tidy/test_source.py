"""House rules that a machine can see, over every file of the project."""

from __future__ import annotations

import ast
import subprocess
import sys

from acs import log
from tests.tidy.tree import PACKAGES, ROOT, calls, name, parsed, python_files

FILE_MAX = 500
FUNCTION_MAX = 60
EVERYTHING = (*PACKAGES, "loadtests", "tests", "docs")
CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
CLOCK_READERS = {"acs/clock.py", "acs/log.py"}  # a line says when it was written
CATCH_ALL = {"acs/edges/middleware.py", "acs/work/loop.py"}
RUNS_SQL = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "cursor", "prepare"}
# Words that say nothing of what a class is; the reason beside a name that is one all the same.
EMPTY_WORDS = ("Manager", "Helper", "Util", "Utils", "Service", "Impl", "Handler", "Processor")
NAMED_SO = {
    ("acs/app.py", "Service"): "one running process of the service, the operators' own word",
}


def test_a_file_fits_in_the_head() -> None:
    long = {
        name(file): lines
        for file in python_files(*EVERYTHING)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > FILE_MAX
    }

    assert long == {}


def test_a_function_fits_on_the_screen() -> None:
    long = {
        f"{name(file)}:{node.lineno} {node.name}": length
        for file in python_files(*EVERYTHING)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_MAX
    }

    assert long == {}


def test_a_file_opens_with_what_it_is_for() -> None:
    silent = [
        name(file)
        for file in python_files(*PACKAGES, "loadtests", "docs")
        if parsed(file).body and ast.get_docstring(parsed(file)) is None
    ]

    assert silent == []


def test_the_time_of_day_is_read_in_one_place() -> None:
    readers = {
        name(file)
        for file in python_files(*PACKAGES)
        for call in calls(file)
        if isinstance(call.func, ast.Attribute)
        and (_last_name(call.func.value), call.func.attr) in CLOCK
    }

    assert readers <= CLOCK_READERS


def test_what_nobody_foresaw_is_caught_in_two_places() -> None:
    catchers = {
        name(file)
        for file in python_files(*PACKAGES)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or _last_name(node.type) in {"Exception", "BaseException"})
    }

    assert catchers <= CATCH_ALL


def test_sql_is_never_built_from_values() -> None:
    built = [
        f"{name(file)}:{call.lineno}"
        for file in python_files(*PACKAGES)
        for call in calls(file)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in RUNS_SQL
        and call.args
        and _is_built(call.args[0])
    ]

    assert built == []


def test_nothing_is_left_for_later() -> None:
    marks = ("TO" + "DO", "FIX" + "ME")
    left = [
        f"{name(file)}:{number}"
        for file in [*python_files(*EVERYTHING), *ROOT.glob("schemas/**/*.sql")]
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if any(mark in line for mark in marks)
    ]

    assert left == []


def test_our_own_code_is_never_mocked() -> None:
    mockers = [
        name(file)
        for file in python_files("tests")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any("mock" in word for word in (_module_of(node), *(a.name for a in node.names)))
        and _module_of(node) != "aiohttp.test_utils"
    ]

    assert mockers == []


def test_a_class_is_named_for_what_it_is() -> None:
    empty = [
        (name(file), node.name)
        for file in python_files(*PACKAGES, "loadtests")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_WORDS)
    ]

    assert [entry for entry in empty if entry not in NAMED_SO] == []


def test_what_may_be_logged_is_logged() -> None:
    """A list of what nobody logs tells a reader of the log to wait for it in vain."""
    files = [file for file in python_files(*PACKAGES) if name(file) != "acs/log.py"]
    texts = {
        node.value
        for file in files
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Constant)
    }
    fields = {
        keyword.arg
        for file in files
        for call in calls(file)
        if ast.unparse(call.func) in {"log.event", "log.alarm"}
        for keyword in call.keywords
    }
    by_itself = {"alarm", "error", "level", "logger", "place", "request_id"}

    assert log.EVENTS.keys() - texts == {"alarm:raised", "library:record", "work:failed"}
    assert log.FIELDS - fields - by_itself == set()


def test_a_production_start_loads_no_part_of_the_demo_network() -> None:
    script = (
        "import sys; import acs.__main__, acs.app\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('loadtests', 'tests')])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_built(node: ast.expr) -> bool:
    """Tell whether a text is put together: f-string with a value in it, +, %, or .format()."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Call) and _last_name(node.func) == "format"


def _module_of(node: ast.Import | ast.ImportFrom) -> str:
    return (node.module or "") if isinstance(node, ast.ImportFrom) else ""
