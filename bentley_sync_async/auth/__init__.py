"""Token sources: a fixed token, the caller's own coroutine, a service application's client credentials."""

from .client_credentials import ClientCredentials, fetch_with
from .refreshing import Fetch, RefreshingTokenSource
from .static import StaticTokenSource

__all__ = ["ClientCredentials", "Fetch", "RefreshingTokenSource", "StaticTokenSource", "fetch_with"]
