"""Whether the patch of aioresponses in `conftest.py` is still necessary."""

import aiohttp
import pytest
from aioresponses import aioresponses


async def test_the_released_aioresponses_still_needs_the_shim():
    # If this fails, aioresponses supports the current aiohttp: delete PatchedResponse and this file.
    async with aiohttp.ClientSession() as session:
        with aioresponses() as network:
            network.get("https://api.bentley.com/", body=b"{}")
            with pytest.raises(TypeError, match="stream_writer"):
                await session.get("https://api.bentley.com/")
