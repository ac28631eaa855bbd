"""The actions of MetaTrader 5."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from papertape.core.action_parts import Positive


class Mt5Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """Serve the MetaTrader 5 terminal on this computer (Windows, or under Wine) to connectors anywhere: symbols and ticks, no orders."""

    token_file: Annotated[str, Meta(description="File with the token that connectors must know: one line.")]
    host: Annotated[str, Meta(description="Address to listen on; beyond loopback use a tunnel or a VPN.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on; 0 takes a free one.", ge=0, le=65535)] = 9871
    terminal: Annotated[
        Literal["native", "double"],
        Meta(description="The terminal through the MetaTrader5 package, or a double of one, to try it out."),
    ] = "native"
    path: Annotated[str | None, Meta(description="Path of terminal64.exe; needed where there are several.")] = None
    login: Annotated[int, Meta(description="Account to log in to; 0 takes the one that is logged in.", ge=0)] = 0
    password_file: Annotated[str | None, Meta(description="File with the password of --login.")] = None
    server: Annotated[str | None, Meta(description="Trade server of --login.")] = None
    poll_ms: Annotated[int, Meta(description="Pause between two looks at the terminal.", ge=1, le=1000)] = 2
    symbols: Annotated[
        list[str],
        Meta(description="Symbols of the double, separated by commas; by default those of the configuration."),
    ] = []
    ticks: Annotated[
        str | None, Meta(description="Recorded ticks for the double, .npy or .parquet; without, a random walk.")
    ] = None
    speed: Annotated[float, Meta(description="How many times as fast as they were recorded --ticks come.", gt=0)] = 1
    seed: Annotated[int, Meta(description="Seed of the double's random walk.", ge=0)] = 7
    seconds: Annotated[
        Positive | None, Meta(description="Stop after this many seconds; without it, serve until Ctrl-C or SIGTERM.")
    ] = None


class Mt5GatewayResult(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `mt5-gateway`."""

    port: int
    ticks: int
    """How many ticks were pushed, to all connectors together."""
