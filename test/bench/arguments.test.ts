import { expect, it } from 'vitest';
import { parseArguments } from '../../bench/arguments.ts';

it('measures everything and writes the documents when nothing is said', () => {
  const { populations, scenarios, output, json } = parseArguments([]);
  expect({ populations, scenarios, output, json }).toEqual({
    populations: [0, 100, 500, 1000],
    scenarios: ['pairs', 'throughput', 'crowd', 'edges', 'startup'],
    output: 'docs',
    json: false,
  });
});

it('measures with none present and writes nothing when it shall be quick', () => {
  expect(parseArguments(['--quick', '--json'])).toMatchObject({
    populations: [0],
    scenarios: ['pairs'],
    peers: ['netloom', 'floor', 'door', 'netavark-nftables', 'netavark-iptables'],
    output: null,
  });
});

it('puts populations into the order in which they can be reached', () => {
  expect(parseArguments(['--populations', '50,0,7']).populations).toEqual([0, 7, 50]);
});

it('writes over the figures of a whole run with those of a part only when told where', () => {
  expect(parseArguments(['--scenarios', 'edges']).output).toBeNull();
  expect(parseArguments(['--scenarios', 'edges', '--output', '/tmp']).output).toBe('/tmp');
});

it.each([
  [['--peers', 'netloom,docker'], '--peers: there is no "docker"'],
  [['--populations', 'many'], '--populations: "many" is not a number of at most 4 digits'],
  [['--scenarios', 'toString'], '--scenarios: there is no "toString"'],
])('refuses %s', (args, message) => {
  expect(() => parseArguments(args)).toThrow(message);
});

it('measures set-ups and teardowns alone beside another build, with none and with a thousand present', () => {
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
