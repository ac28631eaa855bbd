"""`python -m papertape` is the command `papertape`."""

import sys

from papertape.cli import main

sys.exit(main())
