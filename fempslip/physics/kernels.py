"""The loops that a step spends its time in, fused.  Each stands beside its readable form and is tested equal to it.

Bytes read and written (n nodes, e edges, e about 3 n in 2D and 7 n in 3D):
    links      84 e    (a, w, two places; two complex entries; the phases between)
    terms     290 n    (four past states, the frame, six coefficients; five results)
    accept    100 n
    divergence 36 e + 24 n
"""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array
from fempslip.physics.angles import angle, largest
from fempslip.physics.compiled import apart


@apart()
def frame(chi: Array, turn: Array) -> None:
    """turn = exp(-i chi): multiplied by it, psi stands in the gauge of the applied potential, whose links stay.

    Without a branch, so that several are done at once, a tenth of the time of cos and sin: x less the nearest multiple
    of pi/2, in two parts of it, then the polynomials of Cephes (S. L. Moshier), good to 2e-16.
    """
    out = turn.view(np.float64)
    for i in range(chi.size):
        quarter = np.rint(chi[i] * (2.0 / np.pi))
        r = (chi[i] - quarter * 1.57079632673412561417) - quarter * 6.07710050650619224932e-11
        z = r * r
        p = (1.58962301576546568060e-10 * z - 2.50507477628578072866e-8) * z + 2.75573136213857245213e-6
        p = ((p * z - 1.98412698295895385996e-4) * z + 8.33333333332211858878e-3) * z - 1.66666666666666307295e-1
        q = (-1.13585365213876817300e-11 * z + 2.08757008419747316778e-9) * z - 2.75573141792967388112e-7
        q = ((q * z + 2.48015872888517045348e-5) * z - 1.38888888888730564116e-3) * z + 4.16666666666665929218e-2
        sine, cosine = r + r * z * p, 1.0 - 0.5 * z + z * z * q
        k = np.int64(quarter) & 3
        real, imag = (sine, cosine) if k & 1 else (cosine, sine)
        out[2 * i] = -real if k == 1 or k == 2 else real
        out[2 * i + 1] = imag if k >= 2 else -imag


@apart()
def links(a: Array, w: Array, up: Array, down: Array, out: Array) -> None:
    """Entries w exp(-i a) and their conjugates, in the rows of physics.graph: minus the off-diagonal of K_A."""
    turn = np.empty(a.size, dtype=np.complex128)
    frame(a, turn)
    for e in range(a.size):
        z = w[e] * turn[e]
        out[up[e]] = z
        out[down[e]] = z.conjugate()


@apart()
def terms(
    dt: float,
    bdf: tuple[float, float, float],
    linear: tuple[float, float],
    quadratic: tuple[float, float, float],
    cubic: tuple[float, float, float, float],
    now: Array,
    before: Array,
    older: Array,
    oldest: Array,
    turn: Array,
    free: Array,
    m: Array,
    epsilon: Array,
    quartic: Array,
    u: Array,
    gamma: Array,
    diagonal: Array,
    alpha: Array,
    beta: Array,
    rhs: Array,
    guess: Array,
    x: Array,
) -> None:
    """Left and right side of the step at psi* = x0 now + x1 before, everything multiplied by `turn` (the frame).

    alpha x + beta x* - (links x) = rhs, with (a1, h0, h1) = bdf and A, B of physics.relaxation at psi*
    alpha = K_ii + m (quartic |psi*|^2 + eps^-) + a1/dt m A,  beta = a1/dt m B
    rhs = m R (h0 now + h1 before)/dt + m eps^+ psi*;  guess = q0 now + q1 before + q2 older
    Positive eps on the right, negative on the left: both sides keep the matrix positive definite.
    x : where the linear solve begins, the cubic through the last four states, and held nodes as they are.  The error
    estimate stays with the quadratic; the cubic is nearer to the solution and saves iterations.
    """
    a1, h0, h1 = bdf
    x0, x1 = linear
    q0, q1, q2 = quadratic
    c0, c1, c2, c3 = cubic
    for i in range(now.size):
        n = now[i] * turn[i]
        b = before[i] * turn[i]
        o = older[i] * turn[i]
        p = x0 * n + x1 * b
        rho = p.real * p.real + p.imag * p.imag
        g2 = gamma[i] * gamma[i]
        c = m[i] * u[i] / np.sqrt(1.0 + g2 * rho) / dt
        big_a = c * (1.0 + 0.5 * g2 * rho)
        big_b = c * 0.5 * g2 * p * p
        h = h0 * n + h1 * b
        alpha[i] = diagonal[i] + m[i] * (quartic[i] * rho + max(-epsilon[i], 0.0)) + a1 * big_a
        beta[i] = a1 * big_b
        rhs[i] = big_a * h + big_b * h.conjugate() + m[i] * max(epsilon[i], 0.0) * p
        guess[i] = q0 * n + q1 * b + q2 * o
        x[i] = c0 * n + c1 * b + c2 * o + c3 * oldest[i] * turn[i] if free[i] else n


