"""Token sources: a fixed token, the caller's own coroutine, a service application, a person who signed in."""

from bentley_sync_async.wire.oauth import SignIn, TokenClaims, UserInfo, read_token

from .applications import NativeApplication
from .consent import consent
from .interactive import kept_sign_in, open_browser, open_or_print, sign_in, sign_out
from .keeping.stores import FileStore, KeyringStore, SignInStore, default_store

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

for _name in __all__:
    globals()[_name].__module__ = __name__  # errors, reprs and pickles name the public place of a class
