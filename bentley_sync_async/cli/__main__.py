"""`python -m bentley_sync_async.cli` is `bentley-sync`."""

import sys

from . import main

sys.exit(main())
