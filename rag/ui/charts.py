"""Line charts and bars as plain SVG and HTML, without library or script; the style sheet sets the colours."""

from __future__ import annotations

from collections.abc import Sequence

from rag.ui.escape import escape

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 360, 220, 44, 10, 12, 40
_MOST_POINTS = 200


def line_chart(title: str, x_name: str, y_name: str, points: Sequence[tuple[float, float]], x_most: float = 1) -> str:
    """Return a curve of (x, y) in [0, x_most] x [0, 1]; "" for fewer than two points.

    Screen readers read the `title`.
    """
    if len(points) < 2:
        return ""
    step = max(1, len(points) // _MOST_POINTS)
    shown = [*points[:-1:step], points[-1]]
    path = " ".join(f"{_x(x / x_most):.1f},{_y(y):.1f}" for x, y in shown)
    parts = [_level(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    parts += [_tick(share, x_most) for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    middle, turned = _y(0.5), f"rotate(-90 12 {_y(0.5)})"
    parts.append(f'<text x="{_x(0.5)}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x_name)}</text>')
    parts.append(f'<text x="12" y="{middle}" text-anchor="middle" transform="{turned}">{escape(y_name)}</text>')
    parts.append(f'<polyline class="fn-curve" points="{path}"/>')
    return (
        f'<svg class="fn-chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _level(share: float) -> str:
    y = _y(share)
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{share:g}</text>'
    )


def _tick(share: float, x_most: float) -> str:
    return f'<text x="{_x(share):.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{share * x_most:g}</text>'


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def progress(label: str, done: int, total: int) -> str:
    """Return a progress bar; screen readers read its `label`."""
    values = f'aria-valuemin="0" aria-valuemax="{total}" aria-valuenow="{done}"'
    return f'<div role="progressbar" aria-label="{label}" {values}>{bar(done / max(1, total))}</div>'


def bar(share: float) -> str:
    """Return a bar for a share in [0, 1]; screen readers skip it."""
    width = 100 * min(1, max(0, share))
    return f'<span class="fn-bar" aria-hidden="true"><span style="width: {width:.1f}%"></span></span>'
