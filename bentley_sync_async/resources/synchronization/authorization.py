"""Whether the calling user lets the service work for them."""

from __future__ import annotations

from bentley_sync_async.models import AuthorizationInformation
from bentley_sync_async.resources.base import Resource


class Authorization(Resource):
    """`client.authorization`."""

    async def get(self, redirect_url: str | None = None) -> AuthorizationInformation:
        """Return whether the calling user has consented, and where to do so (`get-authorization-information`).

        Args:
            redirect_url: Where the browser goes after the consent. Older versions of the service require it.

        Raises:
            UnprocessableError: It is not a URL.
        """
        path = "imodels/connections/authorizationinformation"
        request = self._request("GET", path, query={"redirectUrl": redirect_url})
        return await self._one(request, "authorizationInformation", AuthorizationInformation)
