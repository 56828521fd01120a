import itertools
from urllib.parse import parse_qsl

import anyio
import pytest
from support.quick import each
from support.transport import After, ScriptedTransport, answer, emulated, lost, raw_server, refusal, scripted

from bentley_sync_async import SynchronizationClient
from bentley_sync_async.errors import (
    DecodeError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
    UnprocessableError,
)
from bentley_sync_async.models import (
    Connection,
    ConnectionSummary,
    ConnectorType,
    ExecutionState,
    RunSummary,
    SourceFile,
    SourceFileSummary,
    StorageConnection,
    StorageRun,
)

BASE = "https://api.example/synchronization/imodels"


async def everything(listing):
    return [item async for item in listing]


async def pages_of(listing):
    return [page async for page in listing.pages()]


def page(key, *items, **links):
    hrefs = {name.rstrip("_"): {"href": href} for name, href in links.items()}
    return answer(200, {key: list(items), "_links": hrefs})


def connections(*numbers, **links):
    return page("connections", *({"id": str(n), "displayName": f"n{n}"} for n in numbers), **links)


def ids(items):
    return [item.id for item in items]


def windows(transport):
    return [line.partition("?")[2] for line in transport.lines]


# Against the emulator.

SERVICES = {
    "connections": lambda api, world: api.connections.list(world[0]),
    "storage connections": lambda api, world: api.storage_connections.list(world[0]),
    "source files": lambda api, world: api.storage_connections.source_files.list(world[1]),
    "runs": lambda api, world: api.storage_connections.runs.list(world[1]),
}
WHOLE = {
    "connections": lambda api, world: api.connections.list(world[0], prefer="representation"),
    "storage connections": lambda api, world: api.storage_connections.list(world[0], prefer="representation"),
    "source files": lambda api, world: api.storage_connections.source_files.list(world[1], prefer="representation"),
    "runs": lambda api, world: api.storage_connections.runs.list(world[1], prefer="representation"),
}
SUMMARIES = {
    "connections": ConnectionSummary,
    "storage connections": ConnectionSummary,
    "source files": SourceFileSummary,
    "runs": RunSummary,
}
ENTITIES = {
    "connections": Connection,
    "storage connections": StorageConnection,
    "source files": SourceFile,
    "runs": StorageRun,
}


def populated(emulator, count=5):
    """Return an iModel with `count` connections, of which the first has so many files, and a connection with runs."""
    imodel = emulator.new_imodel_id()
    files = [(f"{n}.dgn", ConnectorType.MSTN) for n in range(count)]
    first = emulator.add_connection(imodel, files)
    for _ in range(count - 1):
        emulator.add_connection(imodel)
    return imodel, first


async def with_runs(emulator, count=5):
    world = populated(emulator, count)
    for _ in range(count):
        emulator.start_run(world[1])
        await anyio.sleep(24 * 3600)
    return world


@each("kind", SERVICES)
async def test_a_list_is_iterated_to_its_end(kind):
    async with emulated(page_size=2, token_lifetime=1e9) as (emulator, api):
        world = await with_runs(emulator)

        assert len(set(ids(await everything(SERVICES[kind](api, world))))) == 5


@each("kind", SERVICES)
async def test_a_list_that_names_a_next_page_for_ever_ends(kind):
    async with emulated(page_size=5, always_next=True, token_lifetime=1e9) as (emulator, api):
        world = await with_runs(emulator)

        assert len(ids(await everything(SERVICES[kind](api, world)))) == 5


@each("kind", SERVICES)
async def test_a_plain_list_holds_summaries(kind):
    async with emulated(token_lifetime=1e9) as (emulator, api):
        world = await with_runs(emulator, 2)

        assert {type(item) for item in await everything(SERVICES[kind](api, world))} == {SUMMARIES[kind]}


@each("kind", WHOLE)
@each("honoured", [True, False])
async def test_a_representation_list_holds_whole_entities(kind, honoured):
    async with emulated(token_lifetime=1e9, honour_prefer=honoured) as (emulator, api):
        world = await with_runs(emulator, 3)
        items = await everything(WHOLE[kind](api, world))

    missing = {"source files": "connector_type", "runs": "connection_id"}.get(kind, "imodel_id")
    assert [(type(item), getattr(item, missing) is None) for item in items] == [(ENTITIES[kind], False)] * 3


