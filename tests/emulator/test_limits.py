"""Rate limits by tier, and the headers of a 429."""

from datetime import UTC, datetime

import anyio
import pytest
from support.quick import length

pytestmark = pytest.mark.looptime(start=0)
PATH = "/synchronization/imodels/connections/authorizationinformation"


async def statuses(api, count):
    return [(await api.get(PATH)).status for _ in range(count)]


async def test_the_community_tier_allows_500_requests_per_minute(serving):
    async with serving(tier="community") as api:
        assert set(await statuses(api, 500)) == {200}
        refused = await api.get(PATH)
        assert refused.status == 429
        assert refused.error == {
            "code": "RateLimitExceeded",
            "message": "The client sent more requests than allowed by this API for the current tier of the client.",
        }
        assert refused.headers["Retry-After"] == "60"
        assert refused.headers["ITwinPlatform-RateLimited-Tier"] == "Community"
        assert refused.headers["ITwinPlatform-RateLimited-API"] == "synchronization"
        assert refused.headers["ITwinPlatform-RateLimited-Operation"] == "get-authorization-information"
        assert refused.headers["ITwinPlatform-RateLimited-Application"] == api.emulator.client_id


async def test_a_window_slides_and_a_refused_request_does_not_count(serving):
    async with serving(per_minute=2) as api:
        assert await statuses(api, 1) == [200]
        await anyio.sleep(30)
        assert await statuses(api, 2) == [200, 429]
        await anyio.sleep(29.5)
        assert (await api.get(PATH)).headers["Retry-After"] == "1"
        await anyio.sleep(0.5)
        assert await statuses(api, 2) == [200, 429]


async def test_the_hour_has_its_own_limit(serving):
    async with serving(per_hour=2) as api:
        assert await statuses(api, 2) == [200, 200]
        await anyio.sleep(1800)
        assert (await api.get(PATH)).headers["Retry-After"] == "1800"


async def test_all_tokens_of_a_client_share_its_quota(serving):
    async with serving(per_minute=1) as api:
        assert await statuses(api, 1) == [200]
        api.token = api.emulator.token()
        assert await statuses(api, 1) == [429]
        api.token = api.emulator.token(client_id="another")
        assert await statuses(api, 1) == [200]


async def test_unauthorized_and_token_requests_do_not_count(serving):
    async with serving(per_minute=1) as api:
        assert (await api.get(PATH, headers={"Authorization": ""})).status == 401
        assert (await api.get("/.well-known/openid-configuration")).status == 200
        assert await statuses(api, 1) == [200]


@pytest.mark.parametrize("tier", length(["standard"], ["standard", "premium", "custom", "unlimited"]))
async def test_higher_tiers_allow_more_than_500_requests(serving, tier):
    async with serving(tier=tier) as api:
        assert set(await statuses(api, 600)) == {200}


async def test_a_429_can_have_the_older_code_and_the_gateways_form(serving):
    async with serving(per_minute=1, rate_limit_code="TooManyRequests", wrapped_errors=False) as api:
        await api.get(PATH)
        assert (await api.get(PATH)).json == {
            "code": "TooManyRequests",
            "message": "More requests were received than the subscription rate-limit allows.",
        }


async def test_retry_after_can_be_a_date_or_missing(serving):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with serving(per_minute=1, retry_after="date", start=start) as api:
        await api.get(PATH)
        assert (await api.get(PATH)).headers["Retry-After"] == "Thu, 01 Jan 2026 00:01:00 GMT"
    async with serving(per_minute=1, retry_after="none") as api:
        await api.get(PATH)
        assert "Retry-After" not in (await api.get(PATH)).headers
