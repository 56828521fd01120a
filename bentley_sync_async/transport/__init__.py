"""HTTP: requests and answers, timeouts, tokens, retries, hooks, and the pipeline that every request passes."""

from .hooks import Hook, PollRecord, Record, RequestRecord, RetryRecord, ThrottleRecord, TokenRecord
from .logs import LoggingHook
from .messages import Request, Response, Transport
from .rate_limit.budget import BudgetUse, exhausted_window
from .rate_limit.windows import WindowUse
from .tokens import Token, TokenSource

__all__ = [
    "BudgetUse",
    "Hook",
    "LoggingHook",
    "PollRecord",
    "Record",
    "Request",
    "RequestRecord",
    "Response",
    "RetryRecord",
    "ThrottleRecord",
    "Token",
    "TokenRecord",
    "TokenSource",
    "Transport",
    "WindowUse",
    "exhausted_window",
]

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place
