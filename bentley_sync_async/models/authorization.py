"""Whether a user has authorized the service to work for them (page `get-authorization-information`)."""

from attrs import frozen

from .links import Link


@frozen(kw_only=True)
class AuthorizationLinks:
    """Where to go from an authorization information.

    Attributes:
        authorization_url: The page on which the user consents, in a browser.
    """

    authorization_url: Link | None = None


@frozen(kw_only=True)
class AuthorizationInformation:
    """Whether the calling user has consented to runs of connections with `AuthenticationType.USER`.

    Without the consent such a run is accepted and ends with the error key `UserNotAuthenticated`.

    Attributes:
        is_user_authorized: Whether the consent is there; it lasts about 30 days.
        links: Where to give it; meaningless once it is there.
    """

    is_user_authorized: bool
    links: AuthorizationLinks = AuthorizationLinks()
