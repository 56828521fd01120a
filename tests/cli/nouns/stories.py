"""What is done with each noun, in order, through real processes: the command, and what its output has."""

import re

from attrs import field, frozen


@frozen
class Step:
    """A command, and patterns of what it prints."""

    line: str
    out: str = ""
    err: str = ""
    given: str = field(default="", kw_only=True)
    code: int = field(default=0, kw_only=True)


FILES = """
[[file]]
id = "doc-1"
name = "a.dgn"
connector = "mstn"
url = "https://blobs.example/a.dgn?sig=hush"
"""

GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
PAIR = r"[\w-]{43}"

STORIES = {
    "connection": [
        Step("connection list", rf"NAME +AUTHENTICATION +ID\nBridge +Service +{PAIR}\nTower"),
        Step("connection list --all-kinds -o tsv", rf"^Bridge\t{GUID}\t{PAIR}$"),
        Step("connection create Quay --file spare.dgn:MSTN --authentication service", r"Name +Quay\n"),
        Step("connection update Quay --name 'Old quay' -o tsv", r"^Old quay\tService\t"),
        Step("connection file list Bridge --limit 1", rf"CONNECTOR +STORAGE FILE +ID\n +MSTN +{PAIR} +{GUID}\n$"),
        Step("connection run Bridge", rf"Run +triggered\nConnection +{{bridge}}\nId +{GUID}\n"),
        Step("connection run Bridge --watch", r"bridge.dgn completed: Success"),
        Step("connection watch Bridge -o json", r'"event":"RunCompleted"'),
        Step(
            "connection show Bridge", r"Name +Bridge\n[\s\S]+\nSource files\n[\s\S]+bridge.dgn +MSTN[\s\S]+Latest run\n"
        ),
        Step(
            "connection file show Bridge piers.dgn --json lastKnownFileName", r'\{{\s+"lastKnownFileName": "piers.dgn"'
        ),
        Step("connection file update Bridge piers.dgn --connector ifc", r"File +piers.dgn\nConnector +IFC\n"),
        Step("connection file remove Bridge piers.dgn --yes", "^$", rf"^Removed the source file piers.dgn \({GUID}\)."),
        Step("connection delete 'Old quay' --yes -q", rf"^{PAIR}\n$", rf"^Deleted the connection Old quay \({PAIR}\)."),
        Step("connection file add Bridge spare.dgn --connector DWG", r"Connector +DWG\nStorage file +{spare}\n"),
    ],
    "runs": [
        Step("connection run Tower -q", rf"^{GUID}\n$"),
        Step("runs list Tower --json state,result", r'"state": "Completed",\n +"result": "Success"'),
        Step("runs show Tower", r"State +Completed\n[\s\S]*\nFiles\nFILE [\s\S]*\ntower.dgn +MSTN +Success"),
        Step("manifest create Archive --file doc-1", r"Name +Archive\n"),
        Step("manifest run Archive - -o tsv", rf"^triggered\t{PAIR}\t{GUID}\n$", given=FILES),
        Step("runs list Archive --kind manifest", r"^STATUS +STARTED "),
        Step("runs show Archive --kind manifest", r"\nfile doc-1 +MSTN +Success"),
    ],
    "report": [
        Step("connection run Bridge -q", GUID),
        Step("report list Bridge -q", rf"^({PAIR}\n){{{{2}}}}$"),
        Step("report show Bridge -o json", r"^\["),
        Step("report download Bridge --to reports --json file", r'"file": "reports/report-[\w-]{{43}}.json"'),
    ],
    "config": [
        Step("config list -o tsv", r"^clampZExtent\timodel\tfalse\t"),
        *(
            step
            for scope, of in (("itwin", "Harbour"), ("imodel", "Station"), ("connection", "Bridge"))
            for step in (
                Step(f"config set {scope} {of} aSwitch=true aNumber=3", r"Settings +aSwitch=true, aNumber=3\n"),
                Step(
                    f"config unset {scope} {of} aNumber --yes --json settings",
                    r'"settings": \{{\s+"aSwitch": true\s+\}}',
                ),
            )
        ),
        Step("config get imodel Station", r"Settings +aSwitch=true\n"),
        Step("config unset connection Bridge --yes", "^$", r"^Deleted all settings of the connection Bridge \("),
    ],
    "manifest": [
        Step(
            "manifest create Archive --file doc-1 --authentication service", r"Name +Archive\nAuthentication +Service\n"
        ),
        Step("manifest list -q", rf"^{PAIR}\n$"),
        Step("manifest update Archive --name Papers --authentication user -o tsv", r"^Papers\tUser\t"),
        Step("manifest show Papers", r"Name +Papers\n"),
        Step("manifest file add Papers doc-2 -o tsv", rf"^doc-2\t{GUID}\n$"),
        Step("manifest file list Papers", rf"YOUR FILE +ID\ndoc-1 +{GUID}\ndoc-2"),
        Step("manifest file update Papers doc-2 doc-3 --json sourceFileId", r'"sourceFileId": "doc-3"'),
        Step("manifest file show Papers doc-3 -o tsv", r"^doc-3\t"),
        Step("manifest file remove Papers doc-3 --yes", "^$", r"^Removed the source file doc-3 \("),
        Step("manifest run Papers - --watch", r"run completed: Error", given=FILES, code=4),
        Step("manifest delete Papers --yes", "^$", r"^Deleted the manifest connection Papers \("),
    ],
    "authorization": [
        Step("authorization show", r"Authorized +no\nConsent page +http://127.0.0.1:\d+/authenticate\n"),
        Step("authorization show --web --json isUserAuthorized", r"false"),
    ],
    "storage": [
        Step("storage mkdir designs", r"Name +designs/\n"),
        Step("storage mkdir designs/2026 --itwin Harbour -q", rf"^{PAIR}\n$"),
        Step("storage upload new.dgn --to designs", r"Name +new.dgn\nSize +3 bytes\n"),
        Step("storage upload new.dgn --to designs --replace --json displayName", r'"displayName": "new.dgn"'),
        Step("storage show {spare} -o tsv", r"^spare.dgn\t16\t"),
        Step("storage ls", r"\ndesigns/ "),
        Step("storage ls designs", r"NAME [\s\S]+(2026/|new.dgn)[\s\S]+(2026/|new.dgn)"),
        Step("storage ls designs --files -o tsv", r"^new.dgn\t3\t"),
        Step("storage ls designs --folders", r"\n2026/ "),
        Step("storage find new", r"\nnew.dgn "),
        Step("storage download designs/new.dgn", "^$", "new.dgn is there already: --force replaces it", code=2),
        Step("storage download designs/new.dgn --force", r"file +new.dgn\nsize +3\n"),
        Step("storage mv designs/new.dgn old.dgn", r"Name +old.dgn\n"),
        Step("storage mv designs/2026 2027 --json displayName", r'"2027"'),
        Step("storage show designs/old.dgn", r"Path +designs/old.dgn\n"),
        Step("storage rm designs/old.dgn --yes", "^$", r"^Deleted the file "),
        Step("storage show designs -o tsv", r"^designs/\t"),
        Step("storage rm designs/2027 --yes -q", rf"^{PAIR}\n$"),
        Step("storage trash list", r"(2027/|old.dgn)[\s\S]+(2027/|old.dgn)"),
        Step("storage trash restore old.dgn", "^$", r"^Restored old.dgn."),
        Step("storage trash restore 2027", "^$", r"^Restored 2027."),
        Step("storage rm designs/old.dgn --yes -q", PAIR),
        Step("storage trash delete old.dgn --yes", "^$", r"^Deleted for good "),
        Step("storage rm designs --yes -q", PAIR),
        Step("storage trash delete designs --yes -q", PAIR),
    ],
    "imodel": [
        Step("imodel create Depot --description 'Old depot'", r"Name +Depot\nState +initialized\n"),
        Step("imodel list", rf"NAME [\s\S]*Station +initialized +\S.* +{GUID}"),
        Step("imodel creation Depot --json state", r'"state": "successful"'),
        Step("imodel update Depot --name Yard --description ''", r"Name +Yard\n"),
        Step("imodel show Yard", r"iTwin +{itwin}\n"),
        Step("imodel delete Yard --yes", "^$", r"^Deleted the iModel and all that is in it: Yard \("),
        Step("connection run Bridge -q", GUID),
        Step("imodel changesets Station -o tsv --json index", r"^1\n"),
        Step("imodel changeset Station 1", r"Index +1\n"),
        Step("imodel version create Station Beginning", r"Name +Beginning\n"),
        Step("imodel version list Station", r"Beginning +0 +"),
        Step("imodel version show Station Beginning -q", rf"^{GUID}\n$"),
    ],
    "itwin": [
        Step("itwin create Airport --number A-1 --location 'Exton, PA'", r"Name +Airport\nNumber +A-1\n"),
        Step("itwin list --search A-1", r"\nAirport +A-1 +Project +Active "),
        Step("itwin update A-1 --status Inactive", r"Status +Inactive\n"),
        Step("itwin show {itwin}", r"Name +Harbour\n"),
        Step("itwin create Kiosk -q", GUID),
        Step("itwin delete Kiosk --yes", "^$", r"^Deleted the iTwin and all that is in it: Kiosk \("),
    ],
    "webhook": [
        Step(
            "webhook create https://hooks.example/sync --secret-file hook.secret", r"URL +https://hooks.example/sync\n"
        ),
        Step("webhook list", rf"URL +ACTIVE +EVENTS OF +ID\nhttps://hooks.example/sync +no +iTwin +{GUID}"),
        Step("webhook activate https://hooks.example/sync", r"Active +yes\n"),
        Step("webhook deactivate https://hooks.example/sync --json active", r'"active": false'),
        Step("webhook show https://hooks.example/sync -q", rf"^{GUID}\n$"),
        Step(
            "webhook delete https://hooks.example/sync --yes",
            "^$",
            r"^Deleted the webhook https://hooks.example/sync \(",
        ),
    ],
}


def matches(pattern: str, text: str, ids: dict[str, str]) -> bool:
    """Whether a pattern is in a text; `{names}` of ids in it are replaced, and other braces are doubled or counts."""
    for name, one in ids.items():
        pattern = pattern.replace(f"{{{name}}}", one)
    return re.search(pattern.replace("{{", "{").replace("}}", "}"), text, re.MULTILINE) is not None
