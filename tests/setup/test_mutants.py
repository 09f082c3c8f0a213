"""The errors that mutants make, and what the runner says of those that a test notices and of those that none does."""

import builtins
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from mutant_runs import define_detached
from mutants import ExplanationError, explanations
from mutations import mutants

TOOLS = Path(__file__).resolve().parents[2] / "conf" / "tools"
PACKAGE = '''
"""A tiny package."""

SIZE = 3


def area(width, height):
    """Return the area."""
    if width < 0:
        raise ValueError("width: expected a number that is not negative")
    return width * height


def perimeter(width, height):
    return 2 * (width + height)


def countdown(n):
    while n > 0:
        n -= 1
    return n


def unused(x):
    return -x
'''
TESTS = """
import pytest
from genmodels.tiny import area, countdown, perimeter

@pytest.fixture(scope="module")
def shared():
    return perimeter(2, 1)

@pytest.mark.parametrize(("height", "expected"), [(3, 3), (4, 4)])
def test_area(height, expected):
    assert area(1, height) == expected
    assert area(0, 0) == 0

def test_countdown():
    assert countdown(3) == 0

def test_nothing(shared):
    assert shared

def test_shared(shared):
    assert shared == 6
"""
RUN = """
import sys, mutant_tests, mutants
mutant_tests.GRACE = 1.0  # second, after which a mutant that hangs is ended
sys.exit(mutants.main(mutants.Path(sys.argv[1]), sys.argv[2:]))
"""
HEIGHT = ("area", "return width * height", "return height")  # 0 x 0 and 1 x 3 do not tell
UNUSED = ("unused", "return -x", "return x")  # no test touches it


