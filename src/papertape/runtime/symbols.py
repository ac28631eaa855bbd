"""`papertape symbols search`: what a text means at the sources, and what is spelled alike."""

from papertape.core.errors import UnknownInstrument
from papertape.core.fixed import format_fixed
from papertape.core.source_actions import FoundSymbol, SymbolsSearch, SymbolsSearchResult
from papertape.data.multi_asset_connector import AssetClass, MultiAssetConnector, SymbolMatch
from papertape.runtime.clocks import UtcClock
from papertape.runtime.config import Config, load_config
from papertape.runtime.home import config_file
from papertape.runtime.logs import start_logs
from papertape.runtime.loops import run_async
from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell
from papertape.runtime.sources import configured_names, made_sources


def search(request: SymbolsSearch, shell: Shell) -> Outcome[SymbolsSearchResult]:
    """Handle a `SymbolsSearch` request. Raises UnknownInstrument when nothing comes near."""
    return run_async(_search(request, load_config(config_file())))


async def _search(request: SymbolsSearch, config: Config) -> Outcome[SymbolsSearchResult]:
    log = start_logs("symbols")
    names = tuple(dict.fromkeys(request.source)) or configured_names(config)
    followed = AssetClass(provider=names[0], symbols=(), buffer_size=1)
    async with (
        made_sources(names, config, log.warning) as sources,
        MultiAssetConnector(sources, followed, followed, UtcClock(), log.warning) as connector,
    ):
        matches = await connector.search_symbols(request.text, request.limit)
    if not matches:
        raise UnknownInstrument(f"no symbol at {', '.join(names)} comes near {request.text!r}")
    return Outcome(SymbolsSearchResult(found=[_found(one) for one in matches]))


def _found(match: SymbolMatch) -> FoundSymbol:
    info, one = match.info, match.info.instrument
    return FoundSymbol(
        place=f"{one.venue}:{one.symbol}",
        meant=match.is_meant,
        kind=one.kind.name.lower(),
        base=one.base,
        quote=one.quote,
        settle=one.settle,
        price_step=format_fixed(one.tick, one.price_scale),
        size_step=format_fixed(one.lot, one.size_scale),
        trade_mode=info.trade_mode,
        description=info.description,
    )