@each("kind", ["source files", "storage connections", "runs"])
async def test_a_representation_list_that_is_minimal_takes_one_more_request_an_item(kind):
    async with emulated(token_lifetime=1e9, honour_prefer=False) as (emulator, api):
        world = await with_runs(emulator, 3)
        await everything(WHOLE[kind](api, world))

        assert len(emulator.requests) == 4


@each("kind", WHOLE)
async def test_a_representation_list_that_is_whole_takes_one_request(kind):
    async with emulated(token_lifetime=1e9) as (emulator, api):
        world = await with_runs(emulator, 3)
        await everything(WHOLE[kind](api, world))

        assert [request.headers["prefer"] for request in emulator.requests] == ["return=representation"]


async def test_both_kinds_of_list_hold_the_same_items():
    async with emulated() as (emulator, api):
        world = populated(emulator)

        assert ids(await everything(SERVICES["connections"](api, world))) == ids(
            await everything(WHOLE["storage connections"](api, world))
        )


async def test_the_states_in_a_list_of_runs_are_returned():
    async with emulated() as (emulator, api):
        world = populated(emulator, 1)
        emulator.start_run(world[1])
        [run] = await everything(SERVICES["runs"](api, world))

    assert run.state is not ExecutionState.COMPLETED


@each("kind", SERVICES)
@each("size", [1, 2, 5, 6])
async def test_the_page_size_is_the_callers(kind, size):
    listing = {
        "connections": lambda api, world: api.connections.list(world[0], page_size=size),
        "storage connections": lambda api, world: api.storage_connections.list(world[0], page_size=size),
        "source files": lambda api, world: api.storage_connections.source_files.list(world[1], page_size=size),
        "runs": lambda api, world: api.storage_connections.runs.list(world[1], page_size=size),
    }[kind]
    async with emulated(token_lifetime=1e9) as (emulator, api):
        world = await with_runs(emulator)
        pages = await pages_of(listing(api, world))

    assert [len(page) for page in pages] == [len(range(at, min(at + size, 5))) for at in range(0, 5, size)]


async def test_a_page_knows_its_links():
    async with emulated(page_size=2) as (emulator, api):
        imodel, _ = populated(emulator)
        first = await anext(api.storage_connections.list(imodel).pages())

    assert first.links.next.href.endswith("$skip=2&$top=2")


@each("size", [1001, 10**9])
async def test_a_page_size_out_of_the_services_bounds_is_refused_by_it(size):
    async with emulated() as (emulator, api):
        imodel, _ = populated(emulator, 1)
        with pytest.raises(UnprocessableError) as caught:
            await everything(api.storage_connections.list(imodel, page_size=size))

    [detail] = caught.value.details
    assert (detail.code, detail.target, detail.message) == ("InvalidValue", "$top", "Page size is out of limits.")


@each("size", [0, -1])
@each("make", SERVICES)
async def test_a_page_size_that_cannot_be_is_refused_here(make, size):
    _, api = scripted()
    listing = {
        "connections": api.connections.list,
        "storage connections": api.storage_connections.list,
        "source files": api.storage_connections.source_files.list,
        "runs": api.storage_connections.runs.list,
    }[make]

    with pytest.raises(InvalidArgumentError, match="page_size must be at least 1"):
        listing("x", page_size=size)


@each("prefer", ["whole", "", None, "Minimal"])
async def test_a_preference_that_cannot_be_is_refused_here(prefer):
    _, api = scripted()

    with pytest.raises(InvalidArgumentError, match="prefer must be 'minimal' or 'representation'"):
        api.storage_connections.list("x", prefer=prefer)


async def test_an_imodel_id_that_is_no_guid_is_refused_by_the_service():
    async with emulated() as (_, api):
        with pytest.raises(UnprocessableError) as caught:
            await everything(api.storage_connections.list("not-a-guid"))

    assert caught.value.details[0].target == "imodelId"


