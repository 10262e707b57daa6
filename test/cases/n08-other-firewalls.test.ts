import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FirewallDrop } from '../../src/core/firewall/foreign/obstacles.ts';
import { netloom } from '../cli/netloom.ts';
import type { DebianRoot } from '../support/debian-root.ts';
import { firewallRoot } from '../support/firewalls.ts';
import { Lab } from '../support/lab.ts';
import { everyWay, NetworkWays, stoppedBy } from '../support/network-ways.ts';

// Reports about foreign firewall rules are checked against real traffic, before and after the advised commands.
const saves = ['iptables-nft-save', 'ip6tables-nft-save', 'iptables-legacy-save', 'ip6tables-legacy-save'];

let root: DebianRoot;
let lab: Lab;
let network: NetworkWays;
let bridge: string;
const path = process.env.PATH;

beforeAll(async () => {
  root = await firewallRoot();
  process.env.PATH = `${root.offer(...saves)}:${path}`;
  lab = await Lab.open();
  network = await NetworkWays.open(lab);
  bridge = network.bridge;
}, 120_000);

afterAll(async () => {
  process.env.PATH = path;
  network?.otherHost.remove();
  await lab?.close();
  await root?.close();
});

afterEach(async () => {
  const tables = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).split('\n').filter(Boolean);
  for (const table of tables) if (table !== 'table inet netloom') execFileSync('nft', ['delete', ...table.split(' ')]);
  for (const command of ['iptables-legacy', 'ip6tables-legacy'])
    await root.sh(`for chain in INPUT FORWARD OUTPUT; do ${command} -P $chain ACCEPT; done; ${command} -F`);
});

const nft = (ruleset: string) => execFileSync('nft', ['-f', '-'], { input: ruleset });

/** Where packets of bridges pass the firewall (br_netfilter), neighbours are stopped too. */
const routed = (drops: FirewallDrop[]) =>
  stoppedBy(drops)
    .filter((way) => !way.startsWith('neighbours'))
    .sort();

/** Checks that the report agrees with the traffic, and that the advised commands open everything. */
async function holds(): Promise<FirewallDrop[]> {
  const { drops, unread } = await lab.client.firewalls();
  expect(unread).toEqual([]);
  const stopped = stoppedBy(drops);
  const left = everyWay.filter((way) => !stopped.includes(way));
  expect(await network.thatAreOpen(left)).toEqual(left);
  for (const command of drops.flatMap(({ remedy }) => remedy)) await root.sh(command);
  expect((await lab.client.firewalls()).drops).toEqual([]);
  expect(await network.thatAreOpen(everyWay)).toEqual(everyWay);
  return drops;
}

const doctor = async () => (await netloom(lab.daemon, ['doctor', '--json', '--node', lab.daemon.node])).stdout;
const why = async () => (await netloom(lab.daemon, ['reachability', '--why', '--node', lab.daemon.node])).stdout;

it('N08 a host without another firewall gets no report', async () => {
  expect(await lab.client.firewalls()).toEqual({ drops: [], unread: [] });
  expect(await doctor()).toContain("none drops netloom's traffic");
  expect(await why()).not.toContain('drop');
  expect(await network.thatAreOpen(everyWay)).toEqual(everyWay);
});