def errors(source: str) -> dict[str, set[str]]:
    """What becomes of the last statement of a function's body, by the kind of the error."""
    body = textwrap.indent(textwrap.dedent(source).strip(), "    ")
    found: dict[str, set[str]] = {}
    for mutant in mutants("m", f"def f(a: Tensor):\n{body}\n", "m.py"):
        found.setdefault(mutant.kind, set()).add(mutant.after)
    return found


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("x = a + b", "sign", {"x = a - b"}),
        ("x = a - b", "sign", {"x = a + b"}),
        ("x = -a", "sign", {"x = a"}),
        ("x = a not in b", "sign", {"x = a in b"}),
        ("x -= a", "sign", {"x += a"}),
        ("x = a - b", "dropped", {"x = a", "x = -b"}),
        ("x = a * b", "dropped", {"x = a", "x = b"}),
        ("x = a / b", "dropped", {"x = a"}),
        ("x = a and b and c", "dropped", {"x = b and c", "x = a and c", "x = a and b"}),
        ("x = np.abs(a)", "dropped", {"x = a"}),
        ("x = a.clone()", "dropped", {"x = a"}),
        ("check(a)", "dropped", {"pass"}),
        ("x = a[1:]", "off by one", {"x = a[2:]"}),
        ("x = a < b <= c", "off by one", {"x = a <= b <= c", "x = a < b < c"}),
        ("x = f(a, b, c)", "swapped", {"x = f(b, a, c)", "x = f(a, c, b)"}),
        ("x = a @ b", "swapped", {"x = b @ a"}),
        ("x = a.mean(axis=n)", "reduction", {"x = a.sum(axis=n)"}),
        ("x = min(a)", "reduction", {"x = max(a)"}),
        ("x = f(keepdim=True)", "reduction", {"x = f(keepdim=False)"}),
        ("x = a * b", "detached", {"x = detached(a * b)"}),
        ("return f(a)", "detached", {"return detached(f(a))"}),
        ("x = a.detach()", "detached", {"x = a", "x = detached(a.detach())"}),
    ],
)
def test_an_error_of_each_kind(source, kind, expected):
    assert errors(source)[kind] == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Text 1 - 2."""',
        'raise ValueError(f"{a - b}, " + "1")',
        "assert a < b",
        "x: Literal[1] | None",
        "BATCH, RATE = 64, -1e-2",
        'STYLE = {"width": 2.0, "colour": colour("ink")}',
        "x: float = a",
        'x = {"maxiter": 2 * a, "ftol": 0.0}',
        "from a import b",
        "def __repr__(self): return self.a - 1",
    ],
)
def test_what_says_nothing_of_behaviour_is_left_alone(source):
    assert errors(source) == {}


def test_tolerances_and_options_are_left_alone():
    assert errors("x = a(rtol=1.0, b=1e-9)") == {"detached": {"x = detached(a(rtol=1.0, b=1e-09))"}}
    assert errors("x = max(a, b)").keys() == {"reduction", "detached"}
    assert errors("LOG_2 = math.log(2.0)")["off by one"] == {"LOG_2 = math.log(3.0)"}


def test_a_mutant_is_named_by_function_and_statement_and_can_be_run():
    source = "class C:\n    def f(self, a=1):\n        if (\n            a > 2\n        ):\n            return 5\n"
    made = mutants("m", source, "m.py")
    assert {(mutant.function, mutant.before) for mutant in made} == {
        ("C", "def f(self, a=1):"),
        ("C.f", "if a > 2:"),
        ("C.f", "return 5"),
    }
    # what runs when the module is imported is touched by every test of the module
    assert {mutant.function for mutant in made if mutant.imported} == {"C"}
    bound = next(mutant for mutant in made if mutant.after == "if a >= 2:")
    assert (bound.line, bound.lines) == (4, range(3, 6))
    names = [{}, {}]
    exec(bound.code(), names[0])
    exec(compile(source, "m.py", "exec"), names[1])
    assert [each["C"]().f(2) for each in names] == [5, None]
    # the tree is whole again: another mutant does not have this one's error
    names = {}
    exec(next(mutant for mutant in made if mutant.after == "return 6").code(), names)
    assert [names["C"]().f(a) for a in (2, 3)] == [None, 6]


def made(root, module, source, tests):
    """A package of one module, and its tests."""
    for name, text in ((f"code/genmodels/{module}.py", source), (f"tests/package/test_{module}.py", tests)):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(text)
    (root / "code/genmodels/__init__.py").touch()
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return made(tmp_path_factory.mktemp("tiny"), "tiny", PACKAGE, TESTS)


def run(root, *arguments):
    command = [sys.executable, "-c", RUN, str(root), "--jobs", "2", *arguments]
    return subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, timeout=120)


def explain(root, entries):
    texts = [
        f'[[mutant]]\nmodule = "tiny"\nfunction = "{function}"\nbefore = "{before}"\nafter = "{after}"\n'
        f'kind = "{kind}"\nreason = "It is seen here."\n'
        for function, before, after, kind in entries
    ]
    (root / "tests/mutants.toml").write_text("\n".join(texts))


def section(output: str, head: str) -> list[str]:
    """The lines below the head, up to an empty one."""
    return [line.strip() for line in output.partition(f"{head}:\n")[2].partition("\n\n")[0].splitlines()]


def test_the_runner_tells_what_no_test_notices(tiny):
    explain(tiny, [])
    done = run(tiny)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tiny.py, 0 files left" in done.stdout
    survivors = section(done.stdout, "Survivors that tests/mutants.toml does not explain (2)")
    assert survivors == [
        f"tiny:{line}  {before}  ->  {after}" for line, (_, before, after) in ((11, HEIGHT), (25, UNUSED))
    ]
    # the two that hang are killed as well: of the 16 only two are alive
    assert re.search(r"(?m)^tiny +14 +0 +2 +0 +0 +87\.5%$", done.stdout), done.stdout
    assert "Fewer than 95% of the mutants that are not equivalent were killed." in done.stdout


SLOPES = """
import torch

def loss(x):
    return torch.sum(x**2)

def steps(x):
    return torch.cumsum(x, 0)

WEIGHT = torch.nn.Parameter(torch.ones(1))

def weight():
    return WEIGHT.detach().numpy()
"""
TESTS_OF_SLOPES = """
import torch
from genmodels.slopes import loss, steps, weight

