import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { figuresOf, type Reported, withFigures } from '../../bench/report/document.ts';
import { plotSvg } from '../../bench/report/plot.ts';

const series = (p50Ms: number) => ({ count: 100, p50Ms, p99Ms: 2 * p50Ms });
const times = (one: number, other: number) => ({ one: series(one), other: series(other) });

const reported: Reported = {
  machine: [['processor', '2 × Abacus']],
  minutes: 12,
  neighbours: {
    pairs: [
      { one: 'netloom', other: 'floor', present: 0, setup: times(2, 1), teardown: times(1, 0.5) },
      { one: 'netloom', other: 'netavark-iptables', present: 0, setup: times(2, 50), teardown: times(1, 140) },
      { one: 'netloom', other: 'netloom-spoofing', present: 0, setup: times(2, 1.9), teardown: times(1, 1) },
      { one: 'floor', other: 'floor-bare', present: 0, setup: times(1, 0.95), teardown: times(0.5, 0.5) },
      { one: 'door', other: 'netavark-iptables', present: 0, setup: times(4, 48), teardown: times(3, 150) },
    ],
    absent: [{ peer: 'cni', reason: 'missing: CNI plugins\nand more' }],
  },
  throughput: [{ clients: 4, perSecond: 321.4 }],
  crowd: {
    containers: 1000,
    networks: 4,
    up: { seconds: 4, daemonCpuSeconds: 3, natsCpuSeconds: 0.2 },
    residentMiB: 180,
    restingMiB: 140,
    natsResidentMiB: 20,
    idle: { seconds: 10, daemonCpuSeconds: 0.01, natsCpuSeconds: 0 },
    restarts: [{ how: 'kill', servingAfterMs: 900, settledAfterMs: 1200 }],
    down: { seconds: 5, daemonCpuSeconds: 2, natsCpuSeconds: 0.2 },
  },
  edges: [
    { present: 0, command: 'container.setup', ms: 2, parts: [{ name: 'decide', ms: 0.5 }] },
    { present: 1000, command: 'container.setup', ms: 4, parts: [{ name: 'link.veth', ms: 3 }] },
  ],
  startup: [{ command: 'netloom --help', ours: series(100), bare: series(50) }],
};
const lines = () => figuresOf(reported).split('\n');

it('the text between the markers is replaced and the text around them stays', () => {
  const document = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n';
  const once = withFigures(document, 'new');
  expect(once).toBe('before\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nafter\n');
  expect(withFigures(once, 'new')).toBe(once);
});

it('a document without markers is refused', () => {
  expect(() => withFigures('nothing', 'new')).toThrow('no <!-- bench: begin -->');
});

it('docs/performance.md has the markers', () => {
  expect(withFigures(readFileSync('docs/performance.md', 'utf8'), 'new')).toContain('# Performance');
});

it("the first figure is netloom's time as a multiple of the floor's, and the others' as one of netloom's", () => {
  expect(lines()).toContain('| 0 | floor | 2.00 × | 2.00 | 4.00 | 1.00 | 2.00 | 100 |');
  expect(lines()).toContain('| 0 | netavark (iptables) | 25.0 × | 2.00 | 4.00 | 50.0 | 100 | 100 |');
  expect(lines()).toContain('| 0 | netavark (iptables) | 12.0 × | 4.00 | 8.00 | 48.0 | 96.0 | 100 |');
});

it('the report shows what the guards of an interface cost in a set-up', () => {
  expect(lines()).toContain('| 0 | 50 | 100 | 7.5 % | 100 |');
  expect(lines()).not.toContain(expect.stringContaining('spoofing=allow |'));
});

it('the report names unmeasured peers with the reason', () => {
  expect(lines()).toContain('- CNI chain: missing: CNI plugins');
});

it('the report shows the costs of many containers', () => {
  expect(lines()).toContain('| all up | 4.00 s | daemon 75 %, nats-server 5.0 % of one processor |');
  expect(lines()).toContain('| memory when the last is up | 180 MiB | daemon; nats-server 20.0 MiB |');
  expect(lines()).toContain('| at rest | 10.0 s | daemon 0.1 %, nats-server 0.0 % of one processor |');
});

it('the parts of a command stand beside each other, also where only one build has them', () => {
  expect(lines()).toContain('| decide | 500 | 25 % | █████ | 0.00 | 0.0 % |  |');
  expect(lines()).toContain('| link.veth | 0.00 | 0.0 % |  | 3,000 | 75 % | ███████████████ |');
});

it('P21 the help of the command line stands beside a bare Node', () => {
  expect(lines()).toContain('| `netloom --help` | 2.00 × | 100 | 200 | 50.0 | 100 | 100 |');
});

it('measurements that were not requested are left out', () => {
  const nothing = {
    ...reported,
    neighbours: { pairs: [], absent: [] },
    throughput: null,
    crowd: null,
    edges: [],
    startup: [],
  };
  expect(figuresOf(nothing).match(/^## .*/gm)).toEqual(['## The machine']);
});

it('the plot shows every measured peer', async () => {
  const svg = await plotSvg(reported.neighbours.pairs);
  for (const name of ['netloom', 'floor', 'netavark (iptables)', 'set-up', 'teardown'])
    expect(svg).toContain(`>${name}<`);
});
