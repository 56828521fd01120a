"""OAuth 2.0 and OpenID Connect: token requests and answers, the issuer's addresses, who signed in, and what is kept."""

from .openid import Endpoints, TokenClaims, UserInfo, decode_endpoints, decode_user, read_token
from .sign_ins import SignIn, decode_sign_in, encode_sign_in
from .tokens import TokenAnswer, decode_token, refusal, token_request

__all__ = [
    "Endpoints",
    "SignIn",
    "TokenAnswer",
    "TokenClaims",
    "UserInfo",
    "decode_endpoints",
    "decode_sign_in",
    "decode_token",
    "decode_user",
    "encode_sign_in",
    "read_token",
    "refusal",
    "token_request",
]
