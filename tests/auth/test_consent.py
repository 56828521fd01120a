"""The consent to runs of User connections, asked for until it is there."""

import anyio
import pytest
from support.people.visitor import Visitor, emulator, visit

from bentley_sync_async import ProtocolError, SignInError, SynchronizationClient, TokenUnavailableError
from bentley_sync_async.auth import consent
from bentley_sync_async.models import AuthorizationInformation, AuthorizationLinks, Link

MISSING = AuthorizationInformation(
    is_user_authorized=False, links=AuthorizationLinks(authorization_url=Link(href="https://portal.example/consent"))
)
GIVEN = AuthorizationInformation(is_user_authorized=True)


class Service:
    """Gives its answers one after the other, and the last one again and again."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def __call__(self, redirect_url):
        self.asked.append((anyio.current_time(), redirect_url))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


async def test_a_person_consents_at_the_emulator():
    async with emulator() as service, SynchronizationClient(service.token(), base_url=service.url) as client:
        async with anyio.create_task_group() as group:
            visitor = Visitor(group)
            assert await consent(client.authorization.get, show=visitor) is True
        assert (await client.authorization.get()).is_user_authorized
        assert await consent(client.authorization.get, show=visitor) is False
    assert len(visitor.urls) == 1


async def test_it_is_asked_every_two_seconds_and_at_once_when_the_browser_comes_back():
    service, shown = Service(MISSING, MISSING, MISSING, GIVEN), []
    async with anyio.create_task_group() as group:

        def show(url):
            shown.append(url)
            group.start_soon(come_back)

        async def come_back():
            await anyio.sleep(2.5)
            assert "Back to the terminal" in (await visit(service.asked[0][1]))[1]

        assert await consent(service, show=show) is True
    times = [time - service.asked[0][0] for time, _ in service.asked]
    assert times == pytest.approx([0, 2, 2.5, 4.5], abs=0.3)
    assert shown == ["https://portal.example/consent"]
    assert len({uri for _, uri in service.asked}) == 1


async def test_a_consent_that_is_not_given_is_waited_for_as_long_as_asked():
    began = anyio.current_time()
    with pytest.raises(SignInError, match="no consent in time"):
        await consent(Service(MISSING), show=print, timeout=100)
    assert 100 <= anyio.current_time() - began < 103


async def test_without_a_page_to_consent_on_there_is_nothing_to_show():
    with pytest.raises(ProtocolError, match="not where to give it"):
        await consent(Service(AuthorizationInformation(is_user_authorized=False)), show=print)


async def test_what_the_service_refuses_is_raised():
    with pytest.raises(TokenUnavailableError):
        await consent(Service(MISSING, TokenUnavailableError("No token.")), show=print)
