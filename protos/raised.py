"""What the server's code raises, read from its text: which errors come with a field, a list or a time to wait."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

SERVER = Path(__file__).resolve().parent.parent / "serving"


def read_raised() -> Mapping[str, frozenset[str]]:
    """By the name of the error's class: the keywords that it is made with somewhere."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SERVER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
                found[node.func.id] |= {keyword.arg for keyword in node.keywords if keyword.arg}
    return {name: frozenset(keywords) for name, keywords in found.items()}
