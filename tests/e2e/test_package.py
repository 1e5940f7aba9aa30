"""The package as an index would hand it out: built, installed into an empty environment and used there.

Installing torch anew would take minutes. The empty environment sees the dependencies of the running one instead,
through a .pth file with the path of its site-packages. Python adds such a path, but does not read the .pth files in it,
so the checkout, which the running environment installs by one of those, stays out of reach.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
import yaml

import automl
from tests.builders.cli import ONE_SLOT, TINY, WAIT_S, environment, wait_for
from tests.builders.ports import free_port
from tests.builders.train_tiny import draw_data

ROOT = Path(__file__).parents[2]
QUICK = ("search", "--data", "data.yaml", "--trainer", "surrogate", "--epochs", "9", *ONE_SLOT, "--budget", "12trials")
REAL = ("search", *TINY, *ONE_SLOT, "--epochs", "2", "--budget", "1trials", "--no-portfolio", "--confirm", "0")

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    """The two files of a release."""

    sdist: Path
    wheel: Path

    def names(self) -> set[str]:
        """Files in the wheel."""
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def metadata(self) -> Message:
        """What an index shows."""
        with zipfile.ZipFile(self.wheel) as archive:
            (file,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return message_from_bytes(archive.read(file))


@dataclass(frozen=True)
class Installed:
    """An environment with nothing but the wheel, and a folder in which a user works."""

    python: Path
    folder: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """A command from its start to its end."""
        return subprocess.run(
            [*map(str, words)],
            capture_output=True,
            text=True,
            timeout=2 * WAIT_S,
            cwd=self.folder,
            env=self.variables(),
            check=False,
        )

    def automl(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`automl ...`, by the script that the wheel brings."""
        return self.run(self.python.parent / "automl", *words)

    def program(self, text: str) -> str:
        """What a Python program prints."""
        done = self.run(self.python, "-c", text)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def variables(self) -> dict[str, str]:
        """The environment of a user who has no checkout."""
        kept = environment(AUTOML_HOME=str(self.folder / "runs"))
        return {key: value for key, value in kept.items() if not key.startswith("PYTHON")}


def build(kind: str, source: Path, target: Path) -> Path:
    """The file that the build backend makes of a source folder. Nothing is fetched."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = target.iterdir()
    return file


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """An sdist of the checkout, and a wheel of what is in the sdist."""
    folder = tmp_path_factory.mktemp("built")
    sdist = build("sdist", ROOT, folder / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    return Built(sdist, build("wheel", source, folder / "wheel"))


@pytest.fixture(scope="module")
def user(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A user who has installed the wheel."""
    folder = tmp_path_factory.mktemp("user")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(built.wheel)], check=True, capture_output=True)
    (own,) = (folder / "venv" / "lib").glob("python*/site-packages")
    dependencies = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (own / "dependencies.pth").write_text("\n".join(dependencies) + "\n")
    work = folder / "work"
    work.mkdir()
    draw_data(work)
    return Installed(python, work)


@pytest.fixture(scope="module")
def quick(user: Installed) -> str:
    """Name of a study that the surrogate has run."""
    done = user.automl(*QUICK, "--name", "quick")
    assert done.returncode == 0, done.stderr
    return "quick"


def test_the_wheel_holds_the_package_and_nothing_at_the_top_beside_it(built: Built) -> None:
    names = built.names()
    assert {name.split("/")[0] for name in names} == {"automl", f"yolo_automl-{automl.__version__}.dist-info"}
    assert {"automl/py.typed", "automl/dashboards/app.py", "automl/configs/spaces/scratch-low.yaml"} <= names
    assert not [name for name in names if "/tests/" in name or "/benchmarks/" in name]


def test_the_wheel_holds_every_source_file(built: Built) -> None:
    shipped = {
        f"{inside}{file.relative_to(ROOT).as_posix()}"
        for folder, inside in (("automl", ""), ("dashboards", "automl/"), ("configs", "automl/"))
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".yaml")
    }
    assert shipped - built.names() == set()


def test_the_metadata_is_complete(built: Built) -> None:
    metadata = built.metadata()
    assert metadata["Name"] == "yolo-automl"
    assert metadata["Version"] == automl.__version__
    assert metadata["License-Expression"] == "AGPL-3.0-or-later"
    assert metadata["Author"] == "The automl authors"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert len(str(metadata.get_payload())) > 1000
    urls = dict(str(line).split(", ") for line in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Repository", "Documentation", "Changelog", "Issues"}
    assert {"bench", "demo", "dev", "page", "public"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_sdist_holds_what_is_built_and_tested_and_no_data(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tops = {name.split("/")[0] for name in names}
    assert {"automl", "benchmarks", "configs", "dashboards", "tests", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert {"tests/conftest.py", "tests/e2e/test_package.py", "Makefile", "CHANGELOG.md"} <= names
    unwanted = (".png", ".svg", ".jpg", ".gif", ".pt", ".safetensors", ".db", ".pyc")
    assert [name for name in names if name.endswith(unwanted) and not name.startswith("docs/images/")] == []
    assert built.sdist.stat().st_size < 2_000_000


def test_only_the_installed_package_can_be_imported(user: Installed) -> None:
    file = user.program("import automl; print(automl.__file__)")
    assert Path(file).is_relative_to(user.python.parents[1])
    lines = "from importlib.metadata import files\nfor file in files('yolo-automl'):"
    folders = set(user.program(f"{lines}\n    print(file.parts[0])").split())
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"automl", ".."}  # .. is the command


def test_the_command_says_its_version(user: Installed) -> None:
    assert user.automl("--version").stdout == f"automl {automl.__version__}\n"
    program = "from importlib.metadata import version; print(version('yolo-automl'))"
    assert user.program(program) == automl.__version__


def test_a_search_with_the_surrogate_ends_and_has_no_recipe(user: Installed, quick: str) -> None:
    assert quick in user.automl("studies").stdout
    done = user.automl("export", quick)
    assert done.returncode == 2
    assert "surrogate" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_training_is_searched_and_its_recipe_exported(user: Installed) -> None:
    done = user.automl(*REAL, "--name", "real", "--export", "hyp.yaml")
    assert done.returncode == 0, done.stderr
    recipe = yaml.safe_load((user.folder / "hyp.yaml").read_text())
    assert recipe["imgsz"] == 64


def test_the_page_shows_the_study(user: Installed, quick: str) -> None:
    program = (
        "import os\nfrom automl.page import app_file\nfrom streamlit.testing.v1 import AppTest\n"
        f"os.environ['AUTOML_DB'] = 'sqlite:///{user.folder}/runs/automl.db'\n"
        "page = AppTest.from_file(str(app_file()), default_timeout=300).run()\n"
        "assert not page.exception and not page.error, page\n"
        "import dashboards\nprint(dashboards.__file__)\nprint(page.main)"
    )
    file, _, shown = user.program(program).partition("\n")
    assert Path(file).is_relative_to(user.python.parents[1])
    assert quick in shown


def test_the_page_answers(user: Installed, quick: str) -> None:
    with dashboard(user) as address, urllib.request.urlopen(address, timeout=WAIT_S) as answer:
        assert answer.status == 200
        assert b"<title>" in answer.read()


@contextmanager
def dashboard(user: Installed) -> Iterator[str]:
    """The page's address while `automl dashboard` runs."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [str(user.python.parent / "automl"), "dashboard", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=user.folder, env=user.variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_for("the page", lambda: healthy(address), process)
            yield address
        finally:
            process.kill()


def healthy(address: str) -> bool:
    """True once the server answers."""
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
