import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { catalogue, type PeerKey } from '../peers/catalogue.ts';
import type { PairResult } from '../scenarios/pairs.ts';

/** Medians by containers present, one line per peer, set-up and teardown beside each other; time is logarithmic. */
export async function plotSvg(pairs: readonly PairResult[]): Promise<string> {
  const view = new View(parse(compile(chart(points(pairs))).spec), { renderer: 'none' });
  return `${await view.toSVG()}\n`;
}

interface Point {
  command: 'set-up' | 'teardown';
  peer: string;
  present: number;
  ms: number;
}

function points(pairs: readonly PairResult[]): Point[] {
  const beside = pairs.filter(({ one, other }) => one === 'netloom' && other !== 'netloom-spoofing');
  const populations = [...new Set(beside.map(({ present }) => present))];
  const ours = populations.flatMap((present) => beside.find((pair) => pair.present === present) ?? []);
  return [...ours.flatMap((pair) => pointsOf(pair, 'one')), ...beside.flatMap((pair) => pointsOf(pair, 'other'))];
}

function pointsOf(pair: PairResult, side: 'one' | 'other'): Point[] {
  const peer = nameOf(pair[side]);
  const { present } = pair;
  return [
    { command: 'set-up', peer, present, ms: pair.setup[side].p50Ms },
    { command: 'teardown', peer, present, ms: pair.teardown[side].p50Ms },
  ];
}

const nameOf = (key: PeerKey): string => catalogue[key]().name;

const chart = (values: Point[]): TopLevelSpec => ({
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  background: 'white',
  data: { values },
  mark: { type: 'line', point: true },
  encoding: {
    column: { field: 'command', title: null, header: { labelFontSize: 14 } },
    x: { field: 'present', type: 'ordinal', title: 'containers present', axis: { labelAngle: 0 } },
    y: { field: 'ms', type: 'quantitative', scale: { type: 'log' }, title: 'median, milliseconds' },
    color: { field: 'peer', type: 'nominal', title: null, sort: null, legend: { labelLimit: 0 } },
  },
  width: 320,
  height: 300,
});
