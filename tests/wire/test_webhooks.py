import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async import InvalidArgumentError, ReplayGuard, RunRef, WebhookError, verify_webhook
from bentley_sync_async.models import WebhookContent, WebhookMessage

SECRET = "4eb25d308ef2a9722ffbd7a2b7e5026f9d1f2feaca5999611d4ef8692b1ad70d"
SENT = datetime(2023, 11, 3, 20, 7, 1, tzinfo=UTC)
RUN, IMODEL, CONNECTION = "b0d9b3b1-0c2e-4f4d-8a0f-6d6c0a0c7b11", "54903ab0-6c75-41ba-a4ee-233aaa030cd6", "a_-" * 14
MESSAGE, WEBHOOK, ITWIN = "m-1", "72a10fad-103d-4e23-9a43-a4ddf2ef61cc", "5fb9aa98-9874-4697-b942-d19728840f19"
BODY = (
    b'{"content":{"synchronizationId":"%b","iModelId":"%b","connectionId":"%b","result":"success"},\n'
    b' "eventType":"synchronization.jobCompleted.v1","enqueuedDateTime":"11/3/2023 8:07:01 PM","iTwinId":"%b",'
    b'"messageId":"%b","webhookId":"%b"}'
) % tuple(text.encode() for text in (RUN, IMODEL, CONNECTION, ITWIN, MESSAGE, WEBHOOK))


def signature(body, secret=SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body=BODY, headers=None, *, secret=SECRET, now=SENT, seen=(), **options):
    headers = {"Signature": signature(body)} if headers is None else headers
    return verify_webhook(body, headers, secret=secret, now=now, seen=seen, **options)


def changed(**changes):
    """The message with other members; `None` leaves one out."""
    message = json.loads(BODY)
    for place in (message, message["content"]):
        for name in changes.keys() & place.keys():
            place[name] = changes[name]
            if changes[name] is None:
                del place[name]
    return json.dumps(message).encode()


def refused(*args, **options):
    with pytest.raises(WebhookError) as caught:
        verify(*args, **options)
    return caught.value.status, str(caught.value)


# What is taken.


def test_a_message_says_what_the_page_shows():
    content = WebhookContent(synchronization_id=RUN, imodel_id=IMODEL, connection_id=CONNECTION, result="success")
    assert verify() == WebhookMessage(
        content=content,
        event_type="synchronization.jobCompleted.v1",
        enqueued_date_time=SENT,
        itwin_id=ITWIN,
        message_id=MESSAGE,
        webhook_id=WEBHOOK,
    )


def test_a_message_names_its_run():
    assert verify().ref == RunRef(connection_id=CONNECTION, run_id=RUN)


