"""Nothing is imported before it is used."""

import subprocess
import sys
from functools import cache

from support.quick import each

PACKAGE = "bentley_sync_async"
LAST = "import sys; print(); print(*sys.modules)"


@cache
def loaded(program):
    """The modules that a program has in a process of its own at its end."""
    command = [sys.executable, "-c", f"{program}\n{LAST}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split())


def of_us(modules):
    return {name for name in modules if name.partition(".")[0] == PACKAGE}


def test_the_package_by_itself_loads_nothing_else():
    modules = loaded(f"import {PACKAGE}")

    assert of_us(modules) == {PACKAGE, f"{PACKAGE}._version"}
    assert modules & {"aiohttp", "anyio", "attrs", "cattrs", "msgspec"} == set()


def test_an_error_loads_no_client():
    assert f"{PACKAGE}.client" not in loaded(f"from {PACKAGE} import SynchronizationError")


@each("room", ["bulk", "cli", "emulator", "integrations", "testing"])
def test_the_client_loads_no_room_that_it_may_not_need(room):
    rooms = {name.split(".")[1] for name in of_us(loaded(f"from {PACKAGE} import SynchronizationClient")) - {PACKAGE}}

    assert "watch" in rooms
    assert room not in rooms


@each("product", ["storage", "imodels", "itwins", "webhooks"])
def test_the_client_loads_no_neighbouring_product(product):
    modules = of_us(loaded(f"from {PACKAGE} import SynchronizationClient"))

    assert f"{PACKAGE}.resources.products" in modules
    assert not [name for name in modules if name.startswith(f"{PACKAGE}.resources.{product}")]
    assert not [name for name in modules if name.startswith(f"{PACKAGE}.models.platform")]


def test_a_neighbouring_product_is_loaded_when_it_is_used():
    program = f"from {PACKAGE} import SynchronizationClient; SynchronizationClient('t').itwins"
    modules = of_us(loaded(program))

    assert f"{PACKAGE}.resources.itwins.itwins" in modules
    assert f"{PACKAGE}.resources.storage.storage" not in modules


def test_the_library_for_uploads_is_loaded_by_the_first_upload_only():
    assert "azure" not in loaded(f"from {PACKAGE} import SynchronizationClient; SynchronizationClient('t').storage")


FOR_OTHERS = ["sqlite3", "tomllib", "opentelemetry", "typer", "rich", "csv", "xml", "pytest"]
FOR_OTHERS += ["keyring", "oauthlib", "platformdirs", "filelock", "webbrowser"]


@each("module", FOR_OTHERS)
def test_the_client_loads_no_library_that_it_may_not_need(module):
    assert module not in loaded(f"from {PACKAGE} import SynchronizationClient")


PREVIEWS = [
    "models.configurations",
    "models.manifests",
    "models.reports",
    "resources.synchronization.configurations",
    "resources.synchronization.manifest_connections",
    "resources.synchronization.reports",
    "wire.documents",
]


@each("module", PREVIEWS)
def test_manifests_configurations_and_reports_are_not_loaded_before_they_are_used(module):
    program = f"from {PACKAGE} import SynchronizationClient, StorageRun; SynchronizationClient('t').watch('c')"
    assert f"{PACKAGE}.{module}" not in loaded(program)


def test_each_of_them_loads_none_of_the_others():
    modules = loaded(f"from {PACKAGE} import SynchronizationClient; SynchronizationClient('t').configurations")

    assert {name for name in PREVIEWS if f"{PACKAGE}.{name}" in modules} == {
        "models.configurations",
        "resources.synchronization.configurations",
    }


COMMANDS = [
    *("", "demo", "run", "attach", "bulk", "publish", "budget", "auth", "auth login", "profile", "profile set"),
    *("connection", "connection list", "storage trash list"),
]


@each("command", COMMANDS)
def test_the_help_loads_neither_the_client_nor_rich(command):
    program = f"""
import sys
from functools import cache
from {PACKAGE}.cli import main
sys.argv = ["bentley-sync", *{command!r}.split(), "--help"]
try:
    main()
except SystemExit:
    pass"""
    modules = loaded(program)

    assert "typer" in modules
    assert modules & {"keyring", "oauthlib", "platformdirs", "tomlkit", "tomllib"} == set()
    assert modules & {"aiohttp", "anyio", "attr", "pydantic", "rich.console"} == set()
    assert modules & {f"{PACKAGE}.client", f"{PACKAGE}.errors", f"{PACKAGE}.cli.lookup"} == set()


def test_what_comes_with_another_name_says_that_it_lives_at_the_public_place():
    program = f"""
import {PACKAGE}
{PACKAGE}.SynchronizationClient
from {PACKAGE}.errors import ServerError
assert ServerError.__module__ == "{PACKAGE}", ServerError.__module__"""

    assert f"{PACKAGE}.errors" in loaded(program)


def test_a_setting_is_read_without_the_client():
    program = f"from {PACKAGE}.cli.clients import assumed; assumed('itwin')"
    modules = loaded(program)

    assert f"{PACKAGE}.cli.settings" in modules
    assert modules & {"aiohttp", "anyio", "keyring", "oauthlib", "tomlkit", "typer", f"{PACKAGE}.auth"} == set()


def test_signing_in_loads_no_http_before_it_is_used():
    assert "aiohttp" not in loaded(f"from {PACKAGE}.auth import sign_in")


def test_a_client_for_a_service_application_loads_nothing_of_a_sign_in():
    program = f"from {PACKAGE} import *; SynchronizationClient(ClientCredentials('service-1', 's'))"
    found = {name.removeprefix(f"{PACKAGE}.auth.") for name in of_us(loaded(program)) if ".auth." in name}

    assert found == {"applications", "client_credentials", "refreshing", "static", "token_endpoint"}
