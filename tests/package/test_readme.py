"""The code of the README runs as it stands."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_code_of_the_readme_draws_digits():
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    names: dict[str, object] = {}
    exec(code, names)
    assert names["digits"].shape == (16, 28, 28)
    assert names["digits"].min() >= 0 and names["digits"].std() > 0.1
