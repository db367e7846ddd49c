"""A layout as SVG: with links that screen readers read, and colours only by classes, as a page's policy requires."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from html import escape

from triage_rules.explanation.graph.graph import GraphNode, NodeKind, Sign
from triage_rules.explanation.graph.highlight import WORDS, Highlight, NodeState
from triage_rules.explanation.graph.layout import Box, Curve, Layout, in_columns

LETTER = 7.1
"""Average width of a letter, in pixels."""

INSIDE = 10
"""Distance of the text from a box's side."""

MARKS = {
    NodeState.ESTABLISHED: "\u2713",
    NodeState.OUTRANKED: "\u2713",
    NodeState.POSSIBLE: "?",
    NodeState.RULED_OUT: "\u2715",
    NodeState.ANSWERED: "\u2022",
    NodeState.OPEN: "?",
}

_KINDS = {
    NodeKind.FINDING: "Finding",
    NodeKind.MENTION: "Mention in a text",
    NodeKind.STATEMENT: "Statement",
    NodeKind.RULE: "Rule",
    NodeKind.FLOOR: "Safety net",
    NodeKind.DEFAULT: "Default",
    NodeKind.DISPOSITION: "What to do",
    NodeKind.LEVEL: "Level",
}


def draw(  # noqa: PLR0913 - the drawing and its texts
    layout: Layout,
    href: Callable[[GraphNode], str],
    *,
    title: str,
    description: str,
    lighting: Highlight | None = None,
    here: str = "",
) -> str:
    """Return the markup of an `svg` element.

    `here`: key of the node that the page is about.
    """
    lighted = " lighted" if lighting else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph{lighted}" role="group" width="{layout.width}"',
        f'height="{layout.height}" viewBox="0 0 {layout.width} {layout.height}"',
        'aria-labelledby="graph-title graph-desc">',
        f'<title id="graph-title">{escape(title)}</title><desc id="graph-desc">{escape(description)}</desc>',
    ]
    parts += [f'<text class="heading" x="{x}" y="22">{escape(text)}</text>' for text, x in in_columns(layout)]
    parts += ['<g class="edges" aria-hidden="true">', *_draw_edges(layout, lighting), "</g>", '<g class="nodes">']
    for key in _order_keys(layout):
        node = layout.graph.nodes[key]
        parts.append(_draw_node(layout, node, href(node), lighting, here=key == here))
    parts.append("</g></svg>")
    return "\n".join(parts)


def _order_keys(layout: Layout) -> list[str]:
    """Return the keys column by column, from top to bottom."""
    return sorted(layout.boxes, key=lambda key: (layout.boxes[key].x, layout.boxes[key].y))


def _draw_edges(layout: Layout, lighting: Highlight | None) -> Iterable[str]:
    """Yield the edges; lit ones last, so that they are on top."""
    lit = lighting.lit_edges if lighting else frozenset()
    for curve in sorted(layout.curves, key=lambda curve: (curve.edge.start, curve.edge.end) in lit):
        edge = curve.edge
        sign = "" if edge.sign is Sign.PLUS else f" {edge.sign.value}"
        is_lit = " lit" if (edge.start, edge.end) in lit else ""
        yield f'<path class="edge{sign}{is_lit}" data-a="{edge.start}" data-b="{edge.end}" d="{_draw_path(curve)}"/>'


def _draw_path(curve: Curve) -> str:
    """Return the path's data: straight through columns, curved between them."""
    (x, y), *others = curve.points
    steps = [f"M{x} {y}"]
    for n, (to_x, to_y) in enumerate(others):
        if n % 2 and to_y == y:
            steps.append(f"H{to_x}")
        else:
            middle = (x + to_x) // 2
            steps.append(f"C{middle} {y} {middle} {to_y} {to_x} {to_y}")
        x, y = to_x, to_y
    return "".join(steps)


