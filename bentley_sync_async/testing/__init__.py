"""Support for tests of code that uses the client: a scripted transport and pytest fixtures.

The fixtures are in `bentley_sync_async.testing.plugin`, which pytest loads by that name; this module does not import
pytest.
"""

from .scripted import After, ScriptedTransport, ScriptFailed, Sent, Step, answer, lost, refusal, timed_out

__all__ = ["After", "ScriptFailed", "ScriptedTransport", "Sent", "Step", "answer", "lost", "refusal", "timed_out"]