async def test_the_files_of_a_connection_that_is_not_there_are_not_found():
    async with emulated() as (emulator, api):
        connection = emulator.add_connection()
        await api.storage_connections.delete(connection)

        with pytest.raises(NotFoundError, match="StorageConnectionNotFound"):
            await everything(api.storage_connections.source_files.list(connection))


# Walking, with scripted pages.


async def test_nothing_is_requested_before_the_first_step():
    transport, api = scripted()
    api.storage_connections.list("i")

    assert transport.sent == []


async def test_an_empty_list_has_no_pages():
    _, api = scripted(connections())

    assert await pages_of(api.storage_connections.list("i")) == []


async def test_a_list_without_links_is_one_page():
    transport, api = scripted(connections(1, 2))

    assert (ids(await everything(api.storage_connections.list("i"))), len(transport.sent)) == (["1", "2"], 1)


async def test_the_second_page_begins_where_the_first_ended():
    transport, api = scripted(connections(1, 2), connections(3))

    await everything(api.storage_connections.list("i", page_size=2))

    assert windows(transport) == ["imodelId=i&$top=2", "imodelId=i&$top=2&$skip=2"]


async def test_every_iteration_starts_at_the_first_page():
    _, api = scripted(connections(1), connections(1, 2))
    listing = api.storage_connections.list("i")

    assert [len(await everything(listing)) for _ in range(2)] == [1, 2]


async def test_two_iterations_at_once_do_not_disturb_each_other():
    _, api = scripted(connections(1, 2), connections(1, 2), connections(3), connections(3))
    listing = api.storage_connections.list("i", page_size=2)
    one, other = listing.pages(), listing.pages()

    steps = [ids(await anext(pages)) for pages in (one, other, one, other)]
    assert steps == [["1", "2"], ["1", "2"], ["3"], ["3"]]


async def test_an_iterator_that_has_ended_stays_ended():
    transport, api = scripted(connections(1))
    pages = api.storage_connections.list("i").pages()
    await anext(pages)

    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(pages)
    assert len(transport.sent) == 1


async def test_an_items_iterator_is_its_own_iterator():
    _, api = scripted(connections(1, 2))
    items = aiter(api.storage_connections.list("i"))

    assert [(await anext(items)).id, ids([item async for item in items])] == ["1", ["2"]]


async def test_an_item_that_comes_on_two_pages_comes_once():
    _, api = scripted(connections(1, 2), connections(2, 3), connections(3))

    assert ids(await everything(api.storage_connections.list("i", page_size=2))) == ["1", "2", "3"]


LINKS = {
    "looping": f"{BASE}/storageconnections?imodelId=i&$skip=0&$top=2",
    "foreign": "https://attacker.example/synchronization/imodels/storageconnections?$skip=2&$top=2",
    "wrong path": "https://api.example/synchronization/imodels/connection/i/runs?$skip=2&$top=2",
    "malformed": f"{BASE}/storageconnections&$skip=0&$top=2",
    "no URL": "http://[",
    "another scheme": "file:///etc/passwd",
    "relative": "?$skip=2&$top=2",
    "empty": "",
}


@each("kind", LINKS)
async def test_no_link_of_the_service_is_ever_requested(kind):
    transport, api = scripted(connections(1, 2, next=LINKS[kind], self_=LINKS[kind]), connections(3), connections())

    await everything(api.storage_connections.list("i", page_size=2))

    assert windows(transport) == ["imodelId=i&$top=2", "imodelId=i&$top=2&$skip=2"]


@each("kind", LINKS)
async def test_a_list_whose_every_page_is_the_same_ends(kind):
    transport, api = scripted(always=connections(1, 2, next=LINKS[kind]))

    assert ids(await everything(api.storage_connections.list("i"))) == ["1", "2"]
    assert len(transport.sent) <= 3


async def test_a_page_that_comes_in_place_of_the_next_is_asked_for_again():
    transport, api = scripted(connections(1, 2), connections(1, 2), connections(3, 4), connections())

    assert ids(await everything(api.storage_connections.list("i", page_size=2))) == ["1", "2", "3", "4"]
    assert windows(transport)[1:3] == ["imodelId=i&$top=2&$skip=2"] * 2


