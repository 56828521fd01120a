import pytest
from support.quick import each

from bentley_sync_async.errors import ForeignOriginError, ProtocolError
from bentley_sync_async.resources.storage.urls import completed_file, linked_folder, signed_url

BASE = "https://api.example"


@each(
    "url",
    [
        f"{BASE}/storage/files/f-1/complete",
        f"{BASE}/storage/files/f-1/complete/",
        f"{BASE}:443/Storage/Files/f-1/Complete",
        f"{BASE}/gateway/storage/files/f%2D1/complete?x=1",
    ],
)
def test_the_file_is_the_last_segment_but_one(url):
    assert completed_file(url, base_url=BASE) == "f-1"


@each("url", [f"{BASE}/storage/folders/d-1", f"{BASE}/storage/folders/d%2D1/"])
def test_the_folder_is_the_last_segment(url):
    assert linked_folder(url, base_url=BASE) == "d-1"


@each("read", [completed_file, linked_folder])
@each("url", ["https://attacker.example/storage/files/f/complete", "http://api.example/x", "/x"])
def test_a_url_of_another_origin_is_refused(read, url):
    with pytest.raises(ForeignOriginError, match=r"not on https://api\.example"):
        read(url, base_url=BASE)


@each("read", [completed_file, linked_folder])
@each("url", [None, BASE, f"{BASE}/storage/files/%20/complete", f"{BASE}:x/", f"{BASE}/a b"])
def test_a_url_that_names_nothing_is_refused(read, url):
    with pytest.raises(ProtocolError) as caught:
        read(url, base_url=BASE)
    assert type(caught.value) is ProtocolError
    assert caught.value.__context__ is None


@each("folder", ["", "%20", ".."])
def test_a_folder_needs_an_id(folder):
    with pytest.raises(ProtocolError, match="does not lead to a folder"):
        linked_folder(f"{BASE}/storage/folders/{folder}", base_url=BASE)


@each(
    "url",
    [
        "https://store.example/container/blob?sig=s%2Bs%3D&se=1",
        "https://store.example:8443/container/a/b?sig=s",
        "http://127.0.0.1:1/container/blob?sig=s",
        "http://localhost/container/blob",
        "http://[::1]:1/container/blob",
    ],
)
def test_a_signed_url_stays_as_it_is(url):
    assert signed_url(url, "uploadUrl") == url


@each(
    ("url", "problem"),
    [
        (None, "has no uploadUrl"),
        ("https://[x", "is not a URL"),
        ("https://store.example/container/bl ob", "is not a URL"),
        ("ftp://store.example/container/blob", "is not the https URL of a file"),
        ("https:///container/blob", "is not the https URL of a file"),
        ("https://store.example/?sig=s3cret", "is not the https URL of a file"),
        ("http://store.example/container/blob?sig=s3cret", "is plain http"),
        ("https://u:s3cret@store.example/container/blob", "holds a user or a password"),
        ("https://:s3cret@store.example/container/blob", "holds a user or a password"),
    ],
)
def test_a_signed_url_that_cannot_be_right_is_refused_and_not_shown(url, problem):
    with pytest.raises(ProtocolError, match=problem) as caught:
        signed_url(url, "uploadUrl")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None
