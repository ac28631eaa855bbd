"""papertape's side of decode.py, run by its own Python: `decode_papertape_side.py FOLDER ROUNDS SIDE`.

SIDE is `papertape`, or `papertape-books`, which keeps the market as well. What gathers is taken in the blocks in which it would be written.
"""

import json
from collections.abc import Callable, Sequence

from decode_frames import KINDS, Answer, Input, Stamped, asked, best_us, figures_of_levels

from papertape.core.book import Book, Books, Market
from papertape.core.records import Flag, Kind, RecordBuffer, as_records
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT, USDM
from papertape.runtime.tape_intake import BATCH_RECORDS_MAX

Play = Callable[[Sequence[Stamped]], None]


def started(made: Input, take_block: Callable[[bytes], object]) -> Play:
    """A machine that has listed its symbol and taken the snapshot; `take_block` gets every block of records."""
    machine = BinanceMachine({"spot": SPOT, "usdm": USDM}[made.market], {made.symbol: 0}, Gate(RecordBuffer()))
    began_ns = made.frames["depth"][0][0]
    machine.list_from_exchange_info(began_ns, json.dumps(made.exchange_info).encode())
    machine.take_snapshot(began_ns, made.symbol, made.snapshot)
    buffer = machine.gate.buffer
    take_block(buffer.take())

    def play(frames: Sequence[Stamped]) -> None:
        take = machine.take
        for ts_recv_ns, frame in frames:
            take(ts_recv_ns, frame)
            if buffer.count >= BATCH_RECORDS_MAX:
                take_block(buffer.take())
        take_block(buffer.take())

    return play


def proof(made: Input, kind: str) -> Answer:
    """What the records say."""
    blocks: list[bytes] = []
    market = Market()

    def take_block(block: bytes) -> None:
        blocks.append(block)
        market.apply(block)

    started(made, take_block)(made.frames[kind])
    records = as_records(b"".join(blocks[1:]))
    wanted = {"quotes": Kind.QUOTE, "trades": Kind.PRINT, "depth": Kind.DEPTH_DELTA}[kind]
    records = records[records["kind"] == wanted]
    answer = {"events": int((records["flags"] & int(Flag.LAST) != 0).sum())}
    price_sum, size_sum = int(records["price"].sum()), int(records["size"].sum())
    last = records[-1]
    if kind == "quotes":
        price_sum, size_sum = price_sum + int(records["x"].sum()), size_sum + int(records["y"].sum())
        answer["last"] = [int(last[name]) for name in ("price", "x", "size", "y")]
    elif kind == "trades":
        answer["last"] = [int(last["price"]), int(last["size"])]
    else:
        view = market.views()[0]
        answer |= {"levels": len(records), "book": figures_of_levels(view.bids, view.asks)}
    return {**answer, "price_sum": price_sum, "size_sum": size_sum}


def main() -> None:
    made, rounds, side = asked()

    def begin() -> Play:
        return started(made, Books(Book).apply if side == "papertape-books" else len)

    answers = {}
    for kind in KINDS:
        answers[kind] = {**proof(made, kind), "us": best_us(begin, made.frames[kind], rounds)}
    print(json.dumps(answers))


main()
