"""Routes as paths of SVG: straight pieces with round corners, and turns as curves."""

from __future__ import annotations

from collections.abc import Sequence

from ._layered import Point


def trace_route(
    points: Sequence[Point], stub: int = 0, *, is_across: bool = False
) -> str:
    """Return a route as a path that ends inside of its tip.

    A thick line would otherwise show beside the point of the tip.

    Args:
        points: A route of a layout.
        stub: Length of the straight piece at the beginning, for a label there.
        is_across: Whether to exchange x and y, for a drawing from left to right.
    """
    at = _swap if is_across else _keep
    *others, (x, y) = points
    (start_x, start_y), (last_x, last_y) = others[0], others[-1]
    if last_y == y:
        others.append((x + _sign(last_x - x) * 6, y))
    else:
        way = _sign(last_y - y)
        others += [(x, y + way * 9), (x, y + way * 6)]
    if stub and points[1][0] != start_x:
        others.insert(1, (start_x, start_y + stub))
    points = others
    parts = [f"M{at(points[0])}"]
    for number in range(1, len(points)):
        (from_x, from_y), (to_x, to_y) = before, here = points[number - 1 : number + 1]
        if from_x != to_x and from_y != to_y:
            middle = (from_y + to_y) // 2
            parts.append(f"C{at((from_x, middle))} {at((to_x, middle))} {at(here)}")
        elif number + 1 < len(points) and _is_corner(points[number - 1 : number + 2]):
            near = _find_curve_point(here, before)
            far = _find_curve_point(here, points[number + 1])
            parts.append(f"L{at(near)}Q{at(here)} {at(far)}")
        else:
            parts.append(f"L{at(here)}")
    return "".join(parts)


def trace_tip(points: Sequence[Point]) -> str:
    """Return the tip at the end of a route as a path."""
    (from_x, from_y), (x, y) = points[-2:]
    if from_y == y:
        return f"M{x} {y}l{8 * _sign(from_x - x)} -4v8z"
    return f"M{x} {y}l-4 {8 * _sign(from_y - y)}h8z"


def _keep(point: Point) -> str:
    return f"{point[0]} {point[1]}"


def _swap(point: Point) -> str:
    return f"{point[1]} {point[0]}"


def _is_corner(points: Sequence[Point]) -> bool:
    """Whether two straight pieces meet at a right angle."""
    (x, y), (at_x, at_y), (to_x, to_y) = points
    is_level = y == at_y and at_x == to_x
    return is_level or (x == at_x and at_y == to_y)


def _find_curve_point(corner: Point, other: Point) -> Point:
    """Return the point before a corner where the curve begins."""
    (x, y), (to_x, to_y) = corner, other
    reach = min(6, max(abs(x - to_x), abs(y - to_y)) // 2)
    return x + _sign(to_x - x) * reach, y + _sign(to_y - y) * reach


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
