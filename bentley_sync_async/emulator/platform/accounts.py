"""Accounts: people, and service applications, each of which the platform knows as a user of its own."""

from __future__ import annotations

from attrs import frozen

from bentley_sync_async.emulator.platform.ids import user_of


@frozen(kw_only=True)
class Account:
    """A user of the platform.

    Attributes:
        subject: The user's id, which a token has as `sub`: a hash of the e-mail address.
        email: The user's e-mail address, in lower case.
        given_name: The user's given name.
        surname: The user's surname.
    """

    subject: str
    email: str
    given_name: str
    surname: str


@frozen(kw_only=True)
class Caller:
    """Whose token a request carries.

    Attributes:
        client_id: The application.
        account: The person who signed in to it, or the application's own account.
    """

    client_id: str
    account: Account


class Accounts:
    """All accounts that have had a token.

    Attributes:
        by_subject: The accounts by their subject.
    """

    def __init__(self) -> None:
        self.by_subject: dict[str, Account] = {}

    def person(self, email: str) -> Account:
        """Return the account of a person, whose name is made of the address: `jane.doe@` is Jane Doe."""
        given_name, _, surname = email.partition("@")[0].replace(".", " ").title().partition(" ")
        return self._add(email, given_name, surname or "User")

    def service(self, client_id: str) -> Account:
        """Return the account of a service application (facts of the platform: its e-mail address)."""
        return self._add(f"{client_id}@apps.imsoidc.bentley.com", client_id, "Service")

    def _add(self, email: str, given_name: str, surname: str) -> Account:
        email = email.lower()
        account = Account(subject=user_of(email), email=email, given_name=given_name, surname=surname)
        return self.by_subject.setdefault(account.subject, account)
