"""Settings: variables win over the profile, and the file of the profiles is read strictly and changed with care."""

import stat

import pytest

from bentley_sync_async import ClientCredentials, ConfigurationError, RetryPolicy
from bentley_sync_async.auth import NativeApplication
from bentley_sync_async.cli import clients
from bentley_sync_async.cli.settings import SETTINGS, read_profiles, resolve
from bentley_sync_async.cli.settings.profile_file import config_path

QA = """\
# who we are
profile = "qa"

[profiles.qa]  # the test system
environment = "qa"
client_id = "native-1"  # registered by Jane
itwin = "bridges"
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "config.toml"


@pytest.fixture
def settings(file):
    """Resolve the settings of a text in the file, and of variables."""

    def resolved(text="", **variables):
        if text:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
        named = {SETTINGS.get(name, f"BENTLEY_SYNC_{name.upper()}"): value for name, value in variables.items()}
        return resolve({"BENTLEY_SYNC_CONFIG": str(file)} | named)

    return resolved


def test_without_a_file_nothing_is_set(settings):
    found = settings()
    assert (found.profile, dict(found.made)) == ("default", {})


def test_the_profile_in_use_has_its_settings(settings):
    found = settings(QA)
    assert found.profile == "qa"
    assert {name: setting.value for name, setting in found.made.items()} == {
        "environment": "qa",
        "client_id": "native-1",
        "itwin": "bridges",
    }
    assert {setting.source for setting in found.made.values()} == {"profile qa"}


def test_a_variable_wins_over_the_profile_and_an_empty_one_does_not(settings):
    found = settings(QA, itwin="roads", client_id=" ")
    assert (found.get("itwin"), found.made["itwin"].source) == ("roads", "BENTLEY_SYNC_ITWIN")
    assert (found.get("client_id"), found.made["client_id"].source) == ("native-1", "profile qa")


@pytest.mark.parametrize("name", ["environment", "base_url", "issuer"])
def test_an_address_in_a_variable_hides_those_of_the_profile(settings, name):
    profile = QA + 'base_url = "https://qa.example"\nissuer = "https://ims.example"\n'
    value = "prod" if name == "environment" else "http://127.0.0.1:1"
    found = settings(profile, **{name: value})
    assert {one: found.get(one) for one in ("environment", "base_url", "issuer") if found.get(one)} == {name: value}
    assert found.get("itwin") == "bridges"


def test_a_variable_chooses_the_profile(settings):
    text = QA + '\n[profiles."other"]\ntier = "premium"\n'
    assert settings(text, profile="other").get("tier") == "premium"
    assert dict(settings(text, profile="default").made) == {}


def test_a_profile_that_is_not_there_is_named_with_those_that_are(settings, file):
    with pytest.raises(ConfigurationError, match=rf"no profile 'dev' in {file}; there are: default, qa\. To make it"):
        settings(QA, profile="dev")
    with pytest.raises(ConfigurationError, match="no profile 'gone'"):
        settings('profile = "gone"')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", r"config\.toml cannot be read: .*line 1"),
        ('x = 1\nprofile = "a"', r"config\.toml, line 1: x is unknown here; there are: profile, profiles\."),
        ("\nprofile = 5", r"config\.toml, line 2: profile must be the name of a profile\."),
        ("profiles = 5", r"config\.toml, line 1: profiles must be a table\."),
        ("[profiles]\nqa = 5", r"config\.toml, line 2: qa must be a table\."),
        ("[profiles.default]\n\n tier=5", r"config\.toml, line 3: tier must be a text in quotes\."),
        ("[ profiles.'default' ]\n'teir' = '5'", r"config\.toml, line 2: teir is unknown in a profile; there are: env"),
        ("[profiles.default.more]", r"config\.toml, line 1: more is unknown in a profile"),
        ('profiles = {default = {tier = "x"}}', r"config\.toml, tier of profile default: There is no rate tier 'x'"),
        ('[profiles.default]\ntier = "x"', r"config\.toml, line 2, tier of profile default: There is no rate tier 'x'"),
        ('[profiles.default]\nenvironment = "x"', "line 2, environment of profile default: There is no environment"),
        ('[profiles.default]\noutput = "x"', "line 2, output of profile default: There is no output 'x'; there are: t"),
        ('[profiles.default]\nitwin = " "', "line 2, itwin of profile default: ' ' is no id"),
        ('[profiles.default]\nbase_url = "http://x.y"', "line 2, base_url of profile default: .*use https"),
        ('[profiles.default]\nissuer = "ims"', "line 2, issuer of profile default: .*must be a URL"),
        ('[profiles.default]\nredirect_uri = "x"', "line 2, redirect_uri of profile default: .*on this machine"),
    ],
)
def test_what_cannot_be_is_named_with_file_line_and_key(settings, text, said):
    with pytest.raises(ConfigurationError, match=said):
        settings(text)


def test_a_file_that_cannot_be_read_is_named(settings, file):
    file.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=rf"{file} cannot be read: Is a directory"):
        settings()


def test_bytes_that_are_no_text_are_named(settings, file):
    file.parent.mkdir()
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=rf"{file} cannot be read"):
        settings()


def test_the_file_is_in_the_folder_of_the_user_unless_a_variable_names_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path({}) == tmp_path / "bentley-sync" / "config.toml"


# Credentials.


def test_a_token_wins_over_an_application(settings):
    assert settings(QA, token="t", client_secret="s").credentials() == "t"


def test_an_id_with_a_secret_is_a_service_application(settings):
    assert settings(QA, client_id="service-1", client_secret="s").credentials() == ClientCredentials("service-1", "s")


def test_an_id_without_a_secret_is_an_application_for_people(settings):
    assert settings(QA).credentials() == NativeApplication("native-1")
    uri = "http://localhost/back"
    assert settings(QA, redirect_uri=uri).credentials() == NativeApplication("native-1", redirect_uri=uri)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "BENTLEY_SYNC_CLIENT_ID and BENTLEY_SYNC_CLIENT_SECRET for"),
        ({"client_secret": "s"}, "set BENTLEY_SYNC_CLIENT_ID for"),
        ({"client_id": "service-1"}, "set BENTLEY_SYNC_CLIENT_SECRET for"),
    ],
)
def test_without_credentials_the_ways_to_get_some_are_named(settings, variables, missing):
    with pytest.raises(ConfigurationError, match=rf"{missing}.*bentley-sync auth login"):
        settings(**variables).credentials()


def test_no_repr_shows_a_secret(settings):
    assert "hush" not in repr(settings(token="hush-1", client_secret="hush-2"))


def test_the_client_has_the_settings_of_the_profile(settings, file, monkeypatch):
    settings(QA + 'tier = "premium"\n')
    for variable in (*SETTINGS.values(), "BENTLEY_SYNC_PROFILE"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("BENTLEY_SYNC_CONFIG", str(file))
    client = clients.make_client(retry=RetryPolicy(attempts=1))
    assert client.config.base_url == "https://qa-api.bentley.com"
    assert client.config.rate_tier.name == "Premium"
    assert (clients.assumed("itwin"), clients.assumed("imodel")) == ("bridges", None)
    assert clients.service_application() is None  # it is an application for people
    assert clients.service_and_caller() == "qa  native-1"


# Changes.


def read(file):
    return read_profiles({"BENTLEY_SYNC_CONFIG": str(file)})


def test_a_change_keeps_comments_and_order(settings, file):
    settings(QA)
    read(file).changed("qa", {"itwin": None, "tier": "basic"})
    read(file).changed("new-1", {"output": "json"})
    read(file).used("default")
    assert file.read_text("utf-8") == (
        QA.replace('"qa"\n\n', '"default"\n\n').replace('itwin = "bridges"\n', 'tier = "basic"\n')
        + '\n[profiles.new-1]\noutput = "json"\n'
    )


def test_the_first_change_makes_the_file_for_its_owner_only(file):
    read(file).changed("default", {"client_id": "native-1"})
    assert file.read_text("utf-8") == '[profiles.default]\nclient_id = "native-1"\n'
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)] == [0o600, 0o700]
    read(file).used("default")
    assert read(file).active == "default"


@pytest.mark.parametrize(
    ("name", "key", "value", "said"),
    [
        ("qa", "teir", "x", r"A profile has no 'teir'; it has: environment, "),
        ("qa", "tier", "x", "no rate tier 'x'"),
        ("a.b", "tier", "basic", "'a.b' is no name of a profile"),
        ("", "tier", "basic", "'' is no name of a profile"),
    ],
)
def test_an_impossible_change_is_refused_and_changes_nothing(settings, file, name, key, value, said):
    settings(QA)
    with pytest.raises(ConfigurationError, match=said):
        read(file).changed(name, {key: value})
    assert file.read_text("utf-8") == QA


def test_a_file_that_cannot_be_written_is_named(file):
    file.parent.write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="cannot be"):
        read(file).changed("qa", {"tier": "basic"})