@apart()
def advance(chi: Array, rate: Array, before: Array, c0: float, c1: float, out: Array) -> None:
    """chi + c0 rate + c1 before."""
    for i in range(chi.size):
        out[i] = chi[i] + c0 * rate[i] + c1 * before[i]


@apart()
def with_potential(a: Array, chi: Array, edges: Array, out: Array) -> None:
    """a + G chi."""
    for e in range(a.size):
        out[e] = a[e] + (chi[edges[1, e]] - chi[edges[0, e]])


@apart()
def divergence(psi: Array, link: Array, up: Array, edges: Array, current: Array, inflow: Array) -> None:
    """Supercurrents I_e and G^T I (minus the net outflow of each node)."""
    inflow[:] = 0.0
    for e in range(up.size):
        i = edges[0, e]
        j = edges[1, e]
        z = (psi[i].conjugate() * link[up[e]] * psi[j]).imag
        current[e] = z
        inflow[i] -= z
        inflow[j] += z


@apart()
def flow(psi: Array, a: Array, edges: Array, out: Array) -> None:
    """Im[psi_i* exp(-i a) psi_j] of each edge."""
    link = np.empty(a.size, dtype=np.complex128)
    frame(a, link)
    for e in range(a.size):
        p, q, z = psi[edges[0, e]], psi[edges[1, e]], link[e]
        out[e] = (p.real * q.imag - p.imag * q.real) * z.real + (p.real * q.real + p.imag * q.imag) * z.imag


@apart()
def accept(old: Array, turn: Array, new: Array, guess: Array, bright2: float, psi: Array) -> tuple[float, float]:
    """psi = new / turn, the new state in temporal gauge; largest turn of its phase, and max |new - guess|.

    Only bright nodes (|psi|^2 > bright2, old and new) count for the turn.  Not-a-number anywhere gives nan.
    """
    tangent = 0.0  # of the largest turn so far: tan is monotonic below pi/2, and most nodes need no arctangent
    largest = 0.0
    error = 0.0
    for i in range(new.size):
        d = new[i] - guess[i]
        error2 = d.real * d.real + d.imag * d.imag
        if error2 != error2:
            return np.nan, np.nan
        error = max(error, error2)
        q = new[i] * turn[i].conjugate()
        psi[i] = q
        p = old[i]
        if p.real * p.real + p.imag * p.imag > bright2 and q.real * q.real + q.imag * q.imag > bright2:
            z = p.conjugate() * q
            if z.real <= 0.0 or abs(z.imag) > z.real * tangent:
                largest = max(largest, abs(np.arctan2(z.imag, z.real)))
                tangent = np.tan(min(largest, 1.5))
    return largest, np.sqrt(error)


@apart(sums=True)
def energy(
    psi: Array, link: Array, up: Array, edges: Array, w: Array, m: Array, epsilon: Array, beta: Array
) -> tuple[float, float]:
    """(F, sum of m |psi|^2) of physics.energy; reads 28 bytes an edge and 32 a node.

    |psi_j - exp(i a) psi_i|^2 = |psi_i|^2 + |psi_j|^2 - 2 Re(psi_i* exp(-i a) psi_j)
    """
    total = 0.0
    mass = 0.0
    for i in range(psi.size):
        rho = psi[i].real * psi[i].real + psi[i].imag * psi[i].imag
        total += m[i] * (-epsilon[i] * rho + 0.5 * beta[i] * rho * rho)
        mass += m[i] * rho
    for e in range(w.size):
        p, q, z = psi[edges[0, e]], psi[edges[1, e]], link[up[e]]
        ends = p.real * p.real + p.imag * p.imag + q.real * q.real + q.imag * q.imag
        across = (p.real * q.real + p.imag * q.imag) * z.real - (p.real * q.imag - p.imag * q.real) * z.imag
        total += w[e] * ends - 2.0 * across
    return total, mass


@apart(sums=True)
def framed_energy(
    psi: Array, chi: Array, link: Array, edges: Array, diagonal: Array, m: Array, epsilon: Array, beta: Array
) -> tuple[float, float]:
    """`energy` of psi exp(-i chi); link : (edges,) entries (i, j) alone.  Reads 24 bytes an edge and 64 a node."""
    still = np.empty_like(psi)
    frame(chi, still)
    total = 0.0
    mass = 0.0
    for i in range(psi.size):
        rho = psi[i].real * psi[i].real + psi[i].imag * psi[i].imag
        total += m[i] * (-epsilon[i] * rho + 0.5 * beta[i] * rho * rho) + diagonal[i] * rho
        mass += m[i] * rho
    for i in range(psi.size):
        still[i] = psi[i] * still[i]
    for e in range(link.size):
        p, q, z = still[edges[0, e]], still[edges[1, e]], link[e]
        across = (p.real * q.real + p.imag * q.imag) * z.real - (p.real * q.imag - p.imag * q.real) * z.imag
        total -= 2.0 * across
    return total, mass


