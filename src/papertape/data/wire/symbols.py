"""From what people write to one listed symbol: `BTCUSDT`, `btc-usdt`, `BTC/USDT:USDT`, `EURUSDm`, `binance-usdm:BTCUSDT`.

Tried in this order, and the first that fits decides: the venue's own spelling; the same in any case; the pair
without separators; the pair with a broker's suffix on either side. A pair written with a separator and no settling
currency is no perpetual, `BASE/QUOTE:SETTLE` and the endings `.P`, `PERP` and `SWAP` are one. A name in front of
a colon that is a venue's restricts the search to it.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from papertape.core.errors import UnknownInstrument
from papertape.core.instruments import Instrument, InstrumentKind

CANDIDATES_TOLD = 5
ASKED_MAX = 4_096
"""Texts whose answer is remembered; when full it starts anew."""
SYMBOL_CHARACTERS_MAX = 64
_SEPARATORS = re.compile(r"[/\-_ ]")
_PERPETUAL = re.compile(r"[-_.]?(?:PERP|SWAP)$|\.P$")
_BROKER_SUFFIX = re.compile(r"[.\-_#+!]?[A-Za-z0-9]{0,6}[+!#]?$")
_CRYPTO = (InstrumentKind.CRYPTO_SPOT, InstrumentKind.LINEAR_PERPETUAL)


class Asked(NamedTuple):
    """A text taken apart. `settle` and `perpetual` are what it says of a perpetual; `separated` that it parts base from quote."""

    text: str
    pair: str
    settle: str
    perpetual: bool
    separated: bool


class Place(NamedTuple):
    """A symbol at a venue."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.venue}:{self.symbol}"


def take_apart(text: str) -> Asked:
    """What a text says of the symbol that is meant."""
    pair, _, settle = text.upper().partition(":")
    stem = _PERPETUAL.sub("", pair)
    perpetual = bool(settle) or stem != pair
    return Asked(text, _SEPARATORS.sub("", stem), settle, perpetual, _SEPARATORS.search(stem) is not None)


class SymbolIndex:
    """All symbols of some venues, found by what people write. `add` lists, `resolve` finds one, `search` many."""

    def __init__(self) -> None:
        self._by_place: dict[Place, Instrument] = {}
        self._by_symbol: dict[str, list[Place]] = {}
        self._by_folded: dict[str, list[Place]] = {}
        self._by_pair: dict[str, list[Place]] = {}
        self._answers: dict[tuple[str, tuple[str, ...]], Place] = {}
        self._venues: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._by_place)

    def add(self, instruments: Iterable[Instrument]) -> None:
        """List instruments; one that is listed already is replaced."""
        self._answers.clear()
        for one in instruments:
            place = Place(one.venue, one.symbol)
            if place not in self._by_place:
                self._venues[one.venue] = None
                folded = _SEPARATORS.sub("", one.symbol.upper())
                pairs = dict.fromkeys([f"{one.base}{one.quote}".upper(), folded])
                self._by_symbol.setdefault(one.symbol, []).append(place)
                self._by_folded.setdefault(one.symbol.upper(), []).append(place)
                for pair in pairs:
                    self._by_pair.setdefault(pair, []).append(place)
            self._by_place[place] = one

    def instrument(self, place: Place) -> Instrument:
        """The instrument listed at `place`."""
        return self._by_place[place]

    def resolve(self, text: str, venues: Collection[str] = ()) -> Place:
        """The one symbol that `text` means, at one of `venues` when some are given.

        Raises UnknownInstrument that names the nearest ones when there is none, and all of them when several fit.
        """
        key = (text, tuple(venues))
        answer = self._answers.get(key)
        if answer is None:
            answer = self._one(text, venues)
            if len(self._answers) >= ASKED_MAX:
                self._answers.clear()
            self._answers[key] = answer
        return answer

    def candidates(self, text: str, venues: Collection[str] = ()) -> list[Place]:
        """Every symbol that `text` may mean by the first rule that fits; empty when none does."""
        venue, _, rest = text.partition(":")
        if rest and venue in self._venues:
            return self.candidates(rest, [venue]) if not venues or venue in venues else []
        if not 0 < len(text) <= SYMBOL_CHARACTERS_MAX:
            return []
        asked = take_apart(text)
        for found in (
            self._by_symbol.get(text, []),
            self._by_folded.get(text.upper(), []),
            self._fitting(asked),
            self._with_suffix(asked),
        ):
            here = [place for place in found if not venues or place.venue in venues]
            if here:
                return here
        return []

    def search(self, text: str, venues: Collection[str] = (), limit: int = CANDIDATES_TOLD) -> list[Place]:
        """Symbols that come near `text`, the nearest first: what fits, what begins with it, what is spelled alike."""
        venue, _, rest = text.partition(":")
        wanted = take_apart((rest if venue in self._venues else text)[:SYMBOL_CHARACTERS_MAX]).pair
        begins = sorted(
            (pair for pair in self._by_pair if pair.startswith(wanted) or wanted.startswith(pair)),
            key=lambda pair: (abs(len(pair) - len(wanted)), pair),
        )
        alike = difflib.get_close_matches(wanted, self._by_pair, n=limit) if len(begins) < limit else []
        near = [place for pair in [*begins[:limit], *alike] for place in self._by_pair[pair]]
        found = dict.fromkeys([*self.candidates(text, venues), *near])
        return [place for place in found if not venues or place.venue in venues][:limit]

    def _one(self, text: str, venues: Collection[str]) -> Place:
        found = self.candidates(text, venues)
        if len(found) == 1:
            return found[0]
        where = f" at {', '.join(venues)}" if venues else ""
        if found:
            told = ", ".join(map(str, found[:CANDIDATES_TOLD]))
            raise UnknownInstrument(f"{text!r} names {len(found)} symbols{where}: expected one of {told}")
        near = ", ".join(map(str, self.search(text, venues))) or "none of the venues that were asked"
        raise UnknownInstrument(f"no symbol is called {text[:SYMBOL_CHARACTERS_MAX]!r}{where}; the nearest: {near}")

    def _fitting(self, asked: Asked) -> Sequence[Place]:
        """Symbols of the pair, and of the kind that the text says."""
        return [place for place in self._by_pair.get(asked.pair, []) if self._kind_fits(asked, self._by_place[place])]

    @staticmethod
    def _kind_fits(asked: Asked, instrument: Instrument) -> bool:
        is_perpetual = instrument.kind is InstrumentKind.LINEAR_PERPETUAL
        if asked.perpetual:
            return is_perpetual and asked.settle in ("", instrument.settle.upper())
        return not (asked.separated and is_perpetual)

    def _with_suffix(self, asked: Asked) -> Sequence[Place]:
        """Symbols of a broker whose pair the text begins with, the rest being a suffix: `EURUSD.raw` means `EURUSDm`."""
        text = asked.text.upper()
        for end in range(len(text) - 1, 2, -1):
            if _BROKER_SUFFIX.fullmatch(text[end:]):
                found = [
                    place for place in self._by_pair.get(text[:end], []) if self._by_place[place].kind not in _CRYPTO
                ]
                if found:
                    return found
        return []
