"""Aim a ball that bounces: gradients through `while` and `if`, checked at every call, against a closed form.

A ball is thrown from a height and bounces with losses; how often it bounces before the wall depends on the throw, so the
simulation is another program for each number of bounces. jittape records each path once. The throw is then aimed by
Newton steps at a mark on the wall, and every gradient is compared with the derivative of the closed form.

    python examples/bouncing_ball.py [--picture bouncing_ball.svg]
"""

import argparse
import math
from pathlib import Path

import jittape as jt

GRAVITY, BOUNCE, WALL = 9.81, 0.8, 6.0


def height_at_wall(speed, rise, height, trace=None):
    """Fly from bounce to bounce until the wall; the height there. `trace` takes the points of the flight."""
    x = 0.0
    while True:
        flight = (rise + jt.sqrt(rise * rise + 2 * GRAVITY * height)) / GRAVITY
        reach = x + speed * flight
        time = (WALL - x) / speed if reach > WALL else flight
        if trace is not None:
            trace.append((x, height, speed, rise, time))
        if reach > WALL:
            return height + rise * time - GRAVITY / 2 * time * time
        x, height, rise = reach, 0.0, BOUNCE * (GRAVITY * flight - rise)


def closed_form(speed, rise, height):
    """The derivative in the speed: the time of arrival changes, the bounces before it do not."""
    start, flight = 0.0, (rise + math.sqrt(rise**2 + 2 * GRAVITY * height)) / GRAVITY
    up = rise
    while WALL / speed > start + flight:
        start, up = start + flight, BOUNCE * (GRAVITY * flight - up)
        flight = 2 * up / GRAVITY
    vertical = up - GRAVITY * (WALL / speed - start)
    return vertical * -WALL / speed**2


def picture(throws, mark):
    """The flights as SVG, the first pale and the last dark."""
    lines = []
    for k, (speed, rise, height) in enumerate(throws):
        trace = []
        height_at_wall(speed, rise, height, trace)
        points = [
            (x + s * t, h + v * t - GRAVITY / 2 * t * t)
            for x, h, s, v, time in trace
            for t in (time * i / 40 for i in range(41))
        ]
        path = " ".join(f"{20 + 100 * x:.1f},{260 - 100 * y:.1f}" for x, y in points)
        last = k == len(throws) - 1
        style = (
            'stroke="#c2410c" stroke-width="2.5"'
            if last
            else f'stroke="#2563eb" stroke-opacity="{0.25 + 0.5 * k / len(throws):.2f}"'
        )
        lines.append(f'<polyline points="{path}" fill="none" {style}/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 290" font-family="sans-serif" font-size="13">'
        '<rect width="660" height="290" fill="white"/>'
        f'<path d="M10 260H640M{20 + 100 * WALL} 30V260" stroke="#475569" stroke-width="2" fill="none"/>'
        f'{"".join(lines)}<circle cx="{20 + 100 * WALL}" cy="{260 - 100 * mark}" r="6" fill="#c2410c"/>'
        '<text x="20" y="22" fill="#334155">Newton steps towards the mark; each number of bounces is a recorded path</text></svg>\n'
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="write the flights to this SVG file")
    options = parser.parse_args()

    step = jt.value_and_grad(height_at_wall)
    worst = 0.0
    for k in range(400):  # speeds from slow, with many bounces, to fast, with none
        speed = 1.2 + 0.02 * k
        _, slope = step(speed, 1.0, 1.5)
        expected = closed_form(speed, 1.0, 1.5)
        worst = max(worst, abs(slope - expected) / max(1.0, abs(expected)))
    print(f"400 throws: {step.cache_info()}")
    print(f"largest difference from the closed form: {worst:.1e}")

    mark, speed, throws = 0.6, 2.6, []
    print("\nstep  speed     height at the wall")
    for k in range(30):
        height, slope = step(speed, 1.0, 1.5)
        throws.append((speed, 1.0, 1.5))
        print(f"{k:4d}  {speed:.6f}  {height:.6f}")
        if abs(height - mark) < 1e-9:
            break
        move = (mark - height) / slope
        # a bounce more or less may lie on the way: shorten the step until it comes closer
        while abs(height_at_wall(speed + move, 1.0, 1.5) - mark) >= abs(height - mark):
            move /= 2
        speed += move
    if options.picture:
        options.picture.write_text(picture(throws, mark))
        print(f"\nthe picture is in {options.picture}")


if __name__ == "__main__":
    main()
