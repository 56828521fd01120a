"""The OAuth token issuer: service applications, the sign-in of people (OpenID Connect), and the tokens of both."""
