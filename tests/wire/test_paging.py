from collections.abc import Callable

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from support.quick import each

from bentley_sync_async.models import Link, Page, PagingLinks
from bentley_sync_async.wire.paging import PageWalk

LIST = "https://api.bentley.com/synchronization/imodels/storageconnections/c/runs"


def page(items, *, next_=None, self_=None):
    links = PagingLinks(next=Link(href=next_) if next_ else None, self_=Link(href=self_) if self_ else None)
    return Page(items=tuple(items), links=links)


def taken(walk, items, **links):
    return walk.take(page(items, **links), items)


class TestAWalk:
    def test_begins_with_nothing_skipped(self):
        walk = PageWalk(top=2)
        assert (walk.skip, walk.done) == (0, False)

    def test_goes_on_after_a_full_page(self):
        walk = PageWalk(top=2)
        assert taken(walk, "ab") == ("a", "b")
        assert (walk.skip, walk.done) == (2, False)

    def test_ends_with_a_short_page(self):
        walk = PageWalk(top=2)
        taken(walk, "a")
        assert walk.done

    def test_ends_with_a_short_page_whatever_its_links_say(self):
        walk = PageWalk(top=2)
        taken(walk, "a", next_=f"{LIST}?$skip=2&$top=2")
        assert walk.done

    def test_ends_with_an_empty_page(self):
        walk = PageWalk()
        assert taken(walk, "", next_=LIST) == ()
        assert walk.done

    def test_asks_again_for_a_full_page_with_nothing_new(self):
        walk = PageWalk(top=2)
        taken(walk, "ab", next_=LIST)
        assert taken(walk, "ab", next_=LIST) == ()
        assert (walk.skip, walk.done) == (2, False)

    def test_asks_again_for_a_full_page_of_one_with_nothing_new(self):
        walk = PageWalk(top=1)
        taken(walk, "a")
        taken(walk, "a")
        assert not walk.done

    def test_goes_on_when_the_second_answer_has_something_new(self):
        walk = PageWalk(top=2)
        taken(walk, "ab")
        taken(walk, "ab")
        assert taken(walk, "cd") == ("c", "d")
        assert (walk.skip, walk.done) == (4, False)

    def test_ends_with_a_page_that_has_nothing_new_the_second_time_either(self):
        walk = PageWalk(top=2)
        for _ in range(3):
            taken(walk, "ab", next_=LIST)
        assert walk.done

    def test_judges_each_page_by_itself(self):
        walk = PageWalk(top=2)
        for items in ("ab", "ab", "cd", "ab"):
            taken(walk, items)
        assert (walk.skip, walk.done) == (4, False)

    def test_does_not_doubt_a_short_page_with_nothing_new(self):
        walk = PageWalk(top=2)
        taken(walk, "ab")
        taken(walk, "b")
        assert walk.done

    def test_delivers_what_two_pages_share_once(self):
        walk = PageWalk(top=2)
        taken(walk, "ab")
        assert taken(walk, "bc") == ("c",)
        assert not walk.done

    def test_delivers_what_stands_twice_on_a_page_once(self):
        assert taken(PageWalk(top=3), "aab") == ("a", "b")

    def test_skips_as_many_items_as_came_and_not_as_many_as_were_new(self):
        walk = PageWalk(top=3)
        taken(walk, "aab")
        assert walk.skip == 3

    def test_skips_fewer_where_some_were_deleted_since_they_came(self):
        walk = PageWalk(top=3)
        walk.take(page("abc"), "abc", gone=2)
        assert (walk.skip, walk.done) == (1, False)

    def test_without_a_page_size_of_its_own_goes_on_as_long_as_there_is_a_next_page(self):
        walk = PageWalk()
        taken(walk, "ab", next_=LIST)
        assert not walk.done
        taken(walk, "cd")
        assert walk.done

    @each("link", ["next_", "self_"])
    @each("query", ["$top=2", "$skip=0&$top=2", "%24top=2", "$TOP=2", "$top=2&$top=9", "$top=2&$top=0"])
    def test_takes_a_page_for_full_that_is_as_long_as_the_service_makes_them(self, link, query):
        walk = PageWalk(top=1000)
        taken(walk, "ab", **{link: f"{LIST}?{query}"})
        assert not walk.done

    @each("link", ["next_", "self_"])
    @each(
        "href",
        [
            "https://evil.example/?$top=2",
            "http://api.bentley.com/imodels/connection/{connectionId}/runs?$skip=100&$top=2",
            "?$top=2",
        ],
    )
    def test_reads_no_more_of_a_link_than_the_page_size(self, link, href):
        walk = PageWalk(top=1000)
        taken(walk, "ab", **{link: href})
        assert (walk.skip, walk.top, walk.done) == (2, 1000, False)

    @each("query", ["", "?$top=", "?$top=x", "?$top=-2", "?$top=0", "?$top=2.0", "?top=2", "?$top=" + "9" * 5000])
    def test_takes_no_page_size_from_a_link_that_has_none(self, query):
        walk = PageWalk(top=3)
        taken(walk, "ab", next_=LIST + query)
        assert walk.done

    def test_takes_no_page_size_from_a_link_that_is_no_url(self):
        walk = PageWalk()
        taken(walk, "ab", next_="https://[::1")
        assert not walk.done

    def test_ignores_a_link_without_a_target(self):
        walk = PageWalk()
        walk.take(Page(items=("a",), links=PagingLinks(next=Link(), self_=Link(href=""))), "a")
        assert not walk.done

    def test_goes_on_after_a_page_that_is_longer_than_asked(self):
        walk = PageWalk(top=2)
        taken(walk, "abc")
        assert (walk.skip, walk.done) == (3, False)

    def test_takes_an_id_for_each_item(self):
        with pytest.raises(ValueError, match="shorter"):
            PageWalk().take(page("ab"), "a")

    def test_never_requests_less_than_the_page_size(self):
        walk = PageWalk(top=1000)
        taken(walk, "ab", next_=f"{LIST}?$top=2")
        assert walk.top == 1000


