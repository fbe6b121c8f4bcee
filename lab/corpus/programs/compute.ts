import type { LabProgram } from './program.ts';

const MB = 1_000_000;
const python = (source: string) => `python3 -c '${source}'`;

/** Numerical work, models and simulations. */
export const COMPUTE_PROGRAMS: LabProgram[] = [
  {
    name: 'matrix-product', kind: 'linear algebra', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'matrix', bytes: 2 * MB }, other: { suffix: 'large', bytes: 4 * MB },
    script: (work) => python(`
import numpy as np
a = np.fromfile("/inputs/data").reshape(-1, 250)
for i in range(round(12 * ${work})):
    a = (a @ (a.T @ a)) / np.abs(a).sum()
    a /= np.abs(a).max()
a.tofile("/outputs/result")
`),
  },
  {
    name: 'spectrum', kind: 'signal processing', deterministic: true, image: 'tools',
    input: { kind: 'audio', bytes: 4 * MB },
    script: () => python(`
import numpy as np
x = np.frombuffer(open("/inputs/data", "rb").read()[44:], dtype="<i2").astype(float)
frames = np.lib.stride_tricks.sliding_window_view(x, 2048)[::512] * np.hanning(2048)
power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
np.log1p(power[:, :256]).astype("<f4").tofile("/outputs/spectrum")
`),
  },
  {
    name: 'page-rank', kind: 'graph', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'edges', bytes: 1 * MB },
    script: (work) => python(`
out = {}
for line in open("/inputs/data"):
    a, b = line.split()
    out.setdefault(int(a), []).append(int(b))
rank = dict.fromkeys(out, 1.0)
for step in range(round(20 * ${work})):
    new = dict.fromkeys(out, 0.15)
    for node, targets in out.items():
        share = 0.85 * rank[node] / len(targets)
        for target in targets:
            if target in new: new[target] += share
    rank = new
with open("/outputs/ranks", "w") as sink:
    for node in sorted(rank): print(node, "%.6f" % rank[node], file=sink)
`),
  },
  {
    name: 'boosted-stumps', kind: 'model training', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'features', bytes: 2 * MB },
    script: (work) => python(`
import numpy as np
data = np.loadtxt("/inputs/data", delimiter=",")
x, y = data[:, :-1], data[:, -1]
bins = np.stack([np.digitize(column, np.quantile(column, np.linspace(0, 1, 33)[1:-1])) for column in x.T])
guess, model = np.zeros(len(y)), []
for round in range(int(120 * ${work})):
    rest, best = y - guess, None
    for feature, column in enumerate(bins):
        total, count = np.cumsum(np.bincount(column, rest, 32)), np.cumsum(np.bincount(column, minlength=32))
        gain = total[:-1] ** 2 / count[:-1] + (total[-1] - total[:-1]) ** 2 / (count[-1] - count[:-1])
        cut = int(np.argmax(gain))
        if best is None or gain[cut] > best[0]: best = (gain[cut], feature, cut, total[cut] / count[cut], (total[-1] - total[cut]) / (count[-1] - count[cut]))
    _, feature, cut, low, high = best
    guess += 0.2 * np.where(bins[feature] <= cut, low, high)
    model.append("%d %d %.6f %.6f" % (feature, cut, low, high))
open("/outputs/model", "w").write("\\n".join(model))
np.savetxt("/outputs/guess", guess, "%.4f")
`),
  },
  {
    name: 'mandelbrot', kind: 'pure computation', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'matrix', bytes: 80_000 },
    // Computes at the places its input names: little is read, much is computed.
    script: (work, bytes) => `lua5.4 -e '
local data = io.open("/inputs/data", "rb"):read("a")
local out = io.open("/outputs/depth", "w")
for i = 1, math.min(math.floor(#data / 16), math.floor(${bytes} / 16 * ${work})) do
  local a, b = string.unpack("<dd", data, 16 * i - 15)
  local x, y, n = 0.0, 0.0, 0
  a, b = 1.2 * a - 0.6, 1.1 * b
  while n < 5000 and x * x + y * y < 4 do x, y, n = x * x - y * y + a, 2 * x * y + b, n + 1 end
  out:write(n, "\\n")
end'`,
  },
  {
    name: 'monte-carlo', kind: 'simulation', deterministic: false, image: 'tools', knob: true,
    input: { kind: 'features', bytes: 200_000 },
    // Seeded by the operating system: other numbers each time.
    script: (work) => python(`
import random
rows = [[float(v) for v in line.split(",")] for line in open("/inputs/data")]
pick = random.SystemRandom().getrandbits(64)
random.seed(pick)
with open("/outputs/means", "w") as sink:
    for trial in range(round(500 * ${work})):
        sample = [rows[int(random.random() * len(rows))] for i in range(2000)]
        print("%.6f %.6f" % (sum(r[0] * r[1] for r in sample) / 2000, max(r[7] for r in sample)), file=sink)
`),
  },
  {
    name: 'k-means', kind: 'model training', deterministic: false, image: 'tools',
    input: { kind: 'features', bytes: 1 * MB },
    // Random centres: another number of steps until they stand still.
    script: () => python(`
import numpy as np
x = np.loadtxt("/inputs/data", delimiter=",")
centres = x[np.random.default_rng().choice(len(x), 12, replace=False)]
for step in range(200):
    near = np.argmin(((x[:, None, :] - centres) ** 2).sum(2), 1)
    moved = np.stack([x[near == k].mean(0) if (near == k).any() else centres[k] for k in range(12)])
    if np.abs(moved - centres).max() < 2e-2: break
    centres = moved
np.savetxt("/outputs/centres", centres, "%.5f")
np.savetxt("/outputs/near", near, "%d")
`),
  },
  {
    name: 'annealing', kind: 'simulation', deterministic: false, image: 'tools', knob: true,
    input: { kind: 'features', bytes: 20_000 },
    script: (work) => `mawk -Wrandom=auto -F, 'BEGIN { srand() } { x[NR] = $1; y[NR] = $2; at[NR] = NR }
      function d(i, j) { return sqrt((x[at[i]] - x[at[j]]) ^ 2 + (y[at[i]] - y[at[j]]) ^ 2) }
      END { for (s = 0; s < ${Math.round(250_000 * work)}; s++) { i = 1 + int(rand() * (NR - 2)); j = 1 + int(rand() * (NR - 2)); if (i == j) continue
        old = d(i, i + 1) + d(j, j + 1); t = at[i]; at[i] = at[j]; at[j] = t; new = d(i, i + 1) + d(j, j + 1)
        if (new > old && rand() > exp((old - new) * s / 20000)) { t = at[i]; at[i] = at[j]; at[j] = t } }
        for (i = 1; i <= NR; i++) print at[i] }' /inputs/data > /outputs/tour`,
  },
];
