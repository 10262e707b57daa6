import { CniPeer } from './cni.ts';
import { DoorPeer } from './door.ts';
import { FloorPeer } from './floor.ts';
import { NetavarkPeer } from './netavark.ts';
import { NetloomPeer } from './netloom.ts';
import type { Peer } from './peer.ts';
import { ShellPeer } from './shell.ts';

/** Names the directory of another build of netloom (`--beside`); the host processes get it from the bench. */
export const besideVariable = 'NETLOOM_BENCH_BESIDE';

/** Peers that netloom can be measured against, the fastest first (the order of the report). Each call makes a new one, because each runs on its own host. */
export const catalogue = {
  netloom: () => new NetloomPeer('netloom'),
  'netloom-dns': () => new NetloomPeer('netloom with DNS', { dns_enabled: true }),
  'netloom-spoofing': () => new NetloomPeer('netloom with spoofing=allow', { options: { spoofing: 'allow' } }),
  'netloom-beside': () => new NetloomPeer('netloom, the other build', {}, process.env[besideVariable] ?? ''),
  floor: () => new FloorPeer(),
  'floor-bare': () => new FloorPeer(false),
  door: () => new DoorPeer(),
  shell: () => new ShellPeer(),
  'netavark-nftables': () => new NetavarkPeer('nftables', false),
  'netavark-dns': () => new NetavarkPeer('nftables', true),
  cni: () => new CniPeer(),
  'netavark-iptables': () => new NetavarkPeer('iptables', false),
} satisfies Record<string, () => Peer>;

export type PeerKey = keyof typeof catalogue;

export const peerKeys = Object.keys(catalogue) as PeerKey[];

/** Peers that are measured on request only: similar to others, and slow to populate. */
const onRequest: readonly PeerKey[] = ['netavark-dns', 'netloom-beside'];

export const usualPeers = peerKeys.filter((key) => !onRequest.includes(key));

export const isPeerKey = (text: string): text is PeerKey => Object.hasOwn(catalogue, text);
