"""Token sources: a fixed token, the caller's own coroutine, a service application, a person who signed in."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bentley_sync_async.wire.oauth import SignIn, TokenClaims, UserInfo, read_token

    from .applications import NativeApplication
    from .interactive import kept_sign_in, open_browser, open_or_print, sign_in, sign_out
    from .keeping.stores import FileStore, KeyringStore, SignInStore, default_store
    from .user_consent import consent
else:  # a name is imported when it is first used, as a client for a service application needs none of them
    _MODULES = {
        "auth.applications": "NativeApplication",
        "auth.user_consent": "consent",
        "auth.interactive": "kept_sign_in open_browser open_or_print sign_in sign_out",
        "auth.keeping.stores": "FileStore KeyringStore SignInStore default_store",
        "wire.oauth": "SignIn TokenClaims UserInfo read_token",
    }
    _HOMES = {name: f"bentley_sync_async.{module}" for module, names in _MODULES.items() for name in names.split()}

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        public = globals()[name] = getattr(import_module(_HOMES[name]), name)
        public.__module__ = __name__  # errors, reprs and pickles name the public place of a class
        return public

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "FileStore",
    "KeyringStore",
    "NativeApplication",
    "SignIn",
    "SignInStore",
    "TokenClaims",
    "UserInfo",
    "consent",
    "default_store",
    "kept_sign_in",
    "open_browser",
    "open_or_print",
    "read_token",
    "sign_in",
    "sign_out",
]
