"""Providers that are known: what a profile says, with the operator's own settings over it."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from acs.config.http_settings import HttpProvider
from acs.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PartT = TypeVar("PartT", bound=Section)
_PLACE = "otp.gateways"


class Profile(Section, frozen=True, kw_only=True):
    """A provider as it is known, and the values that only the operator has."""

    needs: dict[str, str]
    provider: HttpProvider
    needs_for_reports: dict[str, str] = msgspec.field(default_factory=dict)


@cache
def profile(name: str) -> Profile:
    """Read a profile that comes with the package."""
    file = resources.files(_PLACE).joinpath("profiles", f"{name}.toml")
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Profile)


def complete(given: HttpProvider) -> HttpProvider:
    """Give a provider's settings with those of its profile where it has none of its own."""
    if given.profile is None:
        return given
    return _over(profile(given.profile).provider, given)


def faults(name: str, given: HttpProvider) -> Iterator[str]:
    """Give sentences on what a provider lacks."""
    where = f"sms.http.{name}"
    whole = complete(given)
    for member in ("url", "body"):
        if getattr(whole, member) is None:
            yield f"{where}.{member} is missing"
    if given.profile is not None:
        known = profile(given.profile)
        reporting = known.needs_for_reports if given.report_token_file is not None else {}
        for value, meaning in (known.needs | reporting).items():
            if value not in (given.values or {}):
                yield f"{where}.values.{value} is missing: {meaning}"
    if (whole.tls_cert is None) != (whole.tls_key is None):
        yield f"{where}: tls_cert and tls_key come together"
    if whole.report_token_file is not None and whole.reports is None:
        yield f"{where}.reports is missing: report_token_file asks for delivery reports"


def _over(below: PartT, above: PartT) -> PartT:
    """Lay one section over another: what is set above counts; tables are joined, not lists."""
    return type(below)(
        **{
            field.name: _joined(getattr(below, field.name), getattr(above, field.name))
            for field in msgspec.structs.fields(below)
        }
    )


def _joined(below: Any, above: Any) -> Any:  # noqa: ANN401 - a setting of any type
    if above is None or below is None:
        return below if above is None else above
    if isinstance(below, Section) and isinstance(above, Section):
        return _over(below, above)
    if isinstance(below, dict) and isinstance(above, dict):
        return _tables(below, above)
    return above


def _tables(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    joined = dict(below)
    for name, value in above.items():
        joined[name] = _joined(below.get(name), value) if name != "file" else value
    return joined
