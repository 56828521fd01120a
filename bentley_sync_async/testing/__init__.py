"""What tests of your own code need: a transport that answers from a script, and fixtures for pytest.

The fixtures are in `bentley_sync_async.testing.plugin`, which pytest loads by that name; this module imports no pytest.
"""

from .scripted import After, ScriptedTransport, ScriptFailed, Sent, Step, answer, lost, refusal, timed_out

__all__ = ["After", "ScriptFailed", "ScriptedTransport", "Sent", "Step", "answer", "lost", "refusal", "timed_out"]
