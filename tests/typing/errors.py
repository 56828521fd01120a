"""A user's handlers, one for each kind of error. Type checkers read it; nothing runs it."""

from typing import assert_type

from bentley_sync_async import (
    APIError,
    ConflictError,
    ConnectionLostError,
    CredentialsError,
    IModelBusyError,
    InvalidArgumentError,
    LocationError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseTooLargeError,
    RunNotCompletedError,
    RunRef,
    RunVanishedError,
    ServerError,
    TokenError,
    TransportError,
    UnprocessableError,
    UsageError,
    WatchError,
    WatchFailedError,
    __version__,
)


def handled(error: Exception) -> object:  # noqa: PLR0911 - one for each kind
    try:
        raise error
    except (
        NotFoundError,
        PermissionDeniedError,
        ConflictError,
        UnprocessableError,
        RateLimitedError,
        ServerError,
    ) as exc:
        assert_type(exc.request_id, str | None)
        api: APIError = exc
        return api
    except (ConnectionLostError, RequestTimeoutError, ResponseTooLargeError) as exc:
        transport: TransportError = exc
        return transport.url
    except (RunVanishedError, WatchFailedError, IModelBusyError) as exc:
        watch: WatchError = exc
        assert_type(exc.ref, RunRef | None)
        return watch
    except CredentialsError as exc:
        token: TokenError = exc
        return token
    except LocationError as exc:
        protocol: ProtocolError = exc
        return protocol
    except UsageError as exc:
        misused: RuntimeError = exc
        return misused
    except RunNotCompletedError as exc:
        return exc
    except InvalidArgumentError as exc:
        value: ValueError = exc
        version: str = __version__
        return value, version
