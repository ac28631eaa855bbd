"""Following a market track that another process writes."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from papertape.core.errors import TapeCorrupt
from papertape.core.records import RECORD_BYTES, RECORD_DTYPE
from papertape.tape import files
from papertape.tape.layout import SEGMENT_HEADER_BYTES, BlockHeader, Problem, parse_block, parse_seal, parse_segment_header
from papertape.tape.market_reader import Batch, market_track, missing_segment
from papertape.tape.segment import block_end, check_block, list_segments
from papertape.tape.segment_view import corrupt
from papertape.tape.segment import Damage
from papertape.tape.watch import DirectoryWatch

READ_BYTES = 1 << 20
"""Read at once; a larger block is read whole."""
BATCHES_MAX = 16
"""Batches that one `poll` returns at most."""
