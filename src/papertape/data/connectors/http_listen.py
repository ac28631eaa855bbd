"""Listening for HTTP, for as long as somebody needs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from papertape.core.errors import InputError


@asynccontextmanager
async def listening(application: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve on `host` and `port` (0: any free one) while the block runs; gives the port. Raises InputError for one that is taken."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise InputError(
                f"{host}:{port}: expected an address to listen on, was refused ({error.strerror}); "
                "stop what uses it or choose another"
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
