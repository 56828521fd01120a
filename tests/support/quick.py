"""What keeps `make test` quick: fewer and smaller cases than in `make torture`, and nothing that is done twice."""

import fcntl
import functools
import inspect
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

FULL_LENGTH = os.environ.get("FULL_LENGTH", "0") == "1"
"""Whether tests try all that they can, as in `make torture`, or what is enough to notice a mistake."""

T = TypeVar("T")


def length(short: T, full: T) -> T:
    """Return the one that applies."""
    return full if FULL_LENGTH else short


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


def each(names: str | tuple[str, ...], values: Iterable[Any]) -> Callable[[Any], Any]:
    """Call a test, or each test of a class, for each of the values: `pytest.mark.parametrize` as one test.

    A failure says in which case it happened. The cases share the fixtures and, if they are asynchronous, the event loop
    with its clock.
    """
    keys = (names,) if isinstance(names, str) else names
    cases = [dict(zip(keys, [value] if isinstance(names, str) else value, strict=True)) for value in values]
    assert cases

    def decorated(test: Any) -> Any:
        if inspect.isclass(test):
            for name in [name for name in vars(test) if name.startswith("test_")]:
                setattr(test, name, decorated(vars(test)[name]))
            return test

        @functools.wraps(test)
        def looped(*args: Any, **fixtures: Any) -> None:
            __tracebackhide__ = True
            for case in cases:
                with _said(case):
                    test(*args, **fixtures, **case)

        @functools.wraps(test)
        async def async_looped(*args: Any, **fixtures: Any) -> None:
            __tracebackhide__ = True
            for case in cases:
                with _said(case):
                    await test(*args, **fixtures, **case)

        found: Any = async_looped if inspect.iscoroutinefunction(test) else looped
        signature = inspect.signature(test)
        others = [one for name, one in signature.parameters.items() if name not in keys]
        found.__signature__ = signature.replace(parameters=others)
        return found

    return decorated


@contextmanager
def _said(case: dict[str, Any]) -> Iterator[None]:
    __tracebackhide__ = True
    try:
        yield
    except BaseException as failure:
        failure.add_note("in the case " + ", ".join(f"{name}={value!a}" for name, value in case.items()))
        raise
