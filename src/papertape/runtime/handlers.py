"""Which function carries out which action. Imported by name, so that a command loads only what it needs."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from papertape.runtime.outcome import Outcome
from papertape.runtime.shell import Shell

Handler = Callable[[Any, Shell], Outcome[Any]]

HANDLERS = {
    "version": "papertape.runtime.about:version",
    "init": "papertape.runtime.about:init",
    "config check": "papertape.runtime.about:config_check",
    "config show": "papertape.runtime.about:config_show",
    "demo": "papertape.runtime.demo:run",
    "paper": "papertape.runtime.paper:run",
    "mt5-gateway": "papertape.runtime.mt5_gateway:run",
    "record": "papertape.runtime.record:run",
    "serve": "papertape.runtime.serve:run",
    "replay": "papertape.runtime.replay:run",
    "symbols search": "papertape.runtime.symbols:search",
    "verify": "papertape.runtime.verify:run",
    "venue": "papertape.runtime.venue:run",
    "bench replay": "papertape.runtime.bench.replay:run",
    "bench record": "papertape.runtime.bench.record:run",
    "bench tape": "papertape.runtime.bench.tape:run",
}


def handler(action: str) -> Handler:
    """The function that carries out the action of this name."""
    module, _, function = HANDLERS[action].partition(":")
    return cast("Handler", getattr(import_module(module), function))