async def test_a_foreign_link_makes_no_connection_to_its_server():
    async with raw_server() as foreign:
        _, api = scripted(connections(1, 2, next=f"{foreign.url}/?$skip=2&$top=2"), connections(3))
        await everything(api.storage_connections.list("i"))

        assert foreign.connections == 0


async def test_a_page_smaller_than_asked_for_is_the_last_unless_the_service_made_it_so():
    transport, api = scripted(
        connections(1, 2, self_=f"{BASE}/storageconnections?$skip=0&$top=2"),
        connections(3, self_=f"{BASE}/storageconnections?$skip=2&$top=2"),
    )

    assert ids(await everything(api.storage_connections.list("i", page_size=50))) == ["1", "2", "3"]
    assert windows(transport)[1] == "imodelId=i&$top=50&$skip=2"


# Completing.


def whole(n):
    return answer(200, {"connection": {"id": str(n), "displayName": f"n{n}", "iModelId": "i"}})


async def test_a_minimal_item_is_completed_by_a_request_of_its_own():
    transport, api = scripted(connections(1, 2), whole(1), whole(2))

    await everything(api.storage_connections.list("i", prefer="representation"))

    assert transport.lines[1:] == [f"GET {BASE}/storageconnections/1", f"GET {BASE}/storageconnections/2"]


async def test_only_the_minimal_items_of_a_list_are_completed():
    mixed = page("connections", {"id": "1", "iModelId": "i"}, {"id": "2"})
    transport, api = scripted(mixed, whole(2))

    items = await everything(api.storage_connections.list("i", prefer="representation"))

    assert ([item.imodel_id for item in items], len(transport.sent)) == (["i", "i"], 2)


async def test_an_item_deleted_meanwhile_is_left_out():
    _, api = scripted(connections(1, 2, 3), whole(1), refusal(404), whole(3))

    assert ids(await everything(api.storage_connections.list("i", prefer="representation"))) == ["1", "3"]


class Shrinking:
    """A service whose list has five items, of which some are deleted right after they were listed."""

    def __init__(self, deleted, *, at_once=True):
        self.listed = [1, 2, 3, 4, 5]
        self.deleted = deleted
        self.at_once = at_once

    def __call__(self, request):
        path, _, query = request.url.partition("?")
        if not query:
            number = int(path.rpartition("/")[2])
            return refusal(404) if number in self.deleted else whole(number)
        window = dict(parse_qsl(query))
        skip, top = int(window.get("$skip", 0)), int(window["$top"])
        shown = self.listed[skip : skip + top]
        if self.at_once:
            self.listed = [number for number in self.listed if number not in self.deleted]
        return connections(*shown)


@each("deleted", [{1}, {2}, {1, 2}, {3}, {1, 3}, {1, 2, 3, 4}, {5}, {1, 2, 3, 4, 5}])
async def test_no_item_is_missed_because_others_were_deleted_meanwhile(deleted):
    _, api = scripted(always=Shrinking(deleted))

    items = await everything(api.storage_connections.list("i", prefer="representation", page_size=2))

    assert ids(items) == [str(n) for n in range(1, 6) if n not in deleted]


@each("deleted", [{1}, {2}, {3}, {1, 3}, {5}])
async def test_no_item_is_missed_because_the_list_still_shows_deleted_ones(deleted):
    _, api = scripted(always=Shrinking(deleted, at_once=False))

    items = await everything(api.storage_connections.list("i", prefer="representation", page_size=2))

    assert ids(items) == [str(n) for n in range(1, 6) if n not in deleted]


async def test_another_failure_while_completing_is_an_error():
    _, api = scripted(connections(1), refusal(403))

    with pytest.raises(PermissionDeniedError):
        await everything(api.storage_connections.list("i", prefer="representation"))


async def test_a_connection_of_any_kind_is_completed_as_a_storage_connection_first():
    transport, api = scripted(connections(1), whole(1))

    await everything(api.connections.list("i", prefer="representation"))

    assert transport.lines[1:] == [f"GET {BASE}/storageconnections/1"]


