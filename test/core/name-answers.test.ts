import { describe, expect, it } from 'vitest';
import type { FirewallDrop } from '../../src/core/firewall/foreign/obstacles.ts';
import { type NamedContainer, type NamingNetwork, nameAnswer } from '../../src/core/name-answers.ts';
import type { Origin } from '../../src/core/reachability.ts';

const network = (name: string, more: Partial<NamingNetwork> = {}): NamingNetwork => ({
  name,
  driver: 'bridge',
  dns_enabled: true,
  network_interface: 'netloom0',
  subnets: [{ subnet: '10.89.0.0/24', gateway: '10.89.0.1' }],
  options: {},
  ipam_options: { driver: 'host-local' },
  device: { name: 'netloom0', mtuBytes: 1500, names: null },
  ...more,
});

let inodes = 0;
const container = (id: string, ...networks: string[]): NamedContainer => ({
  id,
  name: `${id}-name`,
  netns: { path: `/n/${id}`, inode: ++inodes },
  attachments: networks.map((each, slot) => ({
    network: each,
    slot,
    interfaceName: `eth${slot}`,
    staticIps: [],
    staticMac: null,
    aliases: [id, `${id}-on-${each}`],
  })),
});

const [cli, srv, db] = [container('cli', 'front'), container('srv', 'front', 'back'), container('db', 'back', 'plain')];
const sharer = { ...container('sharer'), netns: cli.netns };
const containers = [cli, srv, db, sharer];
const networks = [network('front'), network('back'), network('plain', { dns_enabled: false })];

const drop = (certain: boolean, families: (4 | 6)[] = [4]): FirewallDrop => ({
  table: 'ip filter',
  tool: 'iptables',
  chain: 'INPUT',
  hook: 'input',
  priority: 0,
  rule: null,
  certain,
  stops: families.map((family) => ({ network: 'front', family, way: 'names' })),
  remedy: [],
});

function answer(
  from: Origin,
  to: NamedContainer,
  known: { networks?: NamingNetwork[]; firewalls?: FirewallDrop[] } = {},
) {
  const { answered, reason, names } = nameAnswer(from, to, { networks, containers, firewalls: [], ...known });
  return `${answered ? names.join(' ') : 'no'}: ${reason}`;
}

describe('P16 names of a container are answered', () => {
  it("P16 names are answered on a common network, with the container's names on that network", () => {
    expect(answer('container/cli', srv)).toBe('srv-name srv srv-on-front: answered on network front');
    expect(answer('container/db', srv)).toBe('srv-name srv srv-on-back: answered on network back');
  });

  it('P16 names are answered to a container that shares a namespace with a member', () =>
    expect(answer('container/sharer', srv)).toContain('answered on network front'));

  it('P16 names are answered to the host when it asks a gateway, and to no other machine', () => {
    expect(answer('host', srv)).toContain('where this host asks 10.89.0.1');
    expect(answer('outside', srv)).toBe('no: names are answered to containers and to this host only');
  });

  it('P16 names are answered only on a common network with DNS', () => {
    expect(answer('container/cli', db)).toBe('no: no network in common');
    const plain = [network('front', { dns_enabled: false })];
    expect(answer('container/cli', srv, { networks: plain })).toBe('no: no DNS on network front');
    const macvlan = [network('front', { driver: 'macvlan' })];
    expect(answer('container/cli', srv, { networks: macvlan })).toBe('no: no DNS on macvlan networks such as front');
  });

  it('P16 names are answered only where no other program has the port of a foreign bridge', () => {
    const names = { servers: [], refused: 'port 53 of 10.89.0.1 is taken by dnsmasq' };
    const unmanaged = [
      network('front', { options: { mode: 'unmanaged' }, device: { name: 'br0', mtuBytes: null, names } }),
    ];
    expect(answer('container/cli', srv, { networks: unmanaged })).toBe(`no: ${names.refused}`);
  });

  it('P16 names are answered only where no other firewall drops the questions, by family', () => {
    expect(answer('container/cli', srv, { firewalls: [drop(true)] })).toMatch(
      /^no: dropped by table ip filter of iptables, chain INPUT/,
    );
    expect(answer('container/cli', srv, { firewalls: [drop(false)] })).toMatch(
      /front; may be dropped by table ip filter/,
    );
    const subnets = [
      { subnet: '10.89.0.0/24', gateway: '10.89.0.1' },
      { subnet: 'fd00::/64', gateway: 'fd00::1' },
    ];
    const dual = [network('front', { subnets })];
    expect(answer('container/cli', srv, { networks: dual, firewalls: [drop(true)] })).toMatch(/^srv-name/);
    expect(answer('container/cli', srv, { networks: dual, firewalls: [drop(true, [4, 6])] })).toMatch(/^no: dropped/);
  });
});
