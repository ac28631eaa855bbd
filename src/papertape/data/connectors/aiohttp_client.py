"""REST questions over aiohttp. Proxies and CA bundles of the environment are honoured."""

from types import TracebackType
from typing import Self

import aiohttp

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.ports import Answer
from papertape.data.connectors.proxy import proxy_for

TIMEOUT_S = 10.0
BODY_BYTES_MAX = 64 << 20
USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"
"""Binance: the weight that our address has used in this minute."""


class AiohttpClient:
    """`ports.HttpClient` over one aiohttp session; use as an async context manager."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), headers={"User-Agent": "papertape"}
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str, query: dict[str, str]) -> Answer:
        """See `ports.HttpClient`."""
        try:
            async with self._session.get(url, params=query, proxy=proxy_for(url)) as response:
                body = await response.content.read(BODY_BYTES_MAX)
                while not response.content.at_eof() and len(body) < BODY_BYTES_MAX:
                    body += await response.content.read(BODY_BYTES_MAX - len(body))
                retry_after_s = _whole(response.headers.get("Retry-After"))
                return Answer(response.status, body, retry_after_s, _whole(response.headers.get(USED_WEIGHT)))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ConnectFailed(f"no answer from {url}: {str(error) or type(error).__name__}") from error


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