describe('N08 doctor and reachability name the rules that drop', () => {
  it('N08 the iptables policy that docker leaves is named with table, chain and priority', async () => {
    await root.sh('iptables -P FORWARD DROP');
    const where = 'table ip filter, chain FORWARD (hook forward, priority 0): policy drop';
    const found = (
      JSON.parse(await doctor()) as { checks: { check: string; ok: boolean; found: string; mend: string }[] }
    ).checks.filter(({ check }) => check === 'Other firewalls');
    expect(found).toEqual([
      {
        check: 'Other firewalls',
        ok: false,
        found: expect.stringMatching(
          /policy drop drops what containers send outside, published ports.* \(IPv4; network web\)$/,
        ),
        mend: expect.stringContaining(`iptables -I FORWARD -i ${bridge} -j ACCEPT`),
      },
    ]);
    expect(found[0]?.found).toContain(where);
    const reasons = await why();
    // reasons are wrapped within their column
    expect(reasons.replaceAll(/\s+/g, ' ')).toContain(`dropped by ${where}`);
    expect(reasons).toContain(`${where}:\n  drops what containers send outside`);
    const [drop, ...others] = await holds();
    expect(others).toEqual([]);
    expect(drop).toMatchObject({ table: 'ip filter', chain: 'FORWARD', priority: 0, rule: null, certain: true });
  });

  it('N08 the policy of ip6tables is named', async () => {
    await root.sh('ip6tables -P FORWARD DROP');
    const drops = await holds();
    expect(routed(drops)).toEqual(['outbound 6', 'published 6']);
    expect(drops[0]).toMatchObject({ table: 'ip6 filter', chain: 'FORWARD', certain: true });
  });

  it('N08 iptables rules whose matches nft does not show are named', async () => {
    // as most scripts do it: known traffic passes, the rest does not
    await root.sh(`iptables -P INPUT DROP
      iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "answers -j DROP" -j ACCEPT
      iptables -A INPUT -i lo -j ACCEPT
      iptables -A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
      iptables -A INPUT -i up0 -j ACCEPT`);
    const drops = await holds();
    expect(stoppedBy(drops)).toEqual(['names 4']);
    expect(drops[0]).toMatchObject({ table: 'ip filter', tool: 'iptables', chain: 'INPUT', rule: null, certain: true });
  });

  it('N08 rules of iptables-legacy, which nft does not list, are named', async () => {
    await root.sh('iptables-legacy -P FORWARD DROP; ip6tables-legacy -A FORWARD -j REJECT');
    const drops = await holds();
    expect(drops.map(({ table, tool, certain }) => ({ table, tool, certain }))).toEqual([
      { table: 'ip filter', tool: 'iptables-legacy', certain: true },
      { table: 'ip6 filter', tool: 'iptables-legacy', certain: true },
    ]);
    expect(drops[1]?.rule).toEqual({ chain: 'FORWARD', handle: null });
  });

  it('N08 an input chain of nftables for both families, with a priority of its own, is named', async () => {
    nft(`table inet guard { chain inbound {
      type filter hook input priority 10; policy drop;
      iif lo accept
      iifname up0 accept
    }
    }`);
    const drops = await holds();
    expect(routed(drops)).toEqual(['host 4', 'host 6', 'names 4', 'names 6']);
    expect(drops[0]).toMatchObject({ table: 'inet guard', chain: 'inbound', hook: 'input', priority: 10 });
  });

  it('N08 a rule at the end of a chain that another one jumps to is named with its handle', async () => {
    nft(`table inet guard {
      chain strict { ct state established,related accept; reject with icmpx admin-prohibited; }
      chain through { type filter hook forward priority 20; policy accept; ct state vmap { invalid : drop, established : accept }; goto strict; }
    }`);
    const drops = await holds();
    expect(routed(drops)).toEqual(['outbound 4', 'outbound 6', 'published 4', 'published 6']);
    expect(drops[0]).toMatchObject({ chain: 'through', rule: { chain: 'strict', handle: expect.any(Number) } });
    expect(drops[0]?.certain).toBe(true);
  });

  it('N08 a drop of subnets before routing is named', async () => {
    const subnet = network.addressOf(4).replace(/\d+$/, '0/24');
    nft(`table ip early {
      chain raw { type filter hook prerouting priority raw; policy accept; ip saddr { 192.168.0.0/16, ${subnet} } drop; }
    }`);
    const drops = await holds();
    expect(stoppedBy(drops)).toEqual(expect.arrayContaining(['outbound 4', 'names 4', 'host 4']));
    expect(drops[0]).toMatchObject({ table: 'ip early', hook: 'prerouting', priority: -300 });
  });

  it('N08 drops from the host to containers and after routing are named', async () => {
    nft(`table inet guard {
      chain leaving { type filter hook output priority 0; policy accept; oifname "${bridge}" ct state new drop; }
      chain last { type filter hook postrouting priority 300; policy accept; oifname up0 ct state new drop; }
    }`);
    const drops = await holds();
    expect(routed(drops)).toEqual(['host 4', 'host 6', 'outbound 4', 'outbound 6']);
  });
});

it('N08 a rule that cannot be evaluated is reported as "may"', async () => {
  nft(`table inet guard { chain through {
    type filter hook forward priority 0; policy drop; meta mark 7 accept; ct state established accept; ct status dnat accept;
  }
  }`);
  const { drops } = await lab.client.firewalls();
  expect(routed(drops)).toEqual(['outbound 4', 'outbound 6']);
  expect(drops[0]?.certain).toBe(false);
  expect(await doctor()).toContain('may drop what containers send outside');
});

it('N08 rules that match few packets are not reported', async () => {
  nft(`table inet guard {
    set banned { type ipv4_addr; elements = { 198.51.100.7 } }
    chain through { type filter hook forward priority 0; policy accept; ip saddr @banned drop; tcp dport 25 reject; ct state invalid drop; iifname "tun0" drop; }
    chain inbound { type filter hook input priority 0; policy accept; ip saddr 198.51.100.0/24 drop; tcp dport 22 limit rate over 5/minute drop; }
  }`);
  expect((await lab.client.firewalls()).drops).toEqual([]);
});

/** Makes a directory with these programs only. */
function pathOf(...programs: string[]): string {
  const directory = `${lab.directory.path}/bin`;
  mkdirSync(directory);
  for (const name of programs)
    symlinkSync(execFileSync('which', [name], { encoding: 'utf8' }).trim(), `${directory}/${name}`);
  return directory;
}

it('N08 unreadable rules are reported', async () => {
  await root.sh('iptables-legacy -P FORWARD DROP');
  await lab.end('stop');
  process.env.PATH = pathOf('nft', 'nats-server');
  await lab.start();
  const { drops, unread } = await lab.client.firewalls();
  expect(drops).toEqual([]);
  expect(unread).toEqual(
    ['iptables', 'ip6tables'].map(
      (name) => `${name}-legacy has rules (filter), and there is no ${name}-legacy-save to read them`,
    ),
  );
  expect(await doctor()).toContain('there is no iptables-legacy-save to read them');
  process.env.PATH = path;
});
