"""The settings of a client and the environment variables."""

import attrs
import pytest
from support.quick import each

from bentley_sync_async import ConfigurationError, Environment, RateTier, Timeouts
from bentley_sync_async.config import SCOPE, ClientConfig, addresses, from_env, root_url

PROD, PROD_ISSUER = "https://api.bentley.com", "https://ims.bentley.com"
TOKEN = {"BENTLEY_SYNC_TOKEN": "t0k3n"}
SERVICE = {"BENTLEY_SYNC_CLIENT_ID": "service-1", "BENTLEY_SYNC_CLIENT_SECRET": "hunter2"}


def refusal(call, /, *args, **kwargs):
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_the_scope_is_that_of_the_pages():
    assert SCOPE == "itwin-platform"


@each(
    ("environment", "base_url", "issuer"),
    [
        (Environment.PROD, PROD, PROD_ISSUER),
        (Environment.QA, "https://qa-api.bentley.com", "https://qa-ims.bentley.com"),
        (Environment.DEV, "https://dev-api.bentley.com", "https://qa-ims.bentley.com"),
    ],
)
def test_an_environment_has_the_hosts_of_the_pages(environment, base_url, issuer):
    assert (environment.base_url, environment.issuer) == (base_url, issuer)


@each("name", ["qa", "QA", " Qa "])
def test_an_environment_is_found_by_its_name_in_any_case(name):
    assert Environment.named(name) is Environment.QA


def test_an_unknown_environment_is_rejected_with_a_list_of_the_known_ones():
    assert refusal(Environment.named, "staging") == "There is no environment 'staging'; there are: prod, qa, dev."


