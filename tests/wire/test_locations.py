import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.quick import each, length
from yarl import URL

from bentley_sync_async import ForeignOriginError, InvalidArgumentError, LocationError, RunRef
from bentley_sync_async.wire.locations import run_path, run_ref

ROOT = "https://api.bentley.com"
REQUEST = f"{ROOT}/synchronization/imodels/storageconnections/c1/run"
RUN = "/synchronization/imodels/storageconnections/c1/runs/r1"
REF = RunRef(connection_id="c1", run_id="r1")


def named(location, *, base_url=ROOT, request_url=REQUEST):
    return run_ref(location, base_url=base_url, request_url=request_url)


@each(
    "location",
    [
        ROOT + RUN,
        f"{ROOT}:443{RUN}",
        f"HTTPS://API.Bentley.COM{RUN}",
        f"{ROOT}{RUN}/",
        f"{ROOT}{RUN}?x=1#y",
        f"  {ROOT}{RUN}\r\n",
        f"{ROOT}{RUN} ",
        f"{ROOT}/synchronization/imodels/storageConnections/c1/Runs/r1",
        f"{ROOT}/SYNCHRONIZATION/IMODELS/STORAGECONNECTIONS/c1/RUNS/r1",
        f"{ROOT}/gateway/synchronization/imodels/storageconnections/c1/runs/r1",
        f"{ROOT}/synchronization/imodels/storageconnections/%631/runs/%72%31",
    ],
)
def test_an_absolute_location_names_its_run(location):
    assert named(location) == REF


@each("location", [RUN, "runs/r1", "./runs/r1", "../c1/runs/r1", f"//api.bentley.com{RUN}"])
def test_a_relative_location_counts_from_what_was_requested(location):
    assert named(location) == REF


def test_a_relative_location_of_unknown_source_counts_from_the_root():
    assert named("synchronization/imodels/storageconnections/c1/runs/r1", request_url=None) == REF


def test_the_run_may_be_that_of_another_connection():
    assert named(f"{ROOT}{RUN}".replace("c1", "c2")) == RunRef(connection_id="c2", run_id="r1")


@each("spelling", ["manifestconnections", "manifestConnections"])
def test_the_run_may_be_that_of_a_manifest_connection(spelling):
    location = f"{ROOT}/synchronization/imodels/{spelling}/c1/runs/r1"
    assert named(location) == RunRef(connection_id="c1", run_id="r1", kind="manifest")


def test_ids_keep_their_case():
    assert named(ROOT + RUN.replace("c1", "AbC")).connection_id == "AbC"


def test_ids_are_percent_decoded_once():
    assert named(ROOT + RUN.replace("r1", "a%252Fb")).run_id == "a%2Fb"


def test_the_port_is_part_of_the_origin():
    assert named(f"http://127.0.0.1:8080{RUN}", base_url="http://127.0.0.1:8080", request_url=None) == REF


@each("port", ["", ":80"])
def test_the_port_of_http_need_not_be_named(port):
    assert named(f"http://127.0.0.1{RUN}", base_url=f"http://127.0.0.1{port}", request_url=None) == REF
    assert named(f"http://127.0.0.1:80{RUN}", base_url=f"http://127.0.0.1{port}", request_url=None) == REF


@each(
    "location",
    [
        f"https://evil.example{RUN}",
        f"https://api.bentley.com.evil.example{RUN}",
        f"https://evil-api.bentley.com{RUN}",
        f"http://api.bentley.com{RUN}",
        f"http://api.bentley.com:443{RUN}",
        f"https://api.bentley.com:8443{RUN}",
        f"https://api.bentley.com:80{RUN}",
        f"https://api.bentley.com:0{RUN}",
        f"https://api.bentley.com.{RUN}",
        f"//evil.example{RUN}",
        f"https://api.bentley.com@evil.example{RUN}",
        f"https://api.bentley.com:443@evil.example{RUN}",
        f"https://api.bentley.com%40evil.example{RUN}",
        f"https://api.bentley.com\\@evil.example{RUN}",
        f"https://evil.example\\@api.bentley.com.evil.example{RUN}",
        f"https://evil.example#@api.bentley.com{RUN}",
        f"https://evil.example?@api.bentley.com{RUN}",
        f"ftp://api.bentley.com{RUN}",
        f"javascript:{RUN}",
        "mailto:someone@api.bentley.com",
    ],
)
def test_a_location_on_another_origin_is_refused(location):
    with pytest.raises(ForeignOriginError, match="Nothing was sent there"):
        named(location)


def test_the_refusal_of_a_foreign_origin_names_both_and_shows_no_more_of_the_url():
    with pytest.raises(ForeignOriginError) as caught:
        named(f"https://user:hunter2@evil.example{RUN}?sig=hunter2")
    text = str(caught.value)
    assert "https://evil.example/..." in text
    assert ROOT in text
    assert "hunter2" not in text


@each(
    "location",
    [
        "",
        "   ",
        "/",
        "#",
        ROOT,
        f"{ROOT}/synchronization/imodels/storageconnections/c1",
        f"{ROOT}/synchronization/imodels/storageconnections/c1/run",
        f"{ROOT}/synchronization/imodels/storageconnections/c1/runs",
        f"{ROOT}/synchronization/imodels/storageconnections/c1/runs/",
        f"{ROOT}/synchronization/imodels/storageconnections//runs/r1",
        f"{ROOT}/synchronization/imodels/storageconnections/c1/runs/r1/tasks",
        f"{ROOT}/synchronization/imodels/connection/c1/runs/r1",
        f"{ROOT}/synchronization/storageconnections/c1/runs/r1",
        f"{ROOT}/?next={RUN}",
        f"{ROOT}/#{RUN}",
        f"{ROOT}:99999{RUN}",
        f"{ROOT}:port{RUN}",
        "https://[::1/imodels/storageconnections/c1/runs/r1",
        "\\imodels\\storageconnections\\c1\\runs\\r1",
        "true",
        "de626d0d-1647-48d7-8c11-f1f74f2d4523",
    ],
)
def test_a_location_that_names_no_run_is_refused(location):
    with pytest.raises(LocationError, match="Not the URL of a run"):
        named(location)


