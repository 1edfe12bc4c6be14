"""Sessions that came from each other, as an operator sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from rich.tree import Tree

from serving.catalogue.lineage import TreeNode
from serving.cli.session_table import utc


def node_fields(node: TreeNode) -> dict[str, Any]:
    return {
        "session_id": node.session_id,
        "parent_session_id": node.parent_session_id,
        "parent_chunk_idx": node.parent_chunk_idx,
        "label": node.label,
        "state": node.state,
        "num_chunks": node.num_chunks,
        "created": utc(node.created_s),
    }


def session_tree(nodes: Sequence[TreeNode], marked: str) -> Tree:
    """`nodes`: each before those that left it. The one that was asked for is marked."""
    trees: dict[str, Tree] = {}
    for node in nodes:
        label = _label(node, "bold" if node.session_id == marked else "")
        parent = trees.get(node.parent_session_id or "")
        trees[node.session_id] = Tree(label) if parent is None else parent.add(label)
    return trees[nodes[0].session_id]


def _label(node: TreeNode, style: str) -> Text:
    left = "" if node.parent_chunk_idx is None else f" from chunk {node.parent_chunk_idx}"
    words = f' "{node.label}"' if node.label else ""
    return Text(f"{node.session_id}{left}, {node.state}, {node.num_chunks} chunks{words}", style=style)
