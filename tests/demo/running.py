"""A running demo and what one does with it from outside: HTTP, processes, the database's dump."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import html5lib

from loadtests.ports import free_ports
from tests.acs.fleet import PATIENT

ROOT = Path(__file__).resolve().parents[2]
EDGES = ("demo", "ds", "cardholder", "enrollment", "portal", "ops")
STARTED_WITHIN_S = 600.0
"""A busy machine takes long; a demo that cannot start ends by itself, and that is seen at once."""
_LOOK_S = 0.05
_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


@dataclass
class Answer:
    """An HTTP answer."""

    url: str
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def tree(self) -> Any:
        return html5lib.parse(self.body, treebuilder="etree", namespaceHTMLElements=False)

    def form(self, number: int = 0) -> tuple[str, dict[str, str]]:
        """Give the action and the fields of a form of the page."""
        form = list(self.tree.iter("form"))[number]
        fields = {
            one.get("name"): one.get("value", "") for one in form.iter("input") if one.get("name")
        }
        return urljoin(self.url, form.get("action") or self.url), fields

    @property
    def cres(self) -> dict[str, Any]:
        """Give the message that the final page carries."""
        text = self.form()[1]["cres"]
        return dict(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))


@dataclass
class Demo:
    """One demo: its folder, its ports, its processes."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    altered: set[str] = field(default_factory=set)
    """PANs whose limits a test has lowered for good."""

    def __post_init__(self) -> None:
        self.ports = self.ports or dict(zip(EDGES, free_ports(len(EDGES)), strict=True))

    def url(self, edge: str, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.ports[edge]}{path}"

    @property
    def log(self) -> Path:
        return self.folder / "demo.log"

    def start(self) -> None:
        """Start it and wait until it says where everything is."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ACS_")},
            "ACS_DATA_DIR": str(self.folder / "var"),
            "ACS_CARDHOLDER__PUBLIC_URL": self.url("cardholder", ""),
            **{
                f"ACS_{edge.upper()}__LISTEN": f"127.0.0.1:{port}"
                for edge, port in self.ports.items()
            },
            **PATIENT,
            **self.extra,
        }
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "acs", "demo"],
                env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        before = self.log.read_bytes().count(b"Ctrl-C stops all of it")
        self.until(lambda: self.log.read_bytes().count(b"Ctrl-C stops all of it") > before)

    def stop(self) -> int:
        """Press Ctrl-C and wait for the end."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=300)

    def until(self, is_true: Any, within_s: float = STARTED_WITHIN_S) -> None:
        """Wait for a fact; fail with the demo's output when it does not come about."""
        end = time.monotonic() + within_s
        while not is_true():
            if self.process is not None and self.process.poll() is not None:
                message = f"the demo ended: {self.log.read_text()[-3000:]}"
                raise AssertionError(message)
            if time.monotonic() > end:
                message = f"not within {within_s} s: {self.log.read_text()[-3000:]}"
                raise AssertionError(message)
            time.sleep(_LOOK_S)

    def get(self, edge: str, path: str) -> Answer:
        return call(self.url(edge, path))

    def cards(self, expect: str) -> list[dict[str, str]]:
        """Give the test cards whose expectation begins so."""
        found = self.get("demo", "/api/cards").json()
        return [card for card in found if card["expect"].startswith(expect)]

    def buy(self, card: dict[str, str], **changes: Any) -> dict[str, Any]:
        """Begin a purchase."""
        order = {
            "pan": card["pan"], "amount": 12345, "currency": "PLN", "merchant_name": "Bookshop",
            "channel": "browser", "version": "2.2.0", **changes,
        }  # fmt: skip
        answer = call(self.url("demo", "/api/purchases"), json.dumps(order).encode())
        return dict(answer.json())

    def purchase(self, purchase_id: str) -> dict[str, Any]:
        """See what a purchase has come to."""
        return dict(self.get("demo", f"/api/purchases/{purchase_id}").json())

    def act(self, purchase: dict[str, Any], **wish: Any) -> dict[str, Any]:
        """Let the purchase's app send a CReq; give what its SDK made of the answer."""
        path = f"/api/purchases/{purchase['id']}/sdk"
        return dict(call(self.url("demo", path), json.dumps(wish).encode()).json())

    def open(self, purchase: dict[str, Any]) -> Answer:
        """Post the CReq as the shop's frame does."""
        return post(purchase["acs_url"], {"creq": purchase["creq"]})

    def submit(self, page: Answer, action: str = "submit", **entries: str) -> Answer:
        url, fields = page.form()
        return post(url, {**fields, **entries, "action": action})

    def finish(self, page: Answer) -> Answer:
        """Post the final page's form to the shop, as the browser does."""
        url, fields = page.form()
        return post(url, fields)

    def code(self, card: dict[str, str]) -> str:
        """Read the code of the newest payment on the card's phone."""

        def newest() -> list[str]:
            inbox = self.get("demo", f"/api/phone/{card['phone']}").json()
            texts = (str(one["text"]) for one in inbox)
            with_code = next((text for text in texts if _CODE.search(text)), "")
            return _CODE.findall(with_code) if "Bookshop" in with_code else []

        self.until(newest, 100)
        (code,) = newest()
        return code

    def service_pids(self) -> list[int]:
        """Find the processes of the service: everything that runs ``acs`` on our folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if b"-m\0acs\0" in line and str(self.folder).encode() in environ:
                found.append(int(entry.name))
        return found


def call(url: str, body: bytes | None = None, **headers: str) -> Answer:
    """GET, or POST JSON."""
    kind = {"Content-Type": "application/json"} if body is not None else {}
    return _send(urllib.request.Request(url, body, {**kind, **headers}))  # noqa: S310 - loopback


def post(url: str, fields: dict[str, str]) -> Answer:
    """POST a form."""
    return _send(urllib.request.Request(url, urlencode(fields).encode()))  # noqa: S310 - loopback


def _send(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=100) as response:  # noqa: S310
            return Answer(request.full_url, response.status, response.read())
    except urllib.error.HTTPError as error:
        return Answer(request.full_url, error.code, error.read())
