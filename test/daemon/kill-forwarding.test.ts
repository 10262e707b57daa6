import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as native from '#native';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import { containerWish } from '../../src/core/container/wish.ts';
import { nftTable } from '../../src/core/firewall/nft.ts';
import { sweepHost } from '../actors/fault-sweep-host.ts';
import { type Command, Site } from '../actors/fault-sweep-site.ts';
import { networkWishOf } from '../core/samples.ts';
import { untilAnswered } from '../support/daemon.ts';
import { nftElements, temporaryDirectory } from '../support/fresh-host.ts';

// A host that does not forward, with one link that accepts router advertisements and one that does not. The first container of a
// network switches both families on; the end of the network switches IPv6 off. The daemon is killed at every kernel step of this.

const name = 'six';
const subnets = [{ subnet: '10.85.0.0/24' }, { subnet: 'fd00:85::/64' }];
const create: Command = [
  networkAddress(name),
  { type: 'network.create', wish: networkWishOf({ name, subnets }), created: '2026-01-01T00:00:00Z' },
];
const staticIps = ['10.85.0.9', 'fd00:85::9'];
const setup: Command = [
  containerAddress('c'),
  { type: 'container.setup', wish: containerWish({ id: 'c', networks: [{ network: name, staticIps }] }) },
];
const remove: Command = [containerAddress('c'), { type: 'container.remove' }];
const removeNetwork: Command = [networkAddress(name), { type: 'network.remove' }];

const settings = {
  'net.ipv4.ip_forward': '0',
  'net.ipv6.conf.all.forwarding': '0',
  'net.ipv6.conf.default.accept_ra': '1',
  'net.ipv6.conf.par0.accept_ra': '1',
  'net.ipv6.conf.par1.accept_ra': '0',
};
type Key = keyof typeof settings;
const keys = Object.keys(settings) as Key[];
type Settings = Record<string, string | null>;
const found = (): Settings => Object.fromEntries(keys.map((key) => [key, native.getSysctl(null, key)]));
const forwards: Settings = {
  'net.ipv4.ip_forward': '1',
  'net.ipv6.conf.all.forwarding': '1',
  'net.ipv6.conf.default.accept_ra': '2',
  'net.ipv6.conf.par0.accept_ra': '2',
  'net.ipv6.conf.par1.accept_ra': '0',
};
/** IPv4 stays on, as podman leaves it. */
const letGo: Settings = { ...settings, 'net.ipv4.ip_forward': '1' };
const closed = () => nftElements('set', 'closed_families').map((element) => JSON.stringify(element));
const isClosed = (family: string) => closed().some((element) => element.includes(`"${family}"`));

/** Steps of forwarding, as a plan describes them. */
const isForwarding = (step: string) =>
  /accept_ra|ip_forward|all.forwarding|closed_families|forwarding\.survey/.test(step);

let deaths = 0;
const surroundings = sweepHost(() => `kill sweep of forwarding: ${deaths} deaths`);

interface Host {
  site: Site;
  close(): Promise<void>;
}

async function open(): Promise<Host> {
  const directory = temporaryDirectory();
  for (const [key, value] of Object.entries(settings)) native.setSysctl(null, key, value);
  const site = new Site(directory.path, surroundings().namespaces, false);
  await site.start();
  const close = async () => {
    await site.end();
    const socket = native.openRouteSocket(null);
    for (const link of native.listLinks(socket))
      if (!surroundings().isOurs(link.name)) execFileSync('ip', ['link', 'delete', link.name], { stdio: 'ignore' });
    socket.close();
    native.deleteTable(native.openNftSocket(), nftTable);
    const pins = `${directory.path}/netns`;
    for (const pin of existsSync(pins) ? readdirSync(pins) : []) native.removeNetns(`${pins}/${pin}`);
    directory.remove();
  };
  return { site, close };
}

/** Each host has a directory of its own. */
const stateOf = async (site: Site) => (await site.state()).map((line) => line.replaceAll(site.directory, '')).sort();

/** Checks that nothing forwards unguarded and that no link loses its learnt routes, whenever the daemon dies. */
function expectGuarded(): void {
  const now = found();
  if (now['net.ipv4.ip_forward'] === '1') expect(isClosed('ipv4'), 'IPv4 forwards').toBe(true);
  if (now['net.ipv6.conf.all.forwarding'] !== '1') return;
  expect(isClosed('ipv6'), 'IPv6 forwards').toBe(true);
  expect(now, 'IPv6 forwards').toMatchObject({
    'net.ipv6.conf.default.accept_ra': '2',
    'net.ipv6.conf.par0.accept_ra': '2',
  });
}

interface Sweep {
  before: Command[];
  command: Command;
  after: { settings: Settings; closed: string[] };
}

const sweeps: Record<string, Sweep> = {
  'switches forwarding on': {
    before: [create],
    command: setup,
    after: { settings: forwards, closed: ['ipv4', 'ipv6'] },
  },
  'lets IPv6 forwarding go': {
    before: [create, setup, remove],
    command: removeNetwork,
    after: { settings: letGo, closed: ['ipv4'] },
  },
};

/** Runs without a kill, and returns the ordinals of its steps of forwarding. */
async function rehearsed({ before, command, after }: Sweep) {
  const { site, close } = await open();
  try {
    await site.sayAll(before);
    await site.set(null);
    await site.sayAll([command]);
    const { steps } = await site.trace();
    expect(found()).toEqual(after.settings);
    const points = steps.flatMap(({ step }, index) => (isForwarding(step) ? [{ step, nth: index + 1 }] : []));
    return { points, state: await stateOf(site) };
  } finally {
    await close();
  }
}

async function dieAndLive(sweep: Sweep, nth: number, when: 'before' | 'after', wanted: string[]): Promise<void> {
  const { site, close } = await open();
  try {
    await site.sayAll(sweep.before);
    await site.set({ kind: 'kill', nth, when });
    const id = site.newId();
    expect(await site.sayUntilDeath(sweep.command, id), 'it died').toBe(true);
    deaths += 1;
    expectGuarded();
    await site.start();
    expect((await site.say(sweep.command, id)).fault).toBeUndefined();
    await untilAnswered(async () => expect(await stateOf(site)).toEqual(wanted), 5_000);
    expect(found()).toEqual(sweep.after.settings);
    expect(['ipv4', 'ipv6'].filter(isClosed)).toEqual(sweep.after.closed);
    // and the journal is right about the host: everything is reset
    if (sweep.command === setup) await site.sayAll([remove, removeNetwork]);
    expect(found()).toEqual(letGo);
    expect(['ipv4', 'ipv6'].filter(isClosed)).toEqual(['ipv4']);
  } finally {
    await close();
  }
}

describe('B05 N03 a daemon that is killed at every kernel step of forwarding', () => {
  it.each(Object.keys(sweeps))(
    'B05 N03 a daemon killed %s forwards nothing unguarded, and the next one completes it',
    {
      timeout: 120_000,
    },
    async (which) => {
      const sweep = sweeps[which] as Sweep;
      const { points, state } = await rehearsed(sweep);
      expect(points.length).toBeGreaterThan(3);
      // before the second step is the same moment as after the first
      for (const [index, { step, nth }] of points.entries())
        for (const when of index === 0 ? (['before', 'after'] as const) : (['after'] as const))
          await dieAndLive(sweep, nth, when, state).catch((error: Error) => {
            throw new Error(`${when} ${step}: ${error.message}`, { cause: error });
          });
    },
  );
});
