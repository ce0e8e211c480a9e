# SPDX-License-Identifier: MIT
"""Derives every polynomial and table of skep/math.h and core/base/math_*.c, in 400-bit arithmetic.

Polynomials are minimax, found by Remez' exchange (around zero: nearly so, by least squares over
Chebyshev's nodes); each coefficient is rounded to a double from the lowest power up, and the rest
is fitted again around what the rounding did. Tables are values of
elementary functions cut into a head and a tail. Nothing here runs in a build: the output was copied
into the sources once, and `python3 tools/math_constants.py` prints it again (needs mpmath).
`--write-tables core/base/math_tables.c` writes the table file.
"""
import sys

from mpmath import (atan, cos, exp, floor, frexp, ldexp, log, lu_solve, matrix, mp, mpf, nint,
                    pi, sin, sqrt)

mp.prec = 400


def rd(v, bits=53):
    """v rounded to nearest with that many significant bits."""
    v = mpf(v)
    if v == 0:
        return v
    m, e = frexp(v)
    return ldexp(nint(ldexp(m, bits)), e - bits)


def hexf(v):
    """A double as a C literal."""
    return float(v).hex().replace("0x1.0000000000000p", "0x1p").replace("0x0.0p+0", "0")


def remez(f, w, powers, a, b, rounds=12):
    """Coefficients that minimise max |w(x) (f(x) - sum c_k x^k)| over [a, b], and that maximum."""
    n = len(powers) + 1
    xs = [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    coefs, worst = None, None
    for _ in range(rounds):
        rows = matrix(n, n)
        rhs = matrix(n, 1)
        for i, x in enumerate(xs):
            for j, p in enumerate(powers):
                rows[i, j] = x**p
            rows[i, n - 1] = (-1) ** i / w(x)
            rhs[i] = f(x)
        sol = lu_solve(rows, rhs)
        coefs = [sol[j] for j in range(n - 1)]
        grid = 60 * n
        pts = [(a + b) / 2 - (b - a) / 2 * cos(pi * mpf(i) / grid) for i in range(grid + 1)]
        err = [w(x) * (f(x) - sum(c * x**p for c, p in zip(coefs, powers))) for x in pts]
        worst = max(abs(e) for e in err)
        runs = []
        for x, e in zip(pts, err):
            if e == 0:
                continue
            if runs and (runs[-1][1] > 0) == (e > 0):
                if abs(e) > abs(runs[-1][1]):
                    runs[-1] = (x, e)
            else:
                runs.append((x, e))
        while len(runs) > n:
            runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        if len(runs) < n:
            break
        xs = [r[0] for r in runs]
    return coefs, worst


def least_squares(f, w, powers, a, b):
    """The same by least squares over Chebyshev's nodes, for intervals around zero: powers above the
    zeroth all vanish there, which the exchange cannot stand."""
    n = 64
    xs = [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    rows = matrix(n, len(powers))
    rhs = matrix(n, 1)
    for i, x in enumerate(xs):
        for j, p in enumerate(powers):
            rows[i, j] = w(x) * x**p
        rhs[i] = w(x) * f(x)
    sol = lu_solve(rows, rhs)
    return [sol[j] for j in range(len(powers))], None


def fit(name, f, w, powers, a, b, fixed=()):
    """Prints a polynomial with doubles as coefficients; `fixed` are (power, value) given ahead."""
    done = list(fixed)
    left = list(powers)
    worst = None
    while left:
        def rest(x):
            return f(x) - sum(c * x**p for p, c in done)
        solve = least_squares if a < 0 else remez
        coefs, worst = solve(rest, w, left, mpf(a), mpf(b))
        done.append((left.pop(0), rd(coefs[0])))
    pts = [mpf(a) + (mpf(b) - mpf(a)) * (i + mpf(1) / 3) / 400 for i in range(400)]
    worst = max(abs(w(x) * (f(x) - sum(c * x**p for p, c in done))) for x in pts)
    print("/* %s: worst error 2^%.1f */" % (name, float(log(worst) / log(2))))
    for p, c in done:
        print("  c%-2d %s" % (p, hexf(c)))


def relative(g):
    return lambda x: 1 / g(x)


def safe(f, limit, eps=mpf(2) ** -60):
    """f with its removable singularity at zero replaced by the limit."""
    return lambda x: mpf(limit) if abs(x) < eps else f(x)


def polynomials():
    half_pi = pi / 2
    tiny = mpf(2) ** -100
    # f32 sine and cosine of a quarter turn times r, |r| <= 1/2 plus a little, in z = r*r.
    def s(z):
        r = sqrt(z + tiny)
        return sin(half_pi * r) / r

    def c(z):
        return cos(half_pi * sqrt(z + tiny))
    top = mpf("0.2501")
    fit("f32 sin: r * S(r^2)", s, relative(s), range(5), 0, top)
    fit("f32 cos: C(r^2)", c, relative(c), range(1, 6), 0, top, [(0, mpf(1))])
    one = lambda x: mpf(1)
    grow = safe(lambda r: (2**r - 1) / r, log(mpf(2)))
    fit("f32 exp2: 1 + r * P(r), error of P", grow, one, range(8), -mpf("0.5001"),
        mpf("0.5001"))
    # atanh series: log((1+s)/(1-s)) = 2 s + s z L(z), z = s*s.
    zmax = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")

    def ell(z):
        q = sqrt(z + tiny)
        return (log((1 + q) / (1 - q)) / q - 2) / (z + tiny)
    weight = lambda z: (z + tiny) / (2 + z * ell(z))
    fit("f32 log: 2s + s z L(z)", ell, weight, range(4), mpf(2) ** -40, zmax)
    fit("f32 pow log: 2s + s z L(z)", ell, weight, range(6), mpf(2) ** -40, zmax)
    # atan(t) = t + t z A(z), |t| <= tan(pi/8).
    amax = (sqrt(mpf(2)) - 1) ** 2 * mpf("1.0001")

    def arc(z):
        q = sqrt(z + tiny)
        return (atan(q) / q - 1) / (z + tiny)
    fit("f32 atan: t + t z A(z)", arc, lambda z: (z + tiny) / (1 + z * arc(z)), range(7),
        mpf(2) ** -40, amax)
    # f64 kernels.
    q4 = (pi / 4) ** 2 * mpf("1.001")

    def s3(z):
        q = sqrt(z + tiny)
        return (sin(q) / q - 1) / (z + tiny)

    def c4(z):
        q = sqrt(z + tiny)
        return (cos(q) - 1 + (z + tiny) / 2) / (z + tiny) ** 2
    fit("f64 sin: r + r z S(z)", s3, lambda z: (z + tiny), range(7), mpf(2) ** -30, q4)
    fit("f64 cos: 1 - z/2 + z z C(z)", c4, lambda z: (z + tiny) ** 2, range(6), mpf(2) ** -25, q4)
    r = log(mpf(2)) / 256 * mpf("1.001")
    e2 = safe(lambda x: (exp(x) - 1 - x) / x**2, mpf(1) / 2)
    fit("f64 exp: r + r r E(r), error of E", e2, one, range(4), -r, r)
    l3 = safe(lambda x: (log(1 + x) - x + x * x / 2) / x**3, mpf(1) / 3)
    lim = mpf("0.0079")
    fit("f64 log: r - r r/2 + r r r L(r), error of L", l3, one, range(7), -lim, lim)
    t = mpf(1) / 32 * mpf("1.001")
    fit("f64 atan: t + t z A(z)", arc, lambda z: z + tiny, range(5), mpf(2) ** -40, t * t)


def constants():
    two_over_pi = 2 / pi
    print("two over pi", hexf(two_over_pi))
    rest = pi / 2
    for k in range(3):
        part = floor(rest * mpf(2) ** (32 + 33 * k)) / mpf(2) ** (32 + 33 * k)
        print("half pi, part %d, 33 bits each: %s" % (k + 1, hexf(part)))
        rest -= part
    print("half pi, part 4", hexf(rest))
    for name, v in (("half pi", pi / 2), ("pi", pi), ("quarter pi", pi / 4),
                    ("log2 e", 1 / log(mpf(2))), ("ln 2", log(mpf(2))),
                    ("tan pi/8", sqrt(mpf(2)) - 1), ("sqrt half", sqrt(mpf(1) / 2))):
        print(name, hexf(rd(v)), hexf(rd(v - rd(v))))
    ln2 = log(mpf(2))
    head = nint(ln2 * mpf(2) ** 42) / mpf(2) ** 42
    print("ln2 head 42, tail", hexf(head), hexf(rd(ln2 - head)))
    step = ln2 / 128
    head = nint(step * mpf(2) ** 41) / mpf(2) ** 41
    print("ln2/128 head 41, tail", hexf(head), hexf(rd(step - head)), "128/ln2", hexf(rd(1 / step)))


def rows(values, per):
    text = [hexf(v) for v in values]
    return "\n".join("    " + " ".join(t + "," for t in text[i : i + per])
                     for i in range(0, len(text), per))


FIRST_EXPONENT = 152  # of a float whose ulp is 2^2 quarter turns; below it nothing can be left out


def turn_table():
    """2/pi with the multiples of four quarter turns left out that a float of that exponent has."""
    heads, tails = [], []
    for e in range(FIRST_EXPONENT - 1, 255):
        unit = mpf(2) ** (e - 150)
        v = (unit * 2 / pi) if e >= FIRST_EXPONENT else mpf(2) / pi * unit
        v -= 4 * nint(v / 4)
        head = nint(v * mpf(2) ** 27) / mpf(2) ** 27
        if e < FIRST_EXPONENT:
            head = rd(v, 29)
        heads.append(head / unit)
        tails.append(rd((v - head) / unit))
    nan = "SKEP__NAN"
    print("/* %d heads, then tails; the last of each is for infinities and NaNs */" % len(heads))
    for name, vals in (("head", heads), ("tail", tails)):
        print(name)
        print(rows(vals, 4))
    print(nan)


def table_file():
    out = []
    out.append("/* SPDX-License-Identifier: MIT */")
    out.append("/* Tables of the f64 functions of skep/math.h, as tools/math_constants.py printed")
    out.append(" * them: bits of 2/pi for the reduction of huge angles, powers of two, logarithms")
    out.append(" * and arc tangents, each cut into a head and a tail with more than 100 good bits")
    out.append(" * together. Facts, not code. */")
    out.append('#include "core/base/math_dd.h"')
    out.append("")
    with mp.workprec(1400):
        bits = int(floor(2 / mp.pi * mpf(2) ** 1216))
    words = [0] + [(bits >> (1216 - 64 * (k + 1))) & (2**64 - 1) for k in range(19)]
    out.append("const uint64_t skep__math_two_over_pi[SKEP__TWO_OVER_PI_WORDS] = {")
    for i in range(0, 20, 4):
        out.append("    " + " ".join("0x%016xu," % w for w in words[i : i + 4]))
    out.append("};")
    out.append("")

    def pairs(name, size, items):
        out.append("const skep__dd %s[%s] = {" % (name, size))
        for i in range(0, len(items), 2):
            pair = ["{%s, %s}," % (hexf(h), hexf(t)) for h, t in items[i : i + 2]]
            out.append("    " + " ".join(pair))
        out.append("};")
        out.append("")
    e = []
    for i in range(128):
        v = mpf(2) ** (mpf(i) / 128)
        e.append((rd(v), rd(v - rd(v))))
    pairs("skep__math_exp", "SKEP__EXP_STEPS", e)
    lo = []
    inv = []
    for i in range(128):
        # Steps count from 0x1.6p-1 by bit pattern: 80 of 2^-8 below one, then 48 of 2^-7.
        m = mpf("0.6875") + (i + mpf(1) / 2) / 256
        if i >= 80:
            m = 1 + (i - 80 + mpf(1) / 2) / 128
        c = nint(1024 / m) / 1024
        if i in (78, 79, 80):  # around one nothing may be added, or small logarithms would drown
            c = mpf(1)
        v = -log(c)
        h = nint(v * mpf(2) ** 42) / mpf(2) ** 42
        inv.append(c)
        lo.append((h, rd(v - h) if c != 1 else mpf(0)))
    out.append("const double skep__math_log_inverse[SKEP__LOG_STEPS] = {")
    out.append(rows(inv, 5))
    out.append("};")
    out.append("")
    pairs("skep__math_log", "SKEP__LOG_STEPS", lo)
    at = []
    for i in range(17):
        v = atan(mpf(i) / 16)
        at.append((rd(v), rd(v - rd(v))))
    pairs("skep__math_atan", "SKEP__ATAN_STEPS", at)
    return "\n".join(out[:-1]) + "\n"


if len(sys.argv) == 3 and sys.argv[1] == "--write-tables":
    with open(sys.argv[2], "w") as f:
        f.write(table_file())
else:
    constants()
    polynomials()
    turn_table()