@each("segment", ["%2e%2e", "%2E", "%20", "a%00", "a%0d%0ab", "x" * 257])
def test_a_location_whose_ids_cannot_be_ids_is_refused(segment):
    with pytest.raises(LocationError, match=r"cannot be an id|is empty|no id has more"):
        named(ROOT + RUN.replace("r1", segment))


@each("location", ["/synchronization/imodels/storageconnections/../runs/r1", "../../runs/r1"])
def test_a_path_that_climbs_out_of_a_connection_names_no_run(location):
    with pytest.raises(LocationError):
        named(location)


def test_the_refusal_of_a_location_quotes_it_briefly_and_without_secrets():
    with pytest.raises(LocationError) as caught:
        named(f"{ROOT}/{'x' * 1000}?sig=hunter2")
    assert len(str(caught.value)) < 200
    with pytest.raises(LocationError) as caught:
        named("/?sig=hunter2")
    assert "hunter2" not in str(caught.value)


def test_backslashes_lead_nowhere_but_to_ids_on_our_own_origin():
    # A browser reads /\evil.example as another host; here only the ids are taken from it.
    assert named(f"/\\evil.example{RUN}") == REF


@each(
    ("ref", "path"),
    [
        (REF, "imodels/storageconnections/c1/runs/r1"),
        (RunRef(connection_id="c1", run_id="r1", kind="manifest"), "imodels/manifestconnections/c1/runs/r1"),
        (RunRef(connection_id="a/b", run_id="../x"), "imodels/storageconnections/a%2Fb/runs/..%2Fx"),
    ],
)
def test_the_path_of_a_run_is_percent_encoded(ref, path):
    assert run_path(ref) == path


@each("ref", [RunRef(connection_id="..", run_id="r"), RunRef(connection_id="c", run_id="")])
def test_a_run_with_impossible_ids_has_no_path(ref):
    with pytest.raises(InvalidArgumentError):
        run_path(ref)


ids = st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=20).filter(
    lambda text: text.strip(".") and "://" not in text
)


@given(ids, ids, st.sampled_from(["storage", "manifest"]))
def test_the_path_of_a_run_is_a_location_that_names_it(connection_id, run_id, kind):
    ref = RunRef(connection_id=connection_id, run_id=run_id, kind=kind)
    assert named(f"{ROOT}/synchronization/{run_path(ref)}") == ref


pieces = [
    "api.bentley.com",
    "evil.example",
    "@",
    ":",
    "/",
    "#",
    "?",
    "443",
    "80",
    "0",
    ".",
    "%40",
    "user",
    "[",
    "]",
]
hosts = st.lists(st.sampled_from(pieces), min_size=1, max_size=6).map("".join)


@given(hosts)
def test_whatever_stands_for_the_host_a_run_is_taken_from_our_origin_only(host):
    try:
        named(f"https://{host}{RUN}")
    except (ForeignOriginError, LocationError):
        return
    url = URL(f"https://{host}{RUN}")  # somebody else's idea of where the host is; a URL without one is relative
    assert (url.host, url.port) in {("api.bentley.com", 443), (None, 443)}


roots = st.sampled_from(
    [ROOT, f"{ROOT}:443", "http://127.0.0.1:80", f"{ROOT}/gateway", f"{ROOT}{RUN}", f"{ROOT}/a/../b"]
)
parts = [
    *[
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2F",
        "a",
        "A_-9",
        "x" * 256,
        "x" * 257,
        "\u0661",
        "\n",
        "\t",
        " ",
        "?",
        "#",
        "@",
        ";",
    ],
    *["/imodels", "/storageconnections/", "/storageConnections/", "/manifestconnections/", "/runs/", ":443", ".evil"],
]
paths = st.one_of(
    st.lists(st.sampled_from(parts), max_size=12).map("".join),
    st.tuples(*[st.sampled_from(["", *parts])] * 4).map(
        "{0[0]}/imodels/storageconnections/{0[1]}/runs/{0[2]}{0[3]}".format
    ),
)


def said(location, base_url):
    try:
        return named(location, base_url=base_url)
    except (ForeignOriginError, LocationError) as error:
        return type(error)


@settings(max_examples=length(100, 500))
@given(roots, paths)
@example(f"{ROOT}/gateway", RUN)
def test_a_plain_location_of_our_own_origin_names_what_it_would_name_after_all_parsing(root, path):
    in_full = f" {root}{path}"  # white space before it is no part of it, and does not make it plain
    assert said(root + path, root) == said(in_full, root)


@given(st.text(max_size=60))
def test_any_text_names_a_run_of_ours_or_is_refused(text):
    try:
        ref = named(text)
    except (ForeignOriginError, LocationError):
        return
    assert named(f"{ROOT}/synchronization/{run_path(ref)}") == ref


def test_a_run_of_another_kind_of_connection_has_no_path():
    with pytest.raises(InvalidArgumentError, match="storage or a manifest connection, not to 'x/y'"):
        run_path(RunRef(connection_id="c", run_id="r", kind="x/y"))
