"""What is dear to make and the same for every test: made once in a test run, however many processes it has."""

import fcntl
import json


def once(tmp_path_factory, worker_id, name, make):
    """Return what `make` returns, as JSON keeps it; the first process that asks makes it, and the others wait."""
    alone = worker_id == "master"
    folder = tmp_path_factory.mktemp(name) if alone else tmp_path_factory.getbasetemp().parent
    path = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            path.write_text(json.dumps(make()), "utf-8")
        return json.loads(path.read_text("utf-8"))
