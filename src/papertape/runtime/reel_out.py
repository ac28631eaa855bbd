"""Raw capture beside the tape: every frame as it came, in reels."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from papertape.tape.reels import ReelWriter

FLUSH_EVERY_NS = 1_000_000_000
_DAY_NS = 86_400_000_000_000


class ReelOut:
    """Keeps raw frames, a reel per symbol and UTC day: `<folder>/<symbol>_<YYYYMMDD>.gz`. Raises StoreError or DiskFull."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reels: dict[str, ReelWriter] = {}
        self._day = -1
        self._flush_at_ns = 0

    def write(self, symbols: Sequence[str], ts_recv_ns: int, payload: bytes) -> None:
        """Append one frame to the reel of each of `symbols`."""
        day = ts_recv_ns // _DAY_NS
        if day != self._day:
            self.close()
            self._day = day
        line = payload.replace(b"\n", b" ").strip()
        for symbol in symbols:
            reel = self._reels.get(symbol)
            if reel is None:
                date = datetime.fromtimestamp(ts_recv_ns // 1_000_000_000, UTC).strftime("%Y%m%d")
                reel = self._reels[symbol] = ReelWriter(self._folder, f"{symbol.lower()}_{date}")
            reel.write(ts_recv_ns, line)
        if ts_recv_ns >= self._flush_at_ns:
            self._flush_at_ns = ts_recv_ns + FLUSH_EVERY_NS
            for reel in self._reels.values():
                reel.flush()

    def close(self) -> None:
        """End the files that are open."""
        reels, self._reels = self._reels, {}
        for reel in reels.values():
            reel.close()
