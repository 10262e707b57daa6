import fs from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  assignNetnsId,
  changeElements,
  createNetns,
  deleteConntrack,
  inspectTable,
  listElements,
  listLinks,
  loadRuleset,
  type NftSocket,
  netnsIdOf,
  openNftSocket,
  removeNetns,
  route,
  type Watch,
  watchNft,
  watchRoutes,
} from '#native';
import { baseRuleset, create, element, ip4, port, proto, remove } from './elements.ts';
import { apply, becomeHost, type Host } from './host.ts';
import { addAddress, addBridge, addMacvlan, addRoute, addVeth, setLink } from './requests.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let host: Host;
let nft: NftSocket;
const watches: Watch[] = [];
let heard = 0;
const hear = (notices: unknown[]) => {
  heard += notices.length;
};
beforeAll(async () => {
  host = await becomeHost();
  nft = openNftSocket();
  loadRuleset(baseRuleset);
  apply(host.socket, addBridge('br0'), addAddress('br0', '10.88.0.1/16'));
  // With the last macvlan of a parent the kernel waits for RCU, and all other requests wait as well: keep one.
  apply(host.socket, addMacvlan('stays', 'br0', host.netns('stays').path));
  const everywhere = { links: true, addresses: true, routes: true, allNamespaces: true };
  watches.push(watchRoutes(everywhere, hear), watchNft(hear));
});
afterAll(() => {
  for (const watch of watches) watch.close();
  nft.close();
  host.close();
});

function setUpAndTearDown(round: number) {
  const path = host.pin(`leak${round}`);
  const { socket } = createNetns(path);
  const veth = `v${round}`;
  const elements = [8080, 8443].map((hostPort) =>
    element('published_any4', [...proto('tcp'), ...port(hostPort)], { data: [...ip4('10.88.0.2'), ...port(80)] }),
  );
  const faults = [
    ...route(host.socket, [
      addVeth(veth, path),
      addMacvlan('mv0', 'br0', path),
      setLink(veth, { up: true, master: 'br0', ipv6AddressGeneration: 'none' }),
    ]),
    ...route(socket, [
      setLink('lo', { up: true }),
      setLink('eth0', { up: true, ipv6AddressGeneration: 'none' }),
      addAddress('eth0', '10.88.0.2/16'),
      addRoute('0.0.0.0/0', { gateway: '10.88.0.1' }),
      addRoute('10.99.0.0/16', { type: 'blackhole' }),
    ]),
    ...changeElements(nft, 'netloom', elements.map(create)),
    ...changeElements(nft, 'netloom', elements.map(remove)),
  ];
  expect(netnsIdOf(host.socket, path)).toBe(assignNetnsId(host.socket, path));
  expect(inspectTable(nft, 'netloom')).not.toBeNull();
  const udp4 = { protocol: 'udp', family: 4, destination: null } as const;
  deleteConntrack(nft, [{ ...udp4, firstPort: 8080, lastPort: 8080 }]);
  // lists all connections: 9 ms, once anything of the namespace is tracked
  if (round % 20 === 0) deleteConntrack(nft, [{ ...udp4, firstPort: 8080, lastPort: 8443 }]);
  socket.close();
  removeNetns(path);
  expect(faults.filter((fault) => fault !== null)).toEqual([]);
}

/** The kernel removes the host ends in its own time; a bridge has room for 1,023 ports. */
async function settle(most: number) {
  while (listLinks(host.socket).filter(({ kind }) => kind === 'veth').length > most) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function rounds(from: number, to: number) {
  for (let round = from; round < to; round++) {
    setUpAndTearDown(round);
    if (round % 50 === 0) await settle(100);
  }
  await settle(0);
}

function usage() {
  collectGarbage();
  const threads = /Threads:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1];
  return { files: fs.readdirSync('/proc/self/fd').length, threads, residentBytes: process.memoryUsage().rss };
}

it('leaves nothing after 2,000 set-ups and teardowns', async () => {
  await rounds(0, 200);
  const [before, heardBefore] = [usage(), heard];
  await rounds(200, 2000);
  // on a busy machine the last notices are read later
  await expect.poll(() => heard - heardBefore, { timeout: 20_000 }).toBeGreaterThan(1_000);
  const after = usage();
  expect(after.files).toBe(before.files);
  expect(after.threads).toBe(before.threads);
  expect(after.residentBytes - before.residentBytes).toBeLessThan(20 * 2 ** 20);
  expect(listElements(nft, 'netloom', 'published_any4')).toEqual([]);
  expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(host.pin('leak'));
}, 120_000);
