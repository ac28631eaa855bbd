"""A server that sends prepared frames, as fast as the socket takes them or so many a second; runs as a process of its own.

`python -m papertape.runtime.bench.blaster FRAMES [RATE]` prints its port, serves exchangeInfo and one
stream connection, and ends when its standard input is closed.
"""

import asyncio
import base64
import hashlib
import sys
import time

ACCEPT_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""
CHUNK_FRAMES = 256
EXCHANGE_INFO = (
    b'{"symbols":[{"symbol":"ETHUSDT","baseAsset":"ETH","quoteAsset":"USDT","filters":['
    b'{"filterType":"PRICE_FILTER","tickSize":"0.01000000"},'
    b'{"filterType":"LOT_SIZE","stepSize":"0.00010000","minQty":"0.00010000"}]}]}'
)


def frame(number: int) -> bytes:
    """Frame `number` of a spot stream: four quotes, then a trade, prices and sizes ever changing."""
    bid = 268_000 + number * 7919 % 500
    size = 1 + number * 104_729 % 900_000
    if number % 5 == 4:
        trade = number // 5
        return (
            b'{"stream":"ethusdt@trade","data":{"e":"trade","E":1723161255612,"s":"ETHUSDT","t":%d,"p":"%d.%02d000000",'
            b'"q":"%d.%04d0000","T":%d,"m":%b,"M":true}}'
            % (
                trade,
                bid // 100,
                bid % 100,
                size // 10_000,
                size % 10_000,
                1723161255611 + trade,
                b"true" if size & 1 else b"false",
            )
        )
    return (
        b'{"stream":"ethusdt@bookTicker","data":{"u":%d,"s":"ETHUSDT","b":"%d.%02d000000","B":"%d.%04d0000",'
        b'"a":"%d.%02d000000","A":"%d.%04d0000"}}'
        % (
            *(35_000_000_000 + number, bid // 100, bid % 100, size // 10_000, size % 10_000),
            *((bid + 1) // 100, (bid + 1) % 100, size // 7_000, size % 7_000),
        )
    )


def framed(payload: bytes) -> bytes:
    """`payload` as one unmasked WebSocket text frame (RFC 6455, section 5.2)."""
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


async def serve(count: int, rate: int = 0) -> None:
    """Serve `count` frames to each stream connection, `rate` of them a second if it is not 0, until standard input is closed."""
    chunk_frames = 1 if rate else CHUNK_FRAMES
    chunks = [
        b"".join(framed(frame(number)) for number in range(start, min(start + chunk_frames, count)))
        for start in range(0, count, chunk_frames)
    ]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /stream"):
            await _send_stream(head, reader, writer, chunks, rate)
        else:
            size = len(EXCHANGE_INFO)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (size, EXCHANGE_INFO)
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _send_stream(
    head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: list[bytes], rate: int
) -> None:
    key = (
        next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        .split(b":")[1]
        .strip()
    )
    accept = base64.b64encode(hashlib.sha1(key + ACCEPT_MAGIC, usedforsecurity=False).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )
    started_s = time.perf_counter()
    for number, chunk in enumerate(chunks):
        if rate:
            await _wait_until(started_s + number / rate)
        writer.write(chunk)
        await writer.drain()
    await reader.read()


async def _wait_until(due_s: float) -> None:
    """Wait to a fraction of a millisecond, which a loop's own timers cannot; others have their turn once before it."""
    await asyncio.sleep(0)
    ahead_s = due_s - time.perf_counter()
    if ahead_s > 0:
        time.sleep(ahead_s)  # noqa: ASYNC251 - see above


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