def test_loss():
    assert loss(torch.tensor([1.0, 2.0], requires_grad=True)) == 5

def test_steps():
    assert steps(torch.tensor([1.0, 2.0, 3.0])).tolist() == [1, 3, 6]

def test_weight():
    assert weight().tolist() == [1]
"""


def test_a_gradient_is_cut_only_where_one_flows_and_let_through_everywhere(tmp_path):
    made(tmp_path, "slopes", SLOPES, TESTS_OF_SLOPES)
    done = run(tmp_path)
    survivors = section(done.stdout, "Survivors that tests/mutants.toml does not explain (1)")
    assert survivors == ["slopes:5  return torch.sum(x ** 2)  ->  return detached(torch.sum(x ** 2))"], done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("slopes ")).split()
    assert row[2:6] == ["0", "1", "0", "1"]


def test_explanations_are_held_to_the_truth(tiny):
    killed = ("area", "return width * height", "return width")
    gone = ("perimeter", "return 2 * width", "return 3 * width")
    explain(tiny, [(*HEIGHT, "equivalent"), (*UNUSED, "equivalent"), (*killed, "equivalent"), (*gone, "alive")])
    done = run(tiny)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Recording" not in done.stdout  # the record of touched lines is kept
    assert re.search(r"(?m)^all +14 +0 +0 +2 +0 +100\.0%$", done.stdout), done.stdout
    assert section(done.stdout, "Explained as survivors, yet killed (1)") == [f"tiny:11  {killed[1]}  ->  {killed[2]}"]
    expected = ["tiny | perimeter | return 2 * width | return 3 * width"]
    assert section(done.stdout, "Explained, but there is no such mutant any more (1)") == expected
    assert "Fewer than" not in done.stdout


def test_all_is_well_where_every_survivor_is_explained(tiny):
    explain(tiny, [(*HEIGHT, "equivalent"), (*UNUSED, "equivalent")])
    done = run(tiny, "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Survivors" not in done.stdout


def test_a_sample_is_the_same_for_the_same_seed(tiny):
    listed = [run(tiny, "--list", "--sample", "5", "--seed", seed).stdout.splitlines() for seed in ("1", "1", "2")]
    assert len(set(listed[0])) == 5
    assert listed[0] == listed[1] != listed[2]


@pytest.mark.parametrize(
    ("text", "message", "status"),
    [
        ("def test_wrong():\n    assert 1 == 2\n", "1 tests fail without any mutant and are left out:", 0),
        ("import nowhere\n", "test_wrong.py cannot be run:", 1),
    ],
)
def test_tests_that_fail_by_themselves_are_named(tiny, text, message, status):
    explain(tiny, [(*HEIGHT, "equivalent"), (*UNUSED, "equivalent")])
    file = tiny / "tests/package/test_wrong.py"
    file.write_text(text)
    done = run(tiny)
    file.unlink()
    assert done.returncode == status, done.stdout + done.stderr
    assert message in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nowhere"], "there is no module nowhere: there are __init__, tiny"), (["--jobs", "0"], "must be at least 1")],
)
def test_a_wrong_argument_is_named(tiny, arguments, message):
    done = run(tiny, *arguments)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[mutant", "mutants.toml: "),
        ('[[mutant]]\nmodule = "tiny"\n', "entry 1: needs module, function, before, after"),
    ],
)
def test_a_wrong_list_of_explanations_is_named(tmp_path, text, message):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/mutants.toml").write_text(text)
    with pytest.raises(ExplanationError, match=re.escape(message)):
        explanations(tmp_path)


def test_detached_says_whether_there_was_a_gradient(monkeypatch):
    monkeypatch.setattr(builtins, "detached", None, raising=False)
    effect = define_detached()
    constant, weight = torch.ones(2), torch.ones(2, requires_grad=True)
    assert detached((constant, 3))[0] is constant  # noqa: F821
    assert effect == []
    assert not detached([constant, 2 * weight])[1].requires_grad  # noqa: F821
    assert effect != []
