"""What a caller can choose for the case that the iModel is occupied."""

from typing import Literal

WhenActive = Literal["join", "rerun"]
"""What to do when a run of the connection itself is active: follow it, or trigger another one after it."""

WhenBusy = Literal["wait", "join", "fail"]
"""What to do when a run of another connection occupies the iModel: wait for its end, follow it, or raise."""
