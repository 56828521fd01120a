import importlib
import json
import pkgutil
from datetime import UTC, datetime

import attrs
import pytest

from bentley_sync_async import ExecutionResult, InvalidArgumentError, StorageConnection, StorageRun, models
from bentley_sync_async.cli.output.plain import SECRET, check_fields, json_text, parse_fields, tsv_lines
from bentley_sync_async.models import ConnectionLinks, Link, RunErrorDetails
from bentley_sync_async.models.platform import Changeset, ChangesetLinks, StorageFile, Webhook
from bentley_sync_async.models.reports import DiagnosticReport
from bentley_sync_async.wire.codec import json_name

RUN = StorageRun(id="r1", start_date_time=datetime(2026, 11, 27, 12, tzinfo=UTC), error=RunErrorDetails(error_key="K"))


def fields_of(record, fields, *, single=True):
    return json.loads(json_text([record], fields, single=single))


def test_json_has_the_spelling_of_the_api():
    connection = StorageConnection(id="c", imodel_id="i", links=ConnectionLinks(last_run=Link(href="h")))
    assert fields_of(connection, ()) == {"id": "c", "iModelId": "i", "_links": {"lastRun": {"href": "h"}}}


def test_a_list_is_an_array_also_of_one():
    assert fields_of(RUN, ["id"], single=False) == [{"id": "r1"}]


def test_a_field_may_lead_into_others_and_is_null_without_a_value():
    assert fields_of(RUN, ["error.errorKey", "startDateTime", "phase", "jobs.0.id", "id.x"]) == {
        "error.errorKey": "K",
        "startDateTime": "2026-11-27T12:00:00Z",
        "phase": None,
        "jobs.0.id": None,
        "id.x": None,
    }


def test_fields_are_names_with_commas_between():
    assert parse_fields(" id, displayName,,id") == ("id", "displayName")
    assert parse_fields(None) == ()
    with pytest.raises(InvalidArgumentError, match="-o json"):
        parse_fields(",")


def test_a_field_that_no_record_has_is_refused_with_those_that_there_are():
    check_fields([RUN], ["phase", "endDateTime", "error.description"])
    check_fields([], ["anything"])
    with pytest.raises(InvalidArgumentError, match=r"no field frase\. There are: .*phase"):
        check_fields([RUN], ["id", "frase"])
    with pytest.raises(InvalidArgumentError, match=r"There are: active, .*scopeId\.$"):
        check_fields([Webhook(id="w")], ["secrets"])


SECRETS = [
    Webhook(id="w", secret="hush"),
    DiagnosticReport(id="d", sas_uri="https://hush"),
    Changeset(id="c", links=ChangesetLinks(download=Link(href="https://hush"))),
]


@pytest.mark.parametrize("record", SECRETS, ids=lambda record: type(record).__name__)
@pytest.mark.parametrize("fields", [(), ("id", "secret", "sasUri", "_links")])
def test_no_format_prints_what_whoever_has_it_may_use(record, fields):
    assert "hush" not in json_text([record], fields, single=True)
    assert "hush" not in "".join(tsv_lines([record], fields)) + "".join(tsv_lines([record], ()))


def test_all_texts_that_are_in_no_repr_are_secrets_of_the_output():
    for found in pkgutil.walk_packages(models.__path__, f"{models.__name__}."):
        for cls in vars(importlib.import_module(found.name)).values():
            if not attrs.has(cls) or cls.__name__ in {"ManifestFile", "ManifestRun"}:  # sent, never printed
                continue
            hidden = [one for one in attrs.fields(cls) if one.repr is False and "tuple" not in str(one.type)]
            assert {json_name(one) for one in hidden} <= SECRET, cls


def test_tsv_has_a_line_for_each_record_and_escapes_what_would_break_it():
    run = StorageRun(id="r1", result=ExecutionResult.SUCCESS, start_date_time=RUN.start_date_time)
    [line] = tsv_lines([run], ())
    assert line.split("\t") == ["NotStarted", "Success", "2026-11-27T12:00:00Z", "", "", "", "", "r1"]
    [line] = tsv_lines([StorageConnection(id="c", display_name="a\tb\nc\\d\x1b")], ("displayName", "id", "error"))
    assert line == "a\\tb\\nc\\\\d\\x1b\tc\t"


def test_tsv_has_sizes_in_bytes_and_structures_as_json():
    [line] = tsv_lines([StorageFile(id="f", display_name="a.dgn", size=1500)], ())
    assert line.startswith("a.dgn\t1500\t")
    [line] = tsv_lines([RUN], ("error", "jobs"))
    assert line == '{"errorKey":"K"}\t[]'
