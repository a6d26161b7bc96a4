"""``scripts/licences``: what packages state, and what cannot be."""

from __future__ import annotations

from email.message import Message
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "licences"


@pytest.fixture(scope="module")
def licences():
    loader = SourceFileLoader("licences", str(SCRIPT))
    module = module_from_spec(spec_from_loader("licences", loader))
    loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("stated", "can_be"),
    [
        ("MIT", True),
        ("Apache-2.0 AND (MIT OR MPL-2.0)", True),
        ("MPL-2.0", True),
        ("LGPL-3.0-or-later", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-3.0-only", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("GNU Affero General Public License v3", False),
        ("AGPL-3.0-or-later", False),
        ("MIT AND GPL-2.0-only", False),
        ("MIT OR GPL-2.0-only", True),
        ("", False),
    ],
)
def test_what_can_be(licences, stated, can_be):
    assert (licences.refused(stated) == "") is can_be


def package(**fields):
    metadata = Message()
    for name, values in fields.items():
        for value in values:
            metadata[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=metadata)


def test_what_a_package_states(licences):
    bsd, mit = "License :: OSI Approved :: BSD License", "License :: OSI Approved :: MIT License"
    assert licences.licence(package(License_Expression=["MIT"], Classifier=[bsd])) == "MIT"
    assert licences.licence(package(Classifier=[bsd, mit, "Topic :: Text"])) == "BSD License; MIT License"
    assert licences.licence(package(Classifier=["License :: OSI Approved"], License=["\nMIT Licence\n\nText"])) == (
        "MIT Licence"
    )
    assert licences.licence(package()) == ""


def test_what_is_installed_can_be(licences, capsys):
    names = {found.name.lower() for found in licences.installed()}
    assert {"broadsheet", "whoosh", "numpy", "onnxruntime", "anyio"} <= names
    assert not names & {"pytest", "mypy"}  # no user installs them
    assert licences.main(["--check"]) == 0
    assert "0 with a licence that cannot be used" in capsys.readouterr().out
    assert licences.main([]) == 0
    assert "numpy" in capsys.readouterr().out