def _draw_node(layout: Layout, node: GraphNode, href: str, lighting: Highlight | None, *, here: bool) -> str:
    box, size = layout.boxes[node.key], layout.size
    classes = ["node", node.kind.value]
    classes += [f"of-{node.level.word}"] if node.level is not None else []
    classes += ["here"] if here else []
    label, mark = f"{_KINDS[node.kind]}: {_name_node(node)}", ""
    if lighting is not None:
        state = lighting.states[node.key]
        answer = lighting.answers.get(node.key, "")
        classes += [state.value, *(["lit"] if node.key in lighting.lit else [])]
        label += f": {answer or WORDS[state]}"
        mark = f'<text class="mark" x="{box.x + size.width - INSIDE - 4}" y="{box.y + 18}">{MARKS[state]}</text>'
    lines = _wrap_text(node, layout, has_mark=lighting is not None, answer=answer if lighting is not None else "")
    return (
        f'<a class="{" ".join(classes)}" id="{node.key}" href="{escape(href)}" aria-label="{escape(label)}"'
        f"{' aria-current=' + chr(34) + 'true' + chr(34) if here else ''}>"
        f"<title>{escape(label)}</title>{_draw_box(box, layout)}{_draw_text(box, lines, layout)}{mark}</a>"
    )


def _draw_box(box: Box, layout: Layout) -> str:
    size = layout.size
    return f'<rect x="{box.x}" y="{box.y}" width="{size.width}" height="{size.height}" rx="5"/>'


def _draw_text(box: Box, lines: list[str], layout: Layout) -> str:
    x, size = box.x + INSIDE, layout.size
    first = box.y + size.height / 2 + 4.5 - (len(lines) - 1) * 8.5
    spans = [f'<tspan x="{x}" y="{first + n * 17:g}">{escape(line)}</tspan>' for n, line in enumerate(lines)]
    return f"<text>{''.join(spans)}</text>"


def _name_node(node: GraphNode) -> str:
    match node.kind:
        case NodeKind.RULE | NodeKind.FLOOR:
            return f"{node.name} {node.says}"
        case NodeKind.DISPOSITION:
            return f"{node.says} ({node.name})"
        case _:
            return node.says


def _wrap_text(node: GraphNode, layout: Layout, *, has_mark: bool, answer: str) -> list[str]:
    """Return as many lines as the box holds."""
    size = layout.size
    letters = int((size.width - 2 * INSIDE - (20 if has_mark else 0)) / LETTER)
    limit = size.lines - (1 if answer and size.lines > 1 else 0)
    text = node.says if node.kind is NodeKind.DISPOSITION else _name_node(node)
    lines = textwrap.wrap(text, letters, break_long_words=True) or [node.name]
    if len(lines) > limit:
        lines = [*lines[: limit - 1], shortened(" ".join(lines[limit - 1 :]), letters)]
    if answer and size.lines > 1:
        lines.append(shortened(f"= {answer}", letters))
    return lines


def shortened(text: str, letters: int) -> str:
    """Shorten the text to `letters` characters, with an ellipsis."""
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "\u2026"


_STYLE = """
svg { background: #fff; font: 13px system-ui, sans-serif; }
.heading { font-weight: 600; fill: #4d5b69; }
.edge { fill: none; stroke: #9aa7b3; stroke-width: 1.2; }
.edge.minus, .edge.both { stroke-dasharray: 5 3; }
.edge.open { stroke-dasharray: 1 3; }
.edge.gate { stroke-dasharray: 8 4 1 4; }
.node rect { fill: #f4f7f9; stroke: #75838f; }
.node text { fill: #16212c; }
.of-urgent rect { fill: #fdecec; stroke: #a3151b; }
.of-monitor rect { fill: #fff3da; stroke: #855000; }
.of-routine rect { fill: #e6f4ea; stroke: #176537; }
"""


def standalone(layout: Layout, href: Callable[[GraphNode], str], title: str) -> str:
    """Return the drawing as a file of its own, with its style."""
    markup = draw(layout, href, title=title, description="From findings at the left to levels at the right.")
    head, end, rest = markup.partition("</desc>")
    return f"{head}{end}<style>{_STYLE}</style>{rest}"
