"""Upload URLs that lead to another blob store: here the one of a second emulator, whose key is known."""

import anyio
import pytest

from bentley_sync_async import ConfigurationError
from bentley_sync_async.emulator import Emulator

pytestmark = pytest.mark.looptime(False)  # its URLs are signed by the wall clock, as the other store checks them by it


async def test_content_goes_to_the_other_store_and_only_its_size_is_known(serving, platform):
    async with Emulator() as other:
        options = {"blob_url": f"{other.url}/blobs/uploads", "blob_key": other._world._container.signer.key}
        async with serving(speed=1e6, **options) as api:
            itwin_id = await platform(api).itwin()
            root = await platform(api).root(itwin_id)
            file_id, url = await platform(api).offer(root)
            assert url.startswith(f"{other.url}/blobs/uploads/{itwin_id}-")
            early = await api.post(f"/storage/files/{file_id}/complete")
            assert early.status == 422
            assert (await platform(api).put(url, b"content")).status == 201
            file = (await api.post(f"/storage/files/{file_id}/complete")).json["file"]
            assert file["size"] == 7
            location = (await api.get(f"/storage/files/{file_id}/download")).headers["Location"]
            assert (await api.blob("GET", location)).body == b"content"
            await platform(api).update(file_id, b"new")
            with pytest.raises(LookupError):
                api.emulator.file_content(file_id)
            imodel_id = await platform(api).imodel(itwin_id)
            run = api.emulator.start_run(api.emulator.add_connection(imodel_id, [(file_id, "MSTN")]))
            await anyio.sleep(0.1)  # a day of the run
            assert run.plan.result == "Success"
            await api.delete(f"/itwins/{itwin_id}")
            assert len(other._world.blobs.state.blobs) == 2


async def test_a_store_that_does_not_answer_has_no_content(serving, platform):
    async with serving(blob_url="http://127.0.0.1:9/account/container", blob_key="a2V5") as api:
        file_id, _ = await platform(api).offer(await platform(api).root(await platform(api).itwin()))
        assert (await api.post(f"/storage/files/{file_id}/complete")).status == 422


async def test_the_account_of_a_real_store_is_in_its_host_name(serving, platform):
    async with serving(blob_url="https://account.blob.core.windows.net/container", blob_key="a2V5") as api:
        _, url = await platform(api).offer(await platform(api).root(await platform(api).itwin()))
        assert url.startswith("https://account.blob.core.windows.net/container/")
        assert api.emulator._world._container._signer.account == "account"


@pytest.mark.parametrize(
    "option", [{"blob_url": "ftp://a/b"}, {"blob_url": "http://a/"}, {"blob_url": "http://[a"}, {"blob_url": 7}]
)
def test_an_invalid_url_is_refused(option):
    with pytest.raises(ConfigurationError, match="blob_url"):
        Emulator(**option)


def test_a_key_is_in_no_error_and_no_repr():
    with pytest.raises(ConfigurationError, match="blob_key must be the key") as caught:
        Emulator(blob_key="not quite base64")
    assert "not quite" not in str(caught.value)
    assert "c2VjcmV0" not in repr(Emulator(blob_key="c2VjcmV0").settings)
