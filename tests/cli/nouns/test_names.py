"""Names in place of ids, through processes."""

import re

import pytest

from bentley_sync_async.cli.lookup import is_id, near_text


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("fdb67991-f6b6-4ae0-bcb2-ed309159fc7b", True),
        ("kXm2_bb24Eq8su0wkVn8e1VZkVMuSINPg4jCAQ5pAI0", True),
        ("e5b6ac1cd7a7e1d34bd0b9e2ac1c2c5ad2e02d3b", True),
        ("Bridge", False),
        ("fdb67991-f6b6-4ae0-bcb2", False),
        ("a" * 42, False),
        (f"{'a' * 43}/", False),
    ],
)
def test_an_id_is_known_by_its_form(text, is_one):
    assert is_id(text) is is_one


def test_near_names_are_those_that_are_spelt_alike_or_have_the_word_in_them():
    names = ["Bridge", "Bridge, north", "Tower", "Quay", "Depot", "Yard", "Kiosk"]
    assert near_text("brigde", names) == " Did you mean 'Bridge'?"
    assert near_text("north", names) == " Did you mean 'Bridge, north'?"
    assert near_text("zzz", names) == ""
    assert near_text("zzz", names[:2]) == " There are 'Bridge', 'Bridge, north'."
    assert near_text("zzz", ["Tower", "Tower", ""]) == " There is 'Tower'."
    assert near_text("zzz", []) == ""


def test_upper_and_lower_case_are_the_same(place):
    assert place("connection show bRIDGE -q").out == f"{place.ids['bridge']}\n"


def test_an_id_needs_no_look_up(place):
    ended = place("connection show {bridge} -q", BENTLEY_SYNC_IMODEL="", BENTLEY_SYNC_ITWIN="")
    assert ended.operations == ("token", "get-storage-connection")


def test_options_name_the_place_of_a_name(place):
    ended = place("connection show Bridge --imodel station --itwin Harbour -q", BENTLEY_SYNC_IMODEL="Other")
    assert ended.out == f"{place.ids['bridge']}\n"


def test_a_name_without_a_place_says_which_option_is_missing(place):
    ended = place("connection show Bridge", code=2, BENTLEY_SYNC_IMODEL="")
    assert ended.err == (
        "'Bridge' is no id, and names of storage connections are looked up in an iModel: name it with --imodel, or use "
        "the id.\n"
    )
    assert "--itwin" in place("imodel show Station", code=2, BENTLEY_SYNC_ITWIN="").err
    assert "BENTLEY_SYNC_IMODEL" in place("connection list", code=2, BENTLEY_SYNC_IMODEL="").err
    assert "BENTLEY_SYNC_ITWIN" in place("storage ls", code=2, BENTLEY_SYNC_ITWIN="").err


def test_an_unknown_name_is_answered_with_near_names_and_nothing_is_changed(place):
    ended = place("connection delete Brigde --yes", code=2)
    assert (ended.out, ended.err) == ("", "There is no storage connection called 'Brigde'. Did you mean 'Bridge'?\n")
    assert "delete-storage-connection" not in ended.operations


def test_an_ambiguous_name_is_answered_with_the_ids(place):
    twins = {place.service.emulator.add_connection(place.ids["imodel"], display_name="Twin") for _ in range(2)}
    ended = place("connection run Twin", code=2)
    head, *ids = ended.err.splitlines()
    assert head == "2 storage connections are called 'Twin'. Use the id of one:"
    assert {one.strip() for one in ids} == twins
    assert "run-storage-connection" not in ended.operations


def test_an_itwin_may_be_named_by_its_number(place):
    assert place(f"itwin show {place.ids['itwin']} --json displayName").out == '{\n  "displayName": "Harbour"\n}\n'
    place("itwin create Other --number N-17 -q")
    assert "Other" in place("itwin show N-17").out


def test_an_itwin_is_found_by_one_request_and_near_names_by_another(place):
    assert place("imodel list --itwin harbour -q").operations == ("token", "get-my-itwins", "get-itwin-imodels")
    ended = place("imodel list --itwin Habrour", code=2)
    assert "Did you mean 'Harbour'?" in ended.err
    assert ended.operations == ("token", "get-my-itwins", "get-my-itwins")


def test_a_run_may_be_named_by_the_beginning_of_its_id(place):
    run_id = place("connection run Tower -q").out.strip()
    assert place(f"runs show Tower {run_id[:8]} -q").out == f"{run_id}\n"
    assert place("runs show Tower latest -q").out == f"{run_id}\n"
    assert f"There is {run_id!r}." in place("runs show Tower zzz", code=2).err


def test_a_connection_that_was_never_run_says_so(place):
    connection_id = place.service.emulator.add_connection(place.ids["imodel"], display_name="New")
    assert place(f"connection watch {connection_id}", code=2).err == "The connection was never run.\n"


def test_a_path_in_storage_names_what_is_missing(place):
    assert "no folder called 'plans'" in place("storage show plans/a.dgn", code=2).err
    assert "no file called 'bridge'. Did you mean 'bridge.dgn'?" in place("storage download bridge", code=2).err
    assert "root folder" in place("storage rm / --yes", code=2).err


def test_files_of_a_new_connection_are_found_by_path_in_the_itwin_of_the_imodel(place):
    ended = place("connection create Roof --file piers.dgn --connector MSTN", code=1, BENTLEY_SYNC_ITWIN="")
    assert re.search("FileMappingToTheIModelAlreadyExists", ended.err)
    assert "Which connector reads spare.dgn?" in place("connection create Roof --file spare.dgn", code=2).err
