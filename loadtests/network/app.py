"""The network's composition: memory, routes, the connections out."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from loadtests.network import api, app_page, notification, sdk_api, shop
from loadtests.network.cards import Cards
from loadtests.network.network import NETWORK, SESSION, Network, client_session

_BODY_BYTES_MAX = 1 << 20
_STATIC = Path(__file__).parent / "static"


async def _connections(app: web.Application) -> AsyncIterator[None]:
    async with client_session() as session:
        app[SESSION] = session
        yield


def build(
    *, base_url: str, ds_edge: str, state: Path, method_url: str | None = None
) -> web.Application:
    """Put one network together; `base_url` and `ds_edge` without a trailing slash."""
    app = web.Application(client_max_size=_BODY_BYTES_MAX)
    app[NETWORK] = Network(
        base_url=base_url.rstrip("/"),
        ds_edge=ds_edge.rstrip("/"),
        state=state,
        cards=Cards(state),
        method_url=method_url,
    )
    app.cleanup_ctx.append(_connections)
    app.add_routes(api.routes)
    app.add_routes(notification.routes)
    app.add_routes(shop.routes)
    app.add_routes(app_page.routes)
    app[sdk_api.APPS] = sdk_api.Apps()
    app.add_routes(sdk_api.routes)
    app.add_routes([web.static("/static", _STATIC)])
    return app