async def test_a_connection_that_is_no_storage_connection_is_completed_as_a_manifest_connection():
    transport, api = scripted(connections(1), refusal(404), whole(1))

    [item] = await everything(api.connections.list("i", prefer="representation"))

    assert (item.imodel_id, transport.lines[2]) == ("i", f"GET {BASE}/manifestconnections/1")


async def test_a_connection_of_neither_kind_was_deleted_meanwhile():
    _, api = scripted(connections(1, 2), refusal(404), refusal(404), whole(2))

    assert ids(await everything(api.connections.list("i", prefer="representation"))) == ["2"]


async def test_an_id_of_a_list_cannot_lead_a_completion_astray():
    transport, api = scripted(page("connections", {"id": "a/../b?c#d"}), whole(1))

    await everything(api.storage_connections.list("i", prefer="representation"))

    assert transport.lines[1] == f"GET {BASE}/storageconnections/a%2F..%2Fb%3Fc%23d"


async def test_an_item_that_stays_minimal_is_given_as_it_is_after_one_request():
    minimal = answer(200, {"connection": {"id": "1", "displayName": "n1"}})
    transport, api = scripted(connections(1), minimal)

    assert ids(await everything(api.storage_connections.list("i", prefer="representation"))) == ["1"]
    assert len(transport.sent) == 2


# Failing and being cancelled on the way.


async def test_a_page_that_fails_can_be_asked_for_again():
    _, api = scripted(connections(1, 2), refusal(501), connections(3))
    items, found = aiter(api.storage_connections.list("i", page_size=2)), []
    found += [await anext(items), await anext(items)]
    with pytest.raises(ServerError):
        await anext(items)

    found.append(await anext(items))

    assert ids(found) == ["1", "2", "3"]


async def test_a_page_that_cannot_be_read_can_be_asked_for_again():
    _, api = scripted(answer(200, []), connections(1))
    pages = api.storage_connections.list("i").pages()
    with pytest.raises(DecodeError):
        await anext(pages)

    assert ids(await anext(pages)) == ["1"]


async def test_a_lost_page_is_read_again_by_itself():
    _, api = scripted(lost(), connections(1))

    assert ids(await everything(api.storage_connections.list("i"))) == ["1"]


async def test_a_page_whose_reading_was_cancelled_is_read_again_and_nothing_is_lost():
    transport, api = scripted(connections(1, 2), After(10.0, connections(3, 4)), connections(3, 4), connections())
    items, found = aiter(api.storage_connections.list("i", page_size=2)), []
    found += [await anext(items), await anext(items)]
    with anyio.move_on_after(5.0):
        found.append(await anext(items))
    found += [item async for item in items]

    assert (ids(found), windows(transport)[1]) == (["1", "2", "3", "4"], windows(transport)[2])


async def test_a_completion_that_was_cancelled_loses_nothing():
    transport = ScriptedTransport(
        connections(1, 2), whole(1), After(10.0, whole(2)), connections(1, 2), whole(1), whole(2)
    )
    api = SynchronizationClient("token", transport=transport)
    items, found = aiter(api.storage_connections.list("i", prefer="representation")), []
    with anyio.move_on_after(5.0):
        found.append(await anext(items))
    found += [item async for item in items]

    assert ids(found) == ["1", "2"]


async def test_a_walk_that_is_cancelled_at_any_step_of_the_loop_loses_nothing():
    async with emulated(page_size=1, token_lifetime=1e9) as (emulator, api):
        imodel, _ = populated(emulator, 3)
        expected = ids(await everything(api.storage_connections.list(imodel)))
        for steps in itertools.count(1):
            found, cancelled = await walked_with_one_cancellation(api.storage_connections.list(imodel), steps)
            assert ids(found) == expected, f"cancelled after {steps} steps"
            if not cancelled:
                break

    assert steps > 2


async def walked_with_one_cancellation(listing, steps):
    """Iterate, and cancel the second item's step after so many steps of the loop."""
    items, found = aiter(listing), []
    found.append(await anext(items))
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def cancel():
            for _ in range(steps):
                await anyio.lowlevel.cancel_shielded_checkpoint()
            scope.cancel()

        group.start_soon(cancel)
        with scope:
            found.append(await anext(items))
        group.cancel_scope.cancel()
    found += [item async for item in items]
    return found, scope.cancelled_caught
