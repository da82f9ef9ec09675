"""What a Wengert tape is: a function with a loop and a branch is recorded, and its tape walked forward and back in plain Python.

A tape is a list of instructions in flat columns: an operation, two operand slots, a value. Forward, each instruction computes its
value from slots before it. In reverse each one passes its adjoint on to its operands, times its partial derivatives. That is all that
`program.value_and_grad` does too, only compiled and in blocks; the numbers are compared at the end.

    python examples/walk_the_tape.py
"""

import math

import jittape as jt
from jittape.ops import OPS


def f(x, y):
    """A few steps of a recursion; which one depends on the numbers."""
    for _ in range(3):
        if x > y:
            x = x - y * y * 0.5
        else:
            y = jt.sin(x) + y * 0.25
    return x * y


# The operations that this function uses: value, then one partial per operand, in the operands and the value.
RULES = {
    "add": (lambda x, y: x + y, lambda x, y, v: (1.0, 1.0)),
    "subtract": (lambda x, y: x - y, lambda x, y, v: (1.0, -1.0)),
    "multiply": (lambda x, y: x * y, lambda x, y, v: (y, x)),
    "sin": (lambda x, y: math.sin(x), lambda x, y, v: (math.cos(x), 0.0)),
    "greater": (lambda x, y: float(x > y), lambda x, y, v: (0.0, 0.0)),
}


def walk_forward(tape, point):
    """The value of every slot: the sink, the inputs, the constants, then one per instruction."""
    val = [0.0, *point, *tape.val[1 + tape.n_inputs : tape.first]]
    for op, a, b in zip(tape.op, tape.a, tape.b, strict=True):
        value, _ = RULES[OPS[op].name]
        val.append(value(val[a], val[b]))
    for slot, outcome, _ in tape.guards:
        if (val[slot] != 0.0) != outcome:
            raise RuntimeError("at this point the function takes another branch than the recorded one")
    return val


def walk_back(tape, val):
    """The adjoint of every slot: the derivative of the output in it."""
    adj = [0.0] * len(val)
    adj[tape.outputs[0]] = 1.0
    for i in reversed(range(len(tape))):
        slot = tape.first + i
        a, b = tape.a[i], tape.b[i]
        _, partials = RULES[OPS[tape.op[i]].name]
        da, db = partials(val[a], val[b], val[slot])
        adj[a] += adj[slot] * da
        adj[b] += adj[slot] * db
    return adj


def main():
    program = jt.record(f, 2.0, 1.5, argnums=(0, 1))
    tape = program.tape
    print(tape, end="\n\n")

    point = 1.9, 1.4
    val = walk_forward(tape, point)
    adj = walk_back(tape, val)
    print(f"at x, y = {point}:   value, and adjoint going back")
    for slot in range(1, len(val)):
        name = tape.names.get(slot) or ("constant" if slot < tape.first else OPS[tape.op[slot - tape.first]].name)
        print(f"%{slot:<3} {name:10} {val[slot]:12.6f} {adj[slot]:12.6f}")

    value, gradient = program.value_and_grad(*point)
    walked = val[tape.outputs[0]], (adj[1], adj[2])
    print(f"\nwalked   {walked[0]:.12f}  {walked[1][0]:.12f}  {walked[1][1]:.12f}")
    print(f"program  {value:.12f}  {gradient[0]:.12f}  {gradient[1]:.12f}")
    assert math.isclose(walked[0], value) and all(map(math.isclose, walked[1], gradient))


if __name__ == "__main__":
    main()
