import { expect, it } from 'vitest';
import { parseArguments } from '../../bench/arguments.ts';

it('without options the bench measures everything and writes the documents', () => {
  const { populations, scenarios, output, json } = parseArguments([]);
  expect({ populations, scenarios, output, json }).toEqual({
    populations: [0, 100, 500, 1000],
    scenarios: ['pairs', 'throughput', 'crowd', 'edges', 'startup'],
    output: 'docs',
    json: false,
  });
});

it('a quick bench measures with no other container present and writes nothing', () => {
  expect(parseArguments(['--quick', '--json'])).toMatchObject({
    populations: [0],
    scenarios: ['pairs'],
    peers: ['netloom', 'floor', 'door', 'netavark-nftables', 'netavark-iptables'],
    output: null,
  });
});

it('populations are sorted into the order in which they can be reached', () => {
  expect(parseArguments(['--populations', '50,0,7']).populations).toEqual([0, 7, 50]);
});

it('figures of a part replace those of a whole run only when the path is given', () => {
  expect(parseArguments(['--scenarios', 'edges']).output).toBeNull();
  expect(parseArguments(['--scenarios', 'edges', '--output', '/tmp']).output).toBe('/tmp');
});

it.each([
  [['--peers', 'netloom,docker'], '--peers: there is no "docker"'],
  [['--populations', 'many'], '--populations: "many" is not a number of at most 4 digits'],
  [['--scenarios', 'toString'], '--scenarios: there is no "toString"'],
])('the bench refuses %s', (args, message) => {
  expect(() => parseArguments(args)).toThrow(message);
});

it('beside another build the bench measures only set-ups and teardowns, with none and with a thousand present', () => {
  expect(parseArguments(['--beside', '../before'])).toMatchObject({
    beside: '../before',
    scenarios: ['pairs'],
    peers: ['netloom', 'netloom-beside', 'floor'],
    populations: [0, 1000],
    output: null,
  });
  expect(parseArguments([])).toMatchObject({ beside: null, output: 'docs' });
  expect(parseArguments([]).peers).not.toContain('netloom-beside');
});
