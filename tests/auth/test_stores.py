"""Keyrings, and files for their owner only."""

import stat

import keyring
import pytest
from keyring.backends import fail, null
from support.people.keyrings import FileKeyring, LockedKeyring

from bentley_sync_async import ConfigurationError
from bentley_sync_async.auth import FileStore, KeyringStore, default_store

TEXT = "".join(f"{number:04}" for number in range(1200))


@pytest.fixture
def ring(monkeypatch, tmp_path):
    """Make the keyring of the tests the one of the process."""
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring.json"))
    chosen = FileKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: chosen)
    return chosen


@pytest.fixture(params=["keyring", "file"])
def store(request, ring, tmp_path):
    return KeyringStore() if request.param == "keyring" else FileStore(tmp_path / "files")


@pytest.mark.parametrize("text", ["", "short", TEXT])
def test_a_text_is_kept_until_it_is_deleted(store, text):
    assert store.load("k") is None
    store.save("k", text)
    store.save("other", "else")
    assert store.load("k") == text
    store.delete("k")
    store.delete("k")
    assert (store.load("k"), store.load("other")) == (None, "else")


@pytest.mark.parametrize(("before", "after"), [(TEXT, "short"), ("short", TEXT), (TEXT, TEXT[::-1])])
def test_a_text_takes_the_place_of_another(store, before, after):
    store.save("k", before)
    store.save("k", after)
    assert store.load("k") == after


def test_nothing_stays_in_a_keyring(ring):
    store = KeyringStore()
    store.save("k", TEXT)
    store.save("k", "short")
    store.delete("k")
    assert ring._entries() == {}


@pytest.mark.parametrize("entry", ["", "nonsense", "x y"])
def test_the_entry_of_another_program_is_no_text(ring, entry):
    ring.set_password("bentley-sync", "k", entry)
    assert KeyringStore().load("k") is None


def test_a_keyring_that_does_not_open_is_named_and_quotes_nothing(monkeypatch):
    monkeypatch.setattr(keyring, "get_keyring", LockedKeyring)
    store = KeyringStore()
    calls = [lambda: store.load("k"), lambda: store.save("k", "hush"), lambda: store.delete("k")]
    for call in calls:
        with pytest.raises(
            ConfigurationError, match=r"the keyring \(Locked keyring\) failed with RuntimeError"
        ) as caught:
            call()
        assert "hush" not in str(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_file_and_its_folder_are_for_their_owner_only(tmp_path):
    store = FileStore(tmp_path / "a" / "b")
    store.save("native-1 https://ims.example", "hush")
    [path] = (tmp_path / "a" / "b").iterdir()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]
    assert "native" not in path.name


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    store = FileStore(tmp_path)
    store.save("k", "hush")
    [path] = tmp_path.iterdir()
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"chmod 600 {path}"):
        store.load("k")


def test_a_file_that_is_none_is_named(tmp_path):
    store = FileStore(tmp_path)
    store.save("k", "text")
    [path] = tmp_path.iterdir()
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match=f"{path} cannot be read"):
        store.load("k")
    path.unlink()
    path.mkdir()
    path.chmod(0o700)
    with pytest.raises(ConfigurationError, match=f"{path} cannot be read"):
        store.load("k")
    with pytest.raises(ConfigurationError, match=f"{path} cannot be written"):
        store.save("k", "hush")


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring])
def test_without_a_keyring_files_are_used_in_the_folder_for_state(monkeypatch, tmp_path, backend):
    monkeypatch.setattr(keyring, "get_keyring", backend)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    store = default_store()
    assert isinstance(store, FileStore)
    assert store.place == f"a file in {tmp_path / 'bentley-sync'}, readable by its owner only"


def test_a_keyring_is_used_where_there_is_one(ring):
    store = default_store()
    assert isinstance(store, KeyringStore)
    assert store.place == "the keyring (Keyring of the tests)"


def test_without_the_library_files_are_used(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert isinstance(default_store(), FileStore)
