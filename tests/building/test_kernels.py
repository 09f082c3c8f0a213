"""Kernels are forks of one process, and yet each is as if started by itself and ends when it should."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import kernel
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from pages import Page, Project, common_libraries, read_pages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every kernel is a fresh Python")
PATIENCE = 60  # seconds


@pytest.fixture(scope="module")
def command():
    with kernel.commands(["numpy", "no_such_library"], dict(os.environ), "pages-") as command:
        yield command


class Kernel:
    """One kernel and the way to talk to it."""

    def __init__(self, command: list[str], folder: Path) -> None:
        folder.mkdir()
        self.manager = KernelManager(connection_file=f"{folder}/k.json", transport="ipc", ip=f"{folder}/k")
        self.manager._kernel_spec = KernelSpec(argv=command, language="python")
        self.manager.start_kernel(cwd=str(folder), env=os.environ | {"MARK": folder.name, "IPYTHONDIR": f"{folder}/i"})
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def tell(self, expression: str, before: str = "") -> object:
        """The value of an expression, as JSON can say it, after a cell."""
        words = f"__import__('json').dumps({expression})"
        reply = self.client.execute(before, user_expressions={"x": words}, reply=True, timeout=PATIENCE)
        assert reply["content"]["status"] == "ok", reply["content"]
        answer = reply["content"]["user_expressions"]["x"]
        assert answer["status"] == "ok", answer
        return json.loads(eval(answer["data"]["text/plain"]))

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernels(command, tmp_path):
    started = [Kernel(command, tmp_path / name) for name in ("one", "two")]
    yield started
    for one in started:
        one.end()


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ended(process: int) -> bool:
    until = time.monotonic() + PATIENCE
    while alive(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(process)


def test_a_kernel_has_its_own_folder_environment_and_memory(kernels, tmp_path):
    one, two = kernels
    assert one.tell("mark", before="import builtins; builtins.mark = 1; import wave; import numpy; numpy.mark = 1") == 1
    names = "[hasattr(__import__('builtins'), 'mark'), 'wave' in __import__('sys').modules]"
    assert two.tell(f"[*{names}, hasattr(numpy, 'mark')]", before="import numpy") == [False, False, False]
    for name, each in zip(("one", "two"), kernels, strict=True):
        assert each.tell("[os.getcwd(), os.environ['MARK'], __name__]", before="import os") == [
            str(tmp_path / name), name, "__main__",
        ]  # fmt: skip
        assert each.tell("[name for name in sys.modules if name.startswith('genmodels')]", before="import sys") == []


def test_numpys_shared_generator_differs_from_kernel_to_kernel(kernels):
    """Else a page that draws without a seed would look repeatable, as it is not in a kernel of its own."""
    one, two = (each.tell("numpy.random.random(4).tolist()", before="import numpy") for each in kernels)
    assert one != two


def test_kernel_and_follower_end_together(kernels):
    one, two = kernels
    process = one.tell("os.getpid()", before="import os")
    assert alive(process)
    one.manager.provisioner.process.kill()
    assert ended(process)
    follower = two.manager.provisioner.process
    two.client.execute("import os; os._exit(3)")
    assert follower.wait(PATIENCE) == 3


def test_a_kernel_that_is_killed_is_known_to_be(kernels):
    follower = kernels[0].manager.provisioner.process
    os.kill(kernels[0].tell("os.getpid()", before="import os"), signal.SIGKILL)
    assert follower.wait(PATIENCE) == -signal.SIGKILL


def test_a_cell_can_be_interrupted(kernels):
    waiting = kernels[0].client.execute("import time; time.sleep(600)")
    time.sleep(0.5)
    kernels[0].manager.interrupt_kernel()
    reply = kernels[0].client.get_shell_msg(timeout=PATIENCE)
    assert reply["parent_header"]["msg_id"] == waiting
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_nothing_is_left_of_a_build_that_was_killed(tmp_path):
    script = 'import kernel, sys, time\nwith kernel.commands([], {}, "") as command:\n print(command[6], flush=True)\n'
    build = subprocess.Popen(
        [sys.executable, "-c", f"{script} time.sleep(600)"],
        cwd=Path(kernel.__file__).parent,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    stem = Path(build.stdout.readline().strip())
    assert stem.is_socket() and stem.is_relative_to(tmp_path)
    build.kill()
    build.communicate()
    until = time.monotonic() + PATIENCE
    while any(tmp_path.iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_what_is_loaded_before_gives_no_page_what_it_forgot_to_import(tmp_path):
    project = Project(tmp_path, tmp_path / "build")
    (tmp_path / "code/genmodels").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "code/genmodels/__init__.py").touch()
    (tmp_path / "code/genmodels/fits.py").write_text("import scipy.optimize\nfrom torch import nn\nimport json\n")
    cells = {
        "a": "import genmodels.fits\nimport torch.nn.functional",
        "b": "import scipy, scipy.optimize, scipy.stats\nimport torch\nimport sklearn.mixture",
        "c": "import json",
    }
    for name, cell in cells.items():
        text = f"---\nfile_format: mystnb\n---\n# {name}\n\n```{{code-cell}} python\n{cell}\n```\n"
        (tmp_path / f"docs/{name}.md").write_text(text)
    pages: list[Page] = read_pages(project)
    assert common_libraries(project, pages) == ["scipy.optimize", "sklearn.mixture", "torch"]


def test_what_makes_pages_is_loaded_while_kernels_start(tmp_path):
    """In a process of its own: a name that has gone would be passed over in silence."""
    script = (
        "import json, sys; from pathlib import Path; import build; from pages import Project\n"
        "build.load(Project(Path(), Path('build')), ['no_such_library', 'colorsys'])\n"
        "print(json.dumps([name for name in (*build.LARGE, 'colorsys') if name not in sys.modules]))\n"
        "print(sorted(set(sys.modules) & {'jupyter_cache', 'sqlalchemy', 'matplotlib'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(Path(kernel.__file__).parent)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (run.stderr, run.stdout) == ("", "[]\n[]\n")
