import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { ethernet, etherTypes, FrameListener, sendFrames, tcp } from '../support/frames.ts';
import { Lab } from '../support/lab.ts';
import { hostAddress, OtherHost, otherAddress } from '../support/other-host.ts';
import type { Peer } from '../support/peer.ts';

// Packets outside any connection, from a machine that routes the containers' subnets through the host: segments that begin
// none, and all packets where the host's rules track nothing.

let lab: Lab;
let other: OtherHost;
let neighbour: Peer;
let web: FrameListener;
const containerAddress = { 4: '10.85.0.2', 6: 'fd00:85::2' } as const;
const families = [4, 6] as const;

beforeAll(async () => {
  lab = await Lab.open();
  other = new OtherHost(lab.directory.path);
  neighbour = lab.peers.in(other.netns, 'neighbour');
  other.routeHere('10.85.0.0/24', 'fd00:85::/64');
  await lab.client.network.create({ name: 'net', subnets: [{ subnet: '10.85.0.0/24' }, { subnet: 'fd00:85::/64' }] });
  const { netns } = await lab.client.container.setup({
    id: 'web',
    networks: [{ network: 'net' }],
    ports: [{ hostPort: 8080, containerPort: 80 }],
  });
  const server = lab.peers.in(netns.path, 'web');
  for (const port of [80, 81]) expect(await server.serve('tcp', port)).toBe('ready');
  web = await FrameListener.open(netns.path, 'eth0');
});
afterAll(async () => {
  await web?.close();
  await lab.peers.end();
  other?.remove();
  await lab.close();
});

const macOf = (netns: string | null, link: string): string => {
  const socket = native.openRouteSocket(netns);
  try {
    return native.linkByName(socket, link)?.macAddress as string;
  } finally {
    socket.close();
  }
};

let markers = 0;
const newMarker = () => Buffer.from(`b05${(markers++).toString().padStart(3, '0')}`);

/** Sends a segment with those flags to port 81 of the container, on the wire to the host. */
function segment(family: 4 | 6, flags: string, marker: Buffer): Buffer {
  const type = family === 4 ? etherTypes.ipv4 : etherTypes.ipv6;
  const payload = tcp(otherAddress[family], containerAddress[family], 81, flags, marker);
  return ethernet(macOf(other.netns, 'eth0'), type, payload, macOf(null, 'up0'));
}

/** Makes the host track neither connections to that port nor their replies. */
async function withoutTracking(port: number, work: () => Promise<void>): Promise<void> {
  const rules = ['dport', 'sport'].map((side) => `tcp ${side} ${port} notrack;`).join(' ');
  const table = `table inet untracked {\n chain raw { type filter hook prerouting priority raw; ${rules}\n }\n}`;
  execFileSync('nft', ['-f', '-'], { input: table });
  try {
    await work();
  } finally {
    execFileSync('nft', ['delete', 'table', 'inet', 'untracked']);
  }
}

describe.each(families)('B05 packets from a machine beside the host, over IPv%i', (family) => {
  const scans = ['S', 'F', '', 'FPU', 'SF', 'A', 'R', 'SA'];

  it('B05 no segment outside a connection arrives, whatever its flags', async () => {
    const marked = scans.map((flags) => ({ flags, marker: newMarker() }));
    const last = newMarker();
    sendFrames(
      other.netns,
      'eth0',
      marked.map(({ flags, marker }) => segment(family, flags, marker)),
    );
    // a permitted segment arrives after them
    await lab.client.network.update({ name: 'net', options: { inbound: 'open' } });
    sendFrames(other.netns, 'eth0', [segment(family, 'S', last)]);
    await web.hears(last);
    await lab.client.network.update({ name: 'net', options: { inbound: 'guarded' } });
    expect(marked.filter(({ marker }) => web.has(marker)).map(({ flags }) => flags)).toEqual([]);
  });

  it('B05 no connection is made to a port that the host does not track', async () => {
    await withoutTracking(81, async () => {
      expect(await neighbour.reach('tcp', containerAddress[family], 81, 700)).toBe('silence');
    });
    expect(await neighbour.reach('tcp', hostAddress[family], 8080)).toContain('web:80');
  });
});