def test_a_signature_is_the_one_that_others_compute():
    # RFC 4231, test case 2.
    assert signature(b"what do ya want for nothing?", "Jefe").endswith(
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@each("name", ["Signature", "signature", "SIGNATURE"])
def test_the_header_is_found_in_any_case(name):
    assert verify(headers={"Content-Type": "application/json", name: signature(BODY)}).message_id == MESSAGE


def test_the_digits_of_a_signature_may_be_large():
    digits = signature(BODY).removeprefix("sha256=").upper()
    assert verify(headers={"Signature": f"sha256={digits} "}).message_id == MESSAGE


@each(
    ("text", "instant"),
    [
        ("1/2/2024 12:00:00 AM", datetime(2024, 1, 2, 0, 0, 0, tzinfo=UTC)),
        ("12/31/2024 12:59:59 PM", datetime(2024, 12, 31, 12, 59, 59, tzinfo=UTC)),
        ("02/29/2024 01:02:03 AM", datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)),
        ("2024-01-02T03:04:05", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05+02:00", datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_date_is_american_or_that_of_the_rest_of_the_api(text, instant):
    assert verify(changed(enqueuedDateTime=text), now=instant).enqueued_date_time == instant


def test_members_that_the_page_does_not_show_do_no_harm():
    body = BODY[:-1] + b', "more": [1, {"result": null}]}'
    assert verify(body).message_id == MESSAGE


# Forged messages.


def test_a_message_with_another_secret_is_refused():
    assert refused(secret="another") == (
        401,
        "The signature does not match the body: the secret is wrong, or the body is not what the platform sent.",
    )


def test_a_message_without_a_signature_is_refused():
    assert refused(headers={"X-Signature": signature(BODY)}) == (401, "The header Signature is missing.")


@given(place=st.integers(0, len(BODY) - 1), bits=st.integers(1, 255))
def test_a_message_of_which_any_byte_was_changed_is_refused(place, bits):
    body = bytearray(BODY)
    body[place] ^= bits
    assert refused(bytes(body), {"Signature": signature(BODY)})[0] == 401


@each(
    "forged",
    [
        "",
        "sha256=",
        "sha256",
        "sha1=" + "0" * 40,
        signature(BODY)[:-1],
        signature(BODY) + "0",
        signature(BODY).removeprefix("sha256="),
        "sha256=" + "é" * 64,
        "sha256=\udce9",
        "sha256=" + "0" * 100_000,
    ],
)
def test_a_signature_that_is_not_whole_is_refused(forged):
    assert refused(headers={"Signature": forged})[0] == 401


def test_what_is_wrong_with_a_message_of_a_stranger_is_not_said():
    assert refused(b"{", {"Signature": signature(BODY)})[0] == 401


def test_a_refusal_shows_no_secret():
    _, text = refused(headers={"Signature": "sha256=" + SECRET})
    assert SECRET not in text
    assert signature(BODY) not in text


def test_a_body_that_no_message_has_is_refused_before_it_is_read():
    body = b" " * (64 * 1024) + BODY
    assert refused(body)[0] == 413


def test_a_body_that_is_just_not_too_large_is_read():
    assert verify(BODY + b" " * (64 * 1024 - len(BODY))).message_id == MESSAGE
    assert refused(BODY + b" " * (64 * 1024 - len(BODY) + 1))[0] == 413


# Repetitions.


def test_a_message_that_came_before_is_refused():
    assert refused(seen={MESSAGE}) == (200, "The message m-1 was received before.")


@each("age", [0, 3600, -300])
def test_a_message_of_the_last_hour_is_taken(age):
    assert verify(now=SENT + timedelta(seconds=age)).message_id == MESSAGE


@each(
    ("age", "words"),
    [
        (3601, "is 3601 s old; 3600 s are allowed"),
        (-301, "is dated 301 s in the future; check the clock of this machine"),
    ],
)
def test_a_message_of_another_time_is_refused(age, words):
    status, text = refused(now=SENT + timedelta(seconds=age))
    assert status == 400
    assert words in text


def test_the_allowed_age_can_be_chosen():
    assert refused(now=SENT + timedelta(seconds=11), max_age=10)[0] == 400
    assert verify(now=SENT + timedelta(days=400), max_age=None).message_id == MESSAGE
    assert verify(now=SENT - timedelta(days=400), max_age=None).message_id == MESSAGE


def test_the_instant_may_be_given_in_any_zone():
    assert verify(now=SENT.astimezone(timezone(timedelta(hours=-8)))).message_id == MESSAGE


# Messages that cannot be.


@each("event", ["iModels.iModelDeleted.v1", "synchronization.jobCompleted.v2"])
def test_another_event_is_of_no_use_but_need_not_be_sent_again(event):
    status, text = refused(changed(eventType=event))
    assert (status, f"{event} is not synchronization.jobCompleted.v1" in text) == (200, True)


@each("body", [b"", b"{", b"[]", b"null", b"7", b"\xff", b"[" * 50_000])
def test_a_body_that_is_no_object_is_refused(body):
    assert refused(body)[0] == 400


@each(
    "name", ["synchronizationId", "connectionId", "iModelId", "result", "iTwinId", "messageId", "webhookId", "content"]
)
@each("value", [None, "", 7, [], {}])
def test_a_message_with_a_member_missing_or_of_another_kind_is_refused(name, value):
    assert refused(changed(**{name: value}))[0] == 400


@each("name", ["synchronizationId", "connectionId"])
@each("value", ["..", "https://evil.example/", "a b", "x" * 257])
def test_an_id_that_cannot_be_one_is_refused(name, value):
    assert refused(changed(**{name: value}))[0] == 400


@each(
    "text",
    [
        "13/1/2023 8:07:01 PM",
        "2/30/2023 8:07:01 PM",
        "11/3/2023 0:07:01 PM",
        "11/3/2023 13:07:01 PM",
        "11/3/2023 8:60:01 PM",
        "11/3/2023 8:07:61 PM",
        "11/3/0000 8:07:01 PM",
        "11/3/2023 20:07:01",
        "yesterday",
        "٣/3/2023 8:07:01 PM",
    ],
)
def test_a_date_that_cannot_be_is_refused(text):
    status, words = refused(changed(enqueuedDateTime=text), max_age=None)
    assert status == 400
    assert "$.enqueuedDateTime" in words


@given(body=st.binary(max_size=300))
def test_whatever_the_platform_signs_is_taken_or_refused(body):
    assert refused(body)[0] in {200, 400}


# Slips of the caller.


def test_an_empty_secret_is_no_secret():
    with pytest.raises(InvalidArgumentError, match="secret must not be empty"):
        verify(secret="")


def test_an_instant_without_a_zone_is_none():
    with pytest.raises(InvalidArgumentError, match="now must have a zone"):
        verify(now=SENT.replace(tzinfo=None))


# What was seen.


def test_a_message_that_was_seen_is_kept_for_as_long_as_it_could_be_taken_again():
    seen = ReplayGuard(max_age=3600)
    seen.add("early", SENT)
    seen.add("late", SENT + timedelta(seconds=3900))
    assert "early" in seen
    seen.add("later", SENT + timedelta(seconds=3901))
    assert ("early" in seen, "late" in seen, "never" in seen, len(seen)) == (False, True, False, 2)


def test_where_age_does_not_matter_nothing_is_forgotten():
    seen = ReplayGuard(max_age=None)
    seen.add("early", SENT)
    seen.add("late", SENT + timedelta(days=9999))
    assert "early" in seen
