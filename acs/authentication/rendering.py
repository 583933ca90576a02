"""How a challenge in the app is shown: what the SDK offers, and what of it is taken [rule 3.33].

The SDK's own elements (native) come first: they look like the app, and assistive technology knows
them. HTML is for SDKs that can nothing else. The screen is the same: text and an entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.records import Record
from schemas.values import UiType
from schemas.versions import V231

NATIVE: Final = "01"
HTML: Final = "02"
_BOTH: Final = "03"
_PORTRAIT: Final = "01"


class Rendering(Record, frozen=True):
    """What is chosen: acsInterface ("01" native, "02" HTML) and acsUiTemplate."""

    interface: str
    template: str

    def element(self, version: str) -> dict[str, object]:
        """Give acsRenderingType as a version writes it [rule 3.31]."""
        chosen = {"acsInterface": self.interface, "acsUiTemplate": self.template}
        mode = {"deviceUserInterfaceMode": _PORTRAIT} if version == V231 else {}
        return {**chosen, **mode}


def choose(offered: object) -> Rendering | None:
    """Choose from deviceRenderOptions; None when nothing in it can ask for a code."""
    if not isinstance(offered, Mapping):
        return None
    interface, types = offered.get("sdkInterface"), offered.get("sdkUiType") or ()
    if interface in {NATIVE, _BOTH} and UiType.TEXT in types:
        return Rendering(NATIVE, UiType.TEXT)
    if interface in {HTML, _BOTH}:
        for template in (UiType.TEXT, UiType.HTML):
            if template in types:
                return Rendering(HTML, template)
    return None
