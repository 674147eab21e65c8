"""Binder's image, without Docker: what repo2docker makes of binder/, and whether it agrees with our pins."""

import contextlib
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from repo2docker.app import Repo2Docker

ROOT = Path(__file__).resolve().parents[3]
FOR_TESTS_ONLY = {"nbval", "pytest"}
# conda-forge's name -> PyPI's
CONDA_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}


@pytest.fixture(scope="module")
def pins():
    """requirements.txt: package -> exact version."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


@pytest.fixture(scope="module")
def environment():
    """binder/environment.yml: ({conda package: version}, {pip package: version})."""
    wanted = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())["dependencies"]
    conda = dict(line.split("=") for line in wanted if isinstance(line, str) and "=" in line)
    (pip,) = [entry["pip"] for entry in wanted if isinstance(entry, dict)]
    return conda, dict(line.split("==") for line in pip)


def test_repo2docker_builds_the_conda_environment(monkeypatch):
    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    packs = (pack(app.base_image) for pack in app.buildpacks)
    pack = next(pack for pack in packs if pack.detect())
    pack.platform = "linux/amd64"
    with contextlib.redirect_stdout(io.StringIO()):
        dockerfile = pack.render({"NB_USER": "jovyan", "NB_UID": "1000"})
    assert type(pack).__name__ == "CondaBuildPack"
    assert pack.python_version == "3.11"
    assert Path(pack.binder_dir).name == "binder"
    assert re.search(r"env update .*binder/environment\.yml", dockerfile)
    assert "binder/postBuild" in dockerfile


def test_post_build_installs_the_package_alone():
    script = ROOT / "binder" / "postBuild"
    assert script.stat().st_mode & 0o111, "repo2docker runs postBuild as a program"
    assert "pip install --no-deps" in script.read_text()


def test_environment_agrees_with_requirements(pins, environment):
    conda, pip = environment
    conda = {CONDA_NAMES.get(name, name): version for name, version in conda.items() if name != "python"}
    assert set(conda) | set(pip) == set(pins) - FOR_TESTS_ONLY
    for name, version in conda.items():
        major_minor = ".".join(pins[name].split(".")[:2])
        assert version in (major_minor, pins[name]), name
    assert pip == {name: pins[name] for name in pip}


def test_torch_is_condas_cpu_build(environment):
    conda, pip = environment
    assert "pytorch-cpu" in conda
    assert not {"torch", "torchvision", "pytorch"} & set(pip)
    assert not {"pytorch", "pytorch-gpu", "pytorch-cuda"} & set(conda)


def test_badge_opens_a_chapter_that_exists():
    (url,) = re.findall(r"https://mybinder\.org/v2/gh/[^)\s]+", (ROOT / "README.md").read_text(encoding="utf-8"))
    parsed = urlparse(url)
    (lab,) = parse_qs(parsed.query)["urlpath"]
    assert parsed.path == "/v2/gh/jointopt/jointopt/main"
    assert "/" not in parsed.query, "a slash in the query is written %2F"
    assert lab.startswith("lab/tree/notebooks/")
    assert (ROOT / lab.removeprefix("lab/tree/")).is_file()
