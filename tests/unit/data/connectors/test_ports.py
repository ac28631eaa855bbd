from papertape.data.connectors.aiohttp_client import AiohttpClient
from papertape.data.connectors.picows_transport import PicowsTransport
from papertape.data.connectors.ports import Answer, HttpClient, Transport


def test_what_ships_fits_the_ports() -> None:
    """mypy holds the signatures: this is only true when it agrees."""
    transport: Transport = PicowsTransport()
    client: HttpClient = AiohttpClient()
    assert transport is not client
    assert Answer(200, b"", None).retry_after_s is None
