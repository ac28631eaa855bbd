"""`papertape mt5-gateway`: a terminal beside it served to connectors elsewhere, until the time is up or a signal comes."""

import asyncio
import ipaddress
from pathlib import Path

from papertape.core.errors import UsageError
from papertape.core.mt5_actions import Mt5Gateway as Request
from papertape.core.mt5_actions import Mt5GatewayResult
from papertape.data.connectors.http_listen import listening
from papertape.data.connectors.mt5_gateway import PATH, Mt5Gateway
from papertape.data.connectors.mt5_local import LocalTerminal, Login, native_api
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import load_config
from papertape.runtime.home import config_file
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async, stop_signals
from papertape.runtime.mt5_tick_files import load_ticks
from papertape.runtime.mt5_token import read_secret, read_token
from papertape.runtime.outcome import INTERRUPTED, Outcome
from papertape.runtime.shell import Shell
from papertape.venue.mt5_terminal import Mt5TerminalDouble
from papertape.venue.mt5_ticks import made_ticks, moved
from papertape.venue.mt5_types import fx_pair

DOUBLE_OFFSET_S = 3 * 3600
"""The double's broker keeps the usual summer time of brokers."""
DOUBLE_LISTENS_AFTER_MS = 1_000
MADE_TICKS = 1_000_000


def run(request: Request, shell: Shell) -> Outcome[Mt5GatewayResult]:
    """Handle an `Mt5Gateway` request."""
    token = read_token(request.token_file)
    if not _is_loopback(request.host):
        shell.say(f"{request.host} can be reached from elsewhere: the token travels as plain text, use a tunnel or VPN")
    return run_async(_serve(request, token, shell))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _terminal(request: Request) -> LocalTerminal:
    clock = UtcClock()
    poll_s = request.poll_ms / 1000
    if request.terminal == "double":
        return LocalTerminal(_double(request, clock), clock, poll_s=poll_s)
    if request.ticks is not None:
        raise UsageError("expected --terminal double with --ticks: a native terminal has ticks of its own")
    password = ""
    if request.login:
        if request.password_file is None or request.server is None:
            raise UsageError("expected --password-file and --server with --login")
        password = read_secret("--password-file", request.password_file)
    login = Login(request.path or "", request.login, password, request.server or "")
    return LocalTerminal(native_api(), clock, login=login, poll_s=poll_s)


def _double(request: Request, clock: UtcClock) -> Mt5TerminalDouble:
    """A terminal whose market begins soon, with the ticks of a file or made ones."""
    symbols = [one.strip() for one in request.symbols or load_config(config_file()).real_time.forex.symbols]
    begin_msc = clock.now_ns() // 1_000_000 + 1000 * DOUBLE_OFFSET_S + DOUBLE_LISTENS_AFTER_MS
    if request.ticks is None:
        ticks = {symbol: made_ticks(symbol, request.seed, begin_msc, MADE_TICKS) for symbol in symbols}
    elif len(symbols) != 1 or not request.symbols:
        raise UsageError("expected --symbols with the one symbol that the file of --ticks holds")
    else:
        ticks = {symbols[0]: moved(load_ticks(Path(request.ticks)), begin_msc, request.speed)}
    listed = {symbol: fx_pair(symbol) for symbol in symbols}
    return Mt5TerminalDouble(listed, ticks, clock, offset=lambda _: DOUBLE_OFFSET_S)


async def _serve(request: Request, token: str, shell: Shell) -> Outcome[Mt5GatewayResult]:
    log = start_logs("mt5-gateway")
    terminal = _terminal(request)
    facts = await terminal.connect()
    log.info("terminal reached", build=facts.build, server=facts.server, connected=facts.connected)
    gateway = Mt5Gateway(terminal, token, log.info)
    try:
        with stop_signals() as stop:
            async with listening(gateway.application(), request.host, request.port) as port:
                shell.say(f"the gateway listens: --gateway ws://{request.host}:{port}{PATH}")
                await asyncio.wait([stop], timeout=request.seconds)
            interrupted = stop.done() and stop.result()
    finally:
        await terminal.close()
    return Outcome(Mt5GatewayResult(port=port, ticks=gateway.ticks), INTERRUPTED if interrupted else 0)