@apart(sums=True)
def relaxation_loss(old: Array, new: Array, dt: float, m: Array, u: Array, gamma: Array) -> float:
    """sum of 2 m (d_t psi)^T R (d_t psi), R at the middle of the step (physics.relaxation.dissipation)."""
    total, rate = 0.0, 1.0 / dt
    for i in range(new.size):
        p, q = old[i], new[i]
        v_re, v_im = (q.real - p.real) * rate, (q.imag - p.imag) * rate
        re, im = 0.5 * (q.real + p.real), 0.5 * (q.imag + p.imag)
        g2 = gamma[i] * gamma[i]
        along = re * v_re + im * v_im
        s = np.sqrt(1.0 + g2 * (re * re + im * im))
        total += 2.0 * m[i] * u[i] / s * (v_re * v_re + v_im * v_im + g2 * along * along)
    return total


@apart(sums=True)
def gradient_loss(old: Array, new: Array, dt: float, k: Array, edges: Array) -> float:
    """sum over edges of 2 k (difference of (new - old)/dt)^2; reads 16 bytes an edge."""
    change = new - old
    total = 0.0
    for e in range(k.size):
        step = change[edges[1, e]] - change[edges[0, e]]
        total += k[e] * step * step
    return 2.0 * total / dt / dt


@apart()
def fed(currents: Array, shares: Array, nodes: Array, old: Array, new: Array) -> float:
    """sum of I_c times the change of the mean of each contact;  shares : (contacts, n) of these nodes."""
    total = 0.0
    for c in range(currents.size):
        for k in range(nodes.size):
            total += currents[c] * shares[c, k] * (new[nodes[k]] - old[nodes[k]])
    return total


@apart(sums=True)
def josephson(old: Array, new: Array, m: Array, bright2: float) -> tuple[float, float, float]:
    """Sum of m turn^2, of m, and largest |turn| of nodes with |psi|^2 > bright2, old and new; turn = arg psi* new."""
    turn = np.empty(m.size)
    for i in range(m.size):
        p, q = old[i], new[i]
        theta = abs(angle(p.real * q.real + p.imag * q.imag, p.real * q.imag - p.imag * q.real))
        bright = (p.real * p.real + p.imag * p.imag > bright2) & (q.real * q.real + q.imag * q.imag > bright2)
        turn[i] = theta if bright else -1.0
    square, mass = 0.0, 0.0
    for i in range(m.size):
        weight = m[i] if turn[i] >= 0.0 else 0.0
        square += weight * turn[i] * turn[i]
        mass += weight
    return square, mass, largest(turn)


@apart()
def pair_potential(mu: Array, old: Array, new: Array, dt: float, out: Array) -> None:
    """mu - arg(psi* psi')/dt."""
    for i in range(mu.size):
        p, q = old[i], new[i]
        out[i] = mu[i] - angle(p.real * q.real + p.imag * q.imag, p.real * q.imag - p.imag * q.real) / dt


@apart()
def polar(psi: Array, turn: Array, real: Array, imag: Array, size: Array, phase: Array) -> None:
    """psi times turn in parts, |psi|, and its argument."""
    for i in range(psi.size):
        p, q = psi[i], turn[i]
        x, y = p.real * q.real - p.imag * q.imag, p.real * q.imag + p.imag * q.real
        real[i] = x
        imag[i] = y
        size[i] = np.sqrt(x * x + y * y)
        phase[i] = angle(x, y)


@apart()
def descent(mu: Array, edges: Array, out: Array) -> None:
    """mu_i - mu_j of each edge."""
    for e in range(out.size):
        out[e] = mu[edges[0, e]] - mu[edges[1, e]]


@apart()
def at_nodes(
    start: Array, column: Array, values: Array, one: Array, other: Array, by_one: Array, by_other: Array, out: Array
) -> None:
    """Vectors (nodes, 3) of two fields of edges, each times a factor a node: out (2, nodes, 3).

    The matrix is long, and read once for both: 12 bytes an entry.  Its rows: the first component of all nodes, then
    the second.  start, column : unsigned, else every entry is tested for a negative place
    """
    nodes = by_one.size
    for part in range((start.size - 1) // nodes):
        for i in range(nodes):
            row = part * nodes + i
            first, second = 0.0, 0.0
            for k in range(start[row], start[row + 1]):
                first += values[k] * one[column[k]]
                second += values[k] * other[column[k]]
            out[0, i, part] = by_one[i] * first
            out[1, i, part] = by_other[i] * second