@frozen(kw_only=True)
class Server:
    """Serves a list as some server could: with any page size of its own, and links of any kind that tell of it."""

    items: tuple[int, ...]
    default: int
    largest: int
    links: Callable[[int, int, int], PagingLinks]

    def page(self, top, skip):
        size = min(top or self.default, self.largest)
        return Page(items=self.items[skip : skip + size], links=self.links(skip, size, len(self.items)))


def true_links(path=LIST):
    def links(skip, size, total):
        more = Link(href=f"{path}?$skip={skip + size}&$top={size}") if skip + size < total else None
        return PagingLinks(self_=Link(href=f"{path}?$skip={skip}&$top={size}"), next=more)

    return links


def always_next(skip, size, total):
    return PagingLinks(next=Link(href=f"{LIST}?$skip={skip + size}&$top={size}"))


def loops(skip, size, total):
    return PagingLinks(next=Link(href=f"{LIST}?$skip={skip}&$top={size}"))


def only_itself(skip, size, total):
    return PagingLinks(self_=Link(href=f"{LIST}?$skip={skip}&$top={size}"))


kinds_of_links = st.sampled_from(
    [
        true_links(),
        true_links("https://evil.example/"),
        true_links("https://api.bentley.com/synchronization/imodels/connection/{connectionId}/runs"),
        always_next,
        loops,
        only_itself,
    ]
)
servers = st.builds(
    Server,
    items=st.integers(0, 40).map(lambda count: tuple(range(count))),
    default=st.integers(1, 12),
    largest=st.integers(1, 12),
    links=kinds_of_links,
)
page_sizes = st.none() | st.integers(1, 15)


def walk_over(serve, top, *, at_most=100):
    walk = PageWalk(top=top)
    delivered = []
    for _ in range(at_most):
        if walk.done:
            return delivered
        served = serve(walk.top, walk.skip)
        delivered += walk.take(served, [str(item) for item in served])
    raise AssertionError("the walk does not end")


@given(servers, page_sizes)
def test_every_item_of_a_list_is_delivered_once_and_in_order(server, top):
    assert walk_over(server.page, top) == list(server.items)


@given(st.integers(0, 40), st.integers(1, 50), st.none() | kinds_of_links)
def test_a_server_that_never_shrinks_a_page_needs_no_links(count, top, links):
    server = Server(
        items=tuple(range(count)), default=1, largest=50, links=links or (lambda skip, size, total: PagingLinks())
    )
    assert walk_over(server.page, top) == list(server.items)


@given(servers, page_sizes)
def test_a_server_that_ignores_skip_ends_the_walk_after_its_one_page(server, top):
    first = list(server.page(top, 0))
    assert walk_over(lambda top, skip: server.page(top, 0), top) == first


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=60),
    page_sizes,
    st.lists(st.none() | st.sampled_from([LIST, f"{LIST}?$top=3", "junk", "https://evil.example/?$top=1"])),
)
def test_a_server_that_serves_anything_ends_the_walk_and_nothing_comes_twice(pages, top, nexts):
    script = iter([*pages, []])
    links = iter([*nexts, *[None] * 100])
    delivered = walk_over(lambda top, skip: page(next(script), next_=next(links)), top)
    assert len(set(delivered)) == len(delivered)


@given(servers, page_sizes)
def test_a_walk_over_a_list_asks_once_more_than_it_has_pages_at_the_most(server, top):
    asked = []

    def serve(top, skip):
        asked.append(skip)
        return server.page(top, skip)

    walk_over(serve, top)
    size = min(top or server.default, server.largest)
    assert len(asked) <= -(-len(server.items) // size) + 1
