from hypothesis import given
from hypothesis import strategies as st
from support.pages import ERROR_PAGES, payload
from support.quick import each

from bentley_sync_async import (
    APIError,
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ProblemDetail,
    RateLimitedError,
    ServerError,
    UnprocessableError,
)
from bentley_sync_async.wire.problems import Problem, api_error, decode_problem

CLASSES = {
    400: APIError,
    401: AuthenticationError,
    402: APIError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: APIError,
    409: ConflictError,
    410: APIError,
    422: UnprocessableError,
    429: RateLimitedError,
    499: APIError,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
    599: ServerError,
}


def error_of(body=b"", *, status=404, headers=None, url="https://h/x"):
    return api_error(status=status, headers=headers or {}, body=body, method="GET", url=url)


@each(("status", "cls"), CLASSES.items())
def test_every_status_has_its_class(status, cls):
    error = error_of(status=status)
    assert type(error) is cls
    assert error.status == status


@each("name", ERROR_PAGES)
def test_an_error_of_the_pages_has_the_class_of_its_status(name):
    assert type(error_of(payload(name), status=int(name[-3:]))) is CLASSES[int(name[-3:])]


def test_an_error_carries_what_the_service_said():
    error = error_of(
        payload("run-storage-connection/422"), status=422, headers={"retry-after": "5", "x-correlation-id": "abc"}
    )
    assert (error.code, error.message, error.target, error.retry_after, error.request_id, error.method, error.url) == (
        "InvalidStorageConnectionRunRequest",
        "Cannot perform operation.",
        None,
        5.0,
        "abc",
        "GET",
        "https://h/x",
    )
    assert error.details == (
        ProblemDetail(code="InvalidValue", message="Provided connectionId value is not valid.", target="connectionId"),
    )


@each(
    ("body", "problem"),
    [
        (b'{"error": {"code": "C", "message": "M", "target": "T"}}', Problem(code="C", message="M", target="T")),
        (b'{"error": {"code": "C", "message": "M", "target": null}}', Problem(code="C", message="M")),
        (b'{"code": "TooManyRequests", "message": "M"}', Problem(code="TooManyRequests", message="M")),
        (b'{"statusCode": 401, "message": "Access denied."}', Problem(message="Access denied.")),
        (b'{"error": {"code": "C"}, "message": "M"}', Problem(code="C")),
        (b'{"error": {"code": 5, "message": ["M"], "target": {}}}', Problem()),
        (b'{"error": {"code": "", "message": ""}}', Problem()),
        (b'{"error": {"code": "C", "details": null}}', Problem(code="C")),
        (b'{"error": {"code": "C", "details": {"code": "D"}}}', Problem(code="C")),
        (b'{"error": {"code": "C", "details": [null, 5, "x", []]}}', Problem(code="C")),
        (
            b'{"error": {"code": "C", "details": [{}, {"code": "D", "target": 5}]}}',
            Problem(code="C", details=(ProblemDetail(), ProblemDetail(code="D"))),
        ),
        (b'{"error": null}', Problem()),
        (b'{"error": "invalid_client"}', Problem()),
        (b"[]", Problem()),
        (b"5", Problem()),
        (b"", Problem()),
        (b"<html></html>", Problem()),
        (b'{"error": {"code": "C"', Problem()),
        (b"\xff", Problem()),
        (b"[" * 100_000, Problem()),
    ],
)
def test_an_error_body_says_what_it_says_and_never_fails(body, problem):
    assert decode_problem(body) == problem


def test_the_details_of_an_error_are_bounded_in_number():
    body = b'{"error": {"details": [%s]}}' % b",".join([b'{"code": "D"}'] * 1000)
    assert len(decode_problem(body).details) == 50


def test_the_words_of_an_error_are_bounded_in_length():
    assert len(decode_problem(b'{"error": {"message": "%s"}}' % (b"x" * 9999)).message or "") == 501


@each("member", ["code", "message", "target"])
def test_the_words_of_an_error_show_no_secret(member):
    body = b'{"error": {"%s": "Bearer hunter2", "details": [{"%s": "sig=hunter2"}]}}' % (
        member.encode(),
        member.encode(),
    )
    assert "hunter2" not in str(error_of(body))


def test_the_url_of_an_error_shows_no_secret():
    error = error_of(url="https://h/x?sig=hunter2&$top=5")
    assert error.url == "https://h/x?sig=[hidden]&$top=5"
    assert "hunter2" not in str(error)


@each("body", [b'{"statusCode": 401, "message": "M"}', b'{"error": {"message": "M"}}'])
def test_an_error_without_a_code_has_its_message(body):
    assert error_of(body).message == "M"


@each(
    ("headers", "body", "message"),
    [
        ({"content-type": "text/html; charset=utf-8"}, b"<h1>\n502</h1>", "(text/html) <h1> 502</h1>"),
        ({}, b"upstream is down", "(unknown type) upstream is down"),
        ({"content-type": "application/json"}, b'{"error": {"code"', '(application/json) {"error": {"code"'),
        ({"content-type": "text/plain"}, b"\xff\xfe", "(text/plain) \ufffd\ufffd"),
        ({"content-type": "text/html"}, b"", None),
        ({"content-type": "text/html"}, b" \r\n ", None),
    ],
)
def test_a_body_that_is_not_from_the_service_is_reported_in_one_line(headers, body, message):
    assert error_of(body, status=502, headers=headers).message == message


def test_a_body_that_is_not_from_the_service_is_reported_shortened_and_without_secrets():
    message = error_of(b"<html>Authorization: Bearer hunter2" + b"x" * 9999).message
    assert "hunter2" not in message
    assert len(message) < 200


def test_an_error_without_a_body_says_so():
    assert "no error object in the answer" in str(error_of())


@given(
    st.integers(400, 599),
    st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), st.text()),
    st.binary(),
)
def test_any_answer_of_an_error_status_is_an_api_error(status, headers, body):
    assert isinstance(error_of(body, status=status, headers=headers), APIError)