@each(
    ("url", "root"),
    [
        (PROD, PROD),
        (f"{PROD}/", PROD),
        (f" {PROD} ", PROD),
        (f"{PROD}:8443", f"{PROD}:8443"),
        ("HTTPS://api.bentley.com", PROD),
        ("https://gateway.example/bentley/", "https://gateway.example/bentley"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST:8080", "http://LOCALHOST:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_root_url_loses_its_trailing_slash(url, root):
    assert root_url(url, "base_url") == root


@each(
    "url",
    [
        "",
        "  ",
        "api.bentley.com",
        "api.bentley.com:443",
        "localhost:8080",
        "/synchronization",
        "https://",
        "https:///path",
        "ftp://api.bentley.com",
        "file:///etc/passwd",
    ],
)
def test_a_text_that_is_no_http_url_is_rejected(url):
    assert refusal(root_url, url, "base_url").startswith("base_url must be a URL like https://api.bentley.com")


@each("url", ["https://[::1", "https://api.bentley.com:port", "https://api.bentley.com:99999"])
def test_a_url_that_cannot_be_parsed_is_rejected(url):
    assert refusal(root_url, url, "base_url").startswith("base_url is not a URL")


@each(
    "url",
    [
        "https://user:hunter2@api.bentley.com",
        "https://hunter2@api.bentley.com",
        "https://:hunter2@api.bentley.com",
        "https://api.bentley.com?token=hunter2",
        "https://api.bentley.com#hunter2",
    ],
)
def test_a_root_url_with_credentials_query_or_fragment_is_rejected_without_showing_them(url):
    text = refusal(root_url, url, "base_url")
    assert text.startswith("base_url must hold no user, password, query or fragment")
    assert "hunter2" not in text


@each(
    "url",
    [
        "http://api.bentley.com",
        "HTTP://api.bentley.com",
        "http://localhost.evil.example",
        "http://evil.example/localhost",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
    ],
)
def test_plain_http_to_anything_but_loopback_is_rejected(url):
    assert "plain http" in refusal(root_url, url, "base_url")


def test_plain_http_with_a_loopback_name_as_its_user_is_rejected():
    assert refusal(root_url, "http://localhost@evil.example", "base_url")


@each("setting", ["base_url", "issuer"])
def test_the_settings_of_a_client_reject_plain_http_by_name(setting):
    assert refusal(ClientConfig, **{setting: "http://evil.example"}).startswith(f"{setting} is plain http")


def test_the_default_settings_are_those_of_production():
    assert ClientConfig() == ClientConfig(
        base_url=PROD,
        issuer=PROD_ISSUER,
        timeouts=Timeouts(connect=10, request=60, call=900),
        max_body_bytes=64 * 2**20,
    )


@each("cls", [ClientConfig, Timeouts])
def test_settings_are_frozen_and_given_by_keyword(cls):
    assert all(field.kw_only for field in attrs.fields(cls))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(cls(), attrs.fields(cls)[0].name, 1)


@each("name", ["connect", "request", "call"])
@each("seconds", [0, -1, float("nan")])
def test_an_invalid_timeout_is_rejected_by_name(name, seconds):
    assert refusal(Timeouts, **{name: seconds}) == f"{name} must be more than 0, not {seconds!r}."


def test_an_invalid_size_limit_is_rejected_by_name():
    assert refusal(ClientConfig, max_body_bytes=0) == "max_body_bytes must be more than 0, not 0."


@each(
    ("environment", "base_url", "issuer", "expected"),
    [
        (Environment.QA, None, None, ("https://qa-api.bentley.com", "https://qa-ims.bentley.com")),
        (Environment.QA, None, "https://i.example", ("https://qa-api.bentley.com", "https://i.example")),
        (Environment.QA, "https://b.example", None, ("https://b.example", "https://qa-ims.bentley.com")),
        (Environment.QA, "https://b.example", "https://i.example", ("https://b.example", "https://i.example")),
        (Environment.QA, "http://127.0.0.1:1", None, ("http://127.0.0.1:1", "http://127.0.0.1:1")),
        (Environment.QA, "http://127.0.0.1:1", "https://i.example", ("http://127.0.0.1:1", "https://i.example")),
    ],
)
def test_given_addresses_replace_those_of_the_environment(environment, base_url, issuer, expected):
    assert addresses(environment, base_url, issuer) == expected


@each("name", ["Community", "TRIAL", " community "])
def test_a_tier_is_found_by_its_names(name):
    assert RateTier.named(name) is RateTier.COMMUNITY


def test_an_unknown_tier_is_rejected_with_a_list_of_the_known_ones():
    with pytest.raises(ConfigurationError, match="no rate tier 'gold'; there are: community, trial, standard, basic"):
        RateTier.named("gold")


@each("limits", [{"per_minute": 0}, {"per_hour": -1}, {"per_minute": "many"}])
def test_a_limit_must_be_positive(limits):
    with pytest.raises(ConfigurationError, match="must be more than 0"):
        RateTier(name="none", **limits)


@each("share", [0, -0.5, 1.5, float("nan"), "half"])
def test_a_share_must_be_above_0_and_at_most_1(share):
    with pytest.raises(ConfigurationError, match="share must be more than 0 and at most 1"):
        ClientConfig(share=share)


class TestFromEnv:
    def test_takes_a_token(self):
        settings = from_env(TOKEN)
        assert (settings.token, settings.client_id, settings.client_secret) == ("t0k3n", None, None)

    def test_takes_client_credentials(self):
        settings = from_env(SERVICE)
        assert (settings.token, settings.client_id, settings.client_secret) == (None, "service-1", "hunter2")

    def test_takes_both_a_token_and_client_credentials(self):
        settings = from_env(TOKEN | SERVICE)
        assert (settings.token, settings.client_id, settings.client_secret) == ("t0k3n", "service-1", "hunter2")

    def test_uses_production_by_default(self):
        assert from_env(TOKEN).config == ClientConfig()

    @each(
        ("variables", "base_url", "issuer"),
        [
            ({"ENVIRONMENT": "qa"}, "https://qa-api.bentley.com", "https://qa-ims.bentley.com"),
            ({"ENVIRONMENT": "DEV"}, "https://dev-api.bentley.com", "https://qa-ims.bentley.com"),
            ({"ENVIRONMENT": "prod"}, PROD, PROD_ISSUER),
            ({"ENVIRONMENT": ""}, PROD, PROD_ISSUER),
            ({"ENVIRONMENT": " Dev\n"}, "https://dev-api.bentley.com", "https://qa-ims.bentley.com"),
            ({"BASE_URL": "  "}, PROD, PROD_ISSUER),
            (
                {"BASE_URL": "http://127.0.0.1:1/", "ISSUER": "http://127.0.0.1:2/"},
                "http://127.0.0.1:1",
                "http://127.0.0.1:2",
            ),
            ({"BASE_URL": "https://b.example/path/"}, "https://b.example/path", PROD_ISSUER),
            ({"ISSUER": "https://i.example/"}, PROD, "https://i.example"),
            ({"ENVIRONMENT": "qa", "BASE_URL": "https://b.example"}, "https://b.example", "https://qa-ims.bentley.com"),
            ({"BASE_URL": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ({"BASE_URL": "http://[::1]:1", "ISSUER": "https://i.example"}, "http://[::1]:1", "https://i.example"),
        ],
    )
    def test_takes_the_addresses_that_are_given(self, variables, base_url, issuer):
        config = from_env(TOKEN | {f"BENTLEY_SYNC_{name}": value for name, value in variables.items()}).config
        assert (config.base_url, config.issuer) == (base_url, issuer)

    @each(
        ("environ", "missing"),
        [
            ({}, "set BENTLEY_SYNC_CLIENT_ID and BENTLEY_SYNC_CLIENT_SECRET for"),
            ({"BENTLEY_SYNC_CLIENT_ID": "service-1"}, "set BENTLEY_SYNC_CLIENT_SECRET for"),
            ({"BENTLEY_SYNC_CLIENT_SECRET": "hunter2"}, "set BENTLEY_SYNC_CLIENT_ID for"),
            (SERVICE | {"BENTLEY_SYNC_CLIENT_ID": "\n"}, "set BENTLEY_SYNC_CLIENT_ID for"),
            ({"BENTLEY_SYNC_TOKEN": "  "}, "or BENTLEY_SYNC_TOKEN."),
            ({"CLIENT_ID": "a", "CLIENT_SECRET": "b", "TOKEN": "c"}, "or BENTLEY_SYNC_TOKEN."),
        ],
    )
    def test_names_the_missing_variables(self, environ, missing):
        assert missing in refusal(from_env, environ)

    @each("name", ["BENTLEY_SYNC_BASE_URL", "BENTLEY_SYNC_ISSUER"])
    @each("url", ["api.bentley.com", "http://api.bentley.com", "https://u:hunter2@api.bentley.com"])
    def test_names_an_invalid_address(self, name, url):
        text = refusal(from_env, TOKEN | {name: url})
        assert text.startswith(name)
        assert "hunter2" not in text

    def test_names_an_unknown_environment(self):
        assert "'staging'" in refusal(from_env, TOKEN | {"BENTLEY_SYNC_ENVIRONMENT": "staging"})

    def test_ignores_white_space_around_a_value(self):
        assert from_env({"BENTLEY_SYNC_TOKEN": " t0k3n\n"}).token == "t0k3n"

    def test_shows_no_secret(self):
        shown = repr(from_env(TOKEN | SERVICE))
        assert "t0k3n" not in shown
        assert "hunter2" not in shown

    def test_shows_no_secret_when_another_variable_is_missing(self):
        assert "hunter2" not in refusal(from_env, {"BENTLEY_SYNC_CLIENT_SECRET": "hunter2"})
