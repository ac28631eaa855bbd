"""WebSocket connections over picows."""

import asyncio

import picows

from papertape.core.errors import ConnectFailed
from papertape.data.connectors.ports import Link, OnFrame
from papertape.data.connectors.proxy import proxy_for

HANDSHAKE_S = 5.0
FRAME_BYTES_MAX = 16 << 20
_TEXT = picows.WSMsgType.TEXT
_CONTINUATION = picows.WSMsgType.CONTINUATION
_CLOSE = picows.WSMsgType.CLOSE
_PONG = picows.WSMsgType.PONG


class _Listener(picows.WSListener):
    """Hands whole messages on and puts fragmented ones together."""

    def __init__(self, on_frame: OnFrame) -> None:
        super().__init__()
        self._on_frame = on_frame
        self._parts = bytearray()
        self.ended = "connection lost without a close frame"
        self.pinged_s: float | None = None
        self.pongs = 0
        self.round_trip_s: float | None = None

    def is_user_specific_pong(self, frame: picows.WSFrame) -> bool:
        """Called for pongs while picows waits for one itself; any pong answers it, as well as us."""
        if frame.msg_type != picows.WSMsgType.PONG:
            return False
        self._take_pong()
        return True

    def _take_pong(self) -> None:
        self.pongs += 1
        if self.pinged_s is not None:
            self.round_trip_s = asyncio.get_running_loop().time() - self.pinged_s
            self.pinged_s = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind == _TEXT and frame.fin:
            self._on_frame(frame.get_payload_as_bytes(), frame.last_in_buffer)
        elif kind == _CLOSE:
            reason = bytes(frame.get_close_message() or b"").decode(errors="replace")
            self.ended = f"closed by the peer: {frame.get_close_code()} {reason}".rstrip()
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif kind in (_TEXT, _CONTINUATION):
            self._parts += frame.get_payload_as_bytes()
            if frame.fin:
                message, self._parts = bytes(self._parts), bytearray()
                self._on_frame(message, frame.last_in_buffer)
            elif len(self._parts) > FRAME_BYTES_MAX:
                self.ended = f"a fragmented message of more than {FRAME_BYTES_MAX} bytes"
                transport.disconnect()
        elif kind == _PONG:
            self._take_pong()


class _PicowsLink:
    def __init__(self, transport: picows.WSTransport, listener: _Listener) -> None:
        self._transport = transport
        self._listener = listener

    def send(self, text: bytes) -> None:
        self._transport.send(_TEXT, text)

    @property
    def pongs(self) -> int:
        return self._listener.pongs

    @property
    def round_trip_s(self) -> float | None:
        return self._listener.round_trip_s

    def ping(self) -> None:
        self._listener.pinged_s = asyncio.get_running_loop().time()
        self._transport.send_ping()

    def pause(self) -> None:
        self._stream.pause_reading()

    def resume(self) -> None:
        self._stream.resume_reading()

    @property
    def _stream(self) -> asyncio.Transport:
        return self._transport.underlying_transport

    def close(self) -> None:
        self._listener.ended = "closed by us"
        self._transport.send_close(picows.WSCloseCode.OK)
        self._transport.disconnect(graceful=False)

    async def wait_closed(self) -> str:
        try:
            await self._transport.wait_disconnected()
        except (picows.WSError, OSError) as error:
            return str(error) or type(error).__name__
        return self._listener.ended


class PicowsTransport:
    """`ports.Transport` over picows. A proxy from the environment is honoured, except for loopback."""

    async def connect(self, url: str, on_frame: OnFrame, silence_s: float) -> Link:
        """See `ports.Transport`."""
        listener = _Listener(on_frame)
        try:
            transport, _ = await picows.ws_connect(
                lambda: listener,
                url,
                websocket_handshake_timeout=HANDSHAKE_S,
                enable_auto_ping=True,
                auto_ping_idle_timeout=silence_s / 2,
                auto_ping_reply_timeout=silence_s / 2,
                max_frame_size=FRAME_BYTES_MAX,
                proxy=proxy_for(url),
            )
        except picows.WSInvalidStatusError as error:
            raise ConnectFailed(
                f"{url} refused the WebSocket: {error}", int(error.response.status) if error.response else None
            ) from error
        except (picows.WSError, OSError, ValueError) as error:
            raise ConnectFailed(f"no WebSocket to {url}: {str(error) or type(error).__name__}") from error
        return _PicowsLink(transport, listener)
