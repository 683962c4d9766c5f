"""Files to check, checked in this process."""

import io
import json
import sys
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from compare.check import judge, process
from compare.check.checker import check
from compare.check.definitions import MODULE, definitions, own_names
from compare.cli import app


def loaded(path):
    """A file as a module."""
    spec = spec_from_file_location(MODULE, path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def write(tmp_path):
    """Write a file's source; returns its path."""

    def write(source, name="mine.py"):
        path = tmp_path / name
        path.write_text(source, encoding="utf-8")
        return path

    return write


@pytest.fixture
def find(write):
    """Check all that a source defines; returns the findings."""

    def find(source):
        module = loaded(write(source))
        return [check(each) for each in definitions(own_names(module))]

    return find


@pytest.fixture
def find_one(find):
    """Check the one thing that a source defines; returns the finding."""

    def find_one(source):
        (found,) = find(source)
        return found

    return find_one


@pytest.fixture
def command():
    """Run `python -m compare` with these arguments."""
    return lambda *args: CliRunner().invoke(app, [str(a) for a in args])


@pytest.fixture
def in_process(monkeypatch):
    """Check files without a child process."""

    def ask(self, request):
        news = []
        finders = list(sys.meta_path)
        keys = ("names", "meant", "seconds")
        try:
            with redirect_stdout(io.StringIO()):
                judge.judge(
                    Path(request["path"]),
                    *(request[key] for key in keys),
                    lambda **one: news.append(json.loads(json.dumps(one))),
                )
        finally:
            sys.meta_path[:] = finders
        return news, "ended"

    for name in ("grad", "backward"):  # which a judge watches
        monkeypatch.setattr(torch.autograd, name, getattr(torch.autograd, name))
    monkeypatch.setattr(process.Worker, "ask", ask)
