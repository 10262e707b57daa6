import type { PeerKey } from '../peers/catalogue.ts';
import type { PairResult } from '../scenarios/pairs.ts';

/** Medians, with none present and two published ports; null: not installed. */
export interface QuickFigures {
  p50Ms: number | null;
  floorP50Ms: number | null;
  netavarkP50Ms: number | null;
  doorP50Ms: number | null;
}

/** What `--quick --json` prints. */
export interface QuickReport {
  setup: QuickFigures;
  teardown: QuickFigures;
}

/** netloom's comes from the block with the floor, without a slow peer beside it; of two netavarks the one with nftables counts. */
export function quickReport(pairs: readonly PairResult[]): QuickReport {
  return { setup: figures(pairs, 'setup'), teardown: figures(pairs, 'teardown') };
}

function figures(pairs: readonly PairResult[], what: 'setup' | 'teardown'): QuickFigures {
  const withNone = pairs.filter(({ one, present }) => one === 'netloom' && present === 0);
  const beside = (...peers: PeerKey[]) =>
    peers.flatMap((peer) => withNone.find(({ other }) => other === peer)?.[what] ?? [])[0];
  const ours = (beside('floor') ?? withNone[0]?.[what])?.one;
  const rounded = (summary: { p50Ms: number } | undefined) => (summary ? Number(summary.p50Ms.toFixed(3)) : null);
  return {
    p50Ms: rounded(ours),
    floorP50Ms: rounded(beside('floor')?.other),
    netavarkP50Ms: rounded(beside('netavark-nftables', 'netavark-iptables')?.other),
    doorP50Ms: rounded(beside('door')?.other),
  };
}
