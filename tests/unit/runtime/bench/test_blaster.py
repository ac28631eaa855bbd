import json
import socket
import subprocess
import sys
import time

import pytest

from papertape.core.records import RecordBuffer
from papertape.data.quality.gate import Gate
from papertape.data.wire.binance.machine import BinanceMachine
from papertape.data.wire.binance.rules import SPOT
from papertape.runtime.bench.blaster import EXCHANGE_INFO, frame, framed


def test_frames_are_a_clean_stream_for_the_real_machine():
    machine = BinanceMachine(SPOT, {"ETHUSDT": 0}, Gate(RecordBuffer()))
    machine.list_from_exchange_info(0, EXCHANGE_INFO)
    listed = machine.gate.buffer.count
    for number in range(5_000):
        machine.take(number, frame(number))
    assert machine.gate.buffer.count - listed == 5_000
    assert (machine.ignored, machine.malformed) == (0, 0)
    assert not any(machine.gate.found.values())


def test_a_frame_is_framed_by_its_length():
    short, long = b"x" * 125, b"y" * 126
    assert framed(short) == b"\x81\x7d" + short
    assert framed(long) == b"\x81\x7e\x00\x7e" + long
    assert json.loads(frame(4))["stream"] == "ethusdt@trade"


@pytest.mark.parametrize("rate", [0, 2_000])
def test_the_frames_are_sent_in_order_and_never_before_their_time(rate):
    frames = b"".join(framed(frame(number)) for number in range(1_000))
    command = [sys.executable, "-m", "papertape.runtime.bench.blaster", "1000", str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as blaster:
        with socket.create_connection(("127.0.0.1", int(blaster.stdout.readline())), timeout=30) as client:
            started_s = time.perf_counter()
            client.sendall(b"GET /stream HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            stream = client.makefile("rb")
            assert stream.readline().startswith(b"HTTP/1.1 101")
            while stream.readline() != b"\r\n":
                pass
            assert stream.read(len(frames)) == frames
            if rate:
                assert time.perf_counter() - started_s >= 999 / rate
        blaster.stdin.close()
