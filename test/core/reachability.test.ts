import { describe, expect, it } from 'vitest';
import type { PublishedPort } from '../../src/core/port.ts';
import {
  hostPortText,
  type Origin,
  type ReachabilityCell,
  type ReachableContainer,
  type ReachableNetwork,
  reachability,
} from '../../src/core/reachability.ts';

// test/kernel/firewall-matrix.test.ts shows that the real kernel agrees

const network = (name: string, more: Partial<ReachableNetwork> = {}): ReachableNetwork => ({
  name,
  driver: 'bridge',
  internal: false,
  options: {},
  ...more,
});

const port = (more: Partial<PublishedPort> = {}): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort: 8080,
  containerPort: 80,
  range: 1,
  ...more,
});

let inodes = 0;
/** A container on networks with one or more addresses each. */
function container(
  id: string,
  networks: Record<string, string[]>,
  more: Partial<ReachableContainer> = {},
): ReachableContainer {
  const names = Object.keys(networks);
  return {
    id,
    mode: 'bridge',
    netns: { path: `/netns/${id}`, inode: ++inodes },
    attachments: names.map((name, index) => ({
      network: name,
      slot: index,
      interfaceName: `eth${index}`,
      staticIps: [],
      staticMac: null,
      aliases: [],
    })),
    status: Object.fromEntries(
      names.map((name, index) => {
        const subnets = (networks[name] ?? []).map((address) => ({
          ipnet: `${address}/${address.includes(':') ? 64 : 24}`,
        }));
        const interfaces = { [`eth${index}`]: { mac_address: '02:00:00:00:00:01', subnets } };
        return [name, { interfaces, dns_server_ips: [], dns_search_domains: [] }];
      }),
    ),
    ports: [],
    ...more,
  };
}

/** `yes: why` or `no: why`, of the one cell in question. */
function verdict(
  cells: ReachabilityCell[],
  from: Origin,
  to: string,
  by: 'address' | 'port' = 'address',
  family: 4 | 6 = 4,
): string {
  const found = cells.filter(
    (cell) => cell.from === from && cell.to === to && cell.by === by && cell.family === family,
  );
  expect(found).toHaveLength(1);
  return found.map(({ reachable, reason }) => `${reachable ? 'yes' : 'no'}: ${reason}`).join();
}

const modes = {
  none: {},
  isolated: { options: { isolate: 'true' } },
  strict: { options: { isolate: 'strict' } },
  internal: { internal: true },
} satisfies Record<string, Partial<ReachableNetwork>>;
type Mode = keyof typeof modes;

describe('between two networks', () => {
  const between = (mine: Mode, theirs: Mode) =>
    reachability(
      [network('mine', modes[mine]), network('theirs', modes[theirs])],
      [container('me', { mine: ['10.1.0.2'] }), container('you', { theirs: ['10.2.0.2'] }, { ports: [port()] })],
    );

  it.each<[Mode, Mode, string, string]>([
    ['none', 'none', 'yes: forwarded by the host', 'yes: published 8080/tcp'],
    ['none', 'isolated', 'yes: forwarded by the host', 'yes: published 8080/tcp'],
    ['isolated', 'none', 'yes: forwarded by the host', 'yes: published 8080/tcp'],
    ['isolated', 'isolated', 'no: isolated', 'no: isolated'],
    ['strict', 'none', 'no: isolated (strict)', 'no: isolated (strict)'],
    ['none', 'strict', 'no: isolated (strict)', 'no: isolated (strict)'],
    ['strict', 'isolated', 'no: isolated (strict)', 'no: isolated (strict)'],
    ['strict', 'strict', 'no: isolated (strict)', 'no: isolated (strict)'],
    ['internal', 'none', 'no: internal', 'no: internal'],
    ['none', 'internal', 'no: internal', 'no: internal'],
    ['internal', 'internal', 'no: internal', 'no: internal'],
  ])('reachability between networks, from %s to %s: by address %s, by port %s', (mine, theirs, byAddress, byPort) => {
    const cells = between(mine, theirs);
    expect(verdict(cells, 'container/me', 'you')).toBe(byAddress);
    expect(verdict(cells, 'container/me', 'you', 'port')).toBe(byPort);
  });

  it.each<Mode>(['none', 'isolated', 'strict'])('%s does not apply to the host and the outside', (mode) => {
    const cells = between(mode, mode);
    expect(verdict(cells, 'host', 'you')).toBe("yes: on the host's bridge");
    expect(verdict(cells, 'host', 'you', 'port')).toBe('yes: published 8080/tcp');
    expect(verdict(cells, 'outside', 'you')).toBe(
      'no: only published ports are reached from other machines (inbound=guarded)',
    );
    expect(verdict(cells, 'outside', 'you', 'port')).toBe('yes: published 8080/tcp');
  });

  it('an internal network is reached by the host only', () => {
    const cells = between('none', 'internal');
    expect(verdict(cells, 'host', 'you')).toBe("yes: on the host's bridge");
    expect(verdict(cells, 'host', 'you', 'port')).toBe('yes: published 8080/tcp');
    expect(verdict(cells, 'outside', 'you')).toBe('no: internal');
    expect(verdict(cells, 'outside', 'you', 'port')).toBe('no: internal');
  });
});

describe('access from the outside, by address,', () => {
  const outside = (more: Partial<ReachableNetwork>, address = '10.1.0.2', family: 4 | 6 = 4) =>
    verdict(
      reachability([network('a', more)], [container('web', { a: [address] }, { ports: [port()] })]),
      'outside',
      'web',
      'address',
      family,
    );
  const open = 'no: the other machine needs a route through this host; the network lets it in (inbound=open)';

  it('access from the outside by address lacks only a route to an open network, for either family', () => {
    expect(outside({ options: { inbound: 'open' } })).toBe(open);
    expect(outside({ options: { inbound: 'open' } }, 'fd01::2', 6)).toBe(open);
  });

  it.each([{}, { options: { inbound: 'guarded' } }])(
    'access from the outside by address is closed for a guarded network, whatever routes there are: %j',
    (more) => expect(outside(more)).toBe('no: only published ports are reached from other machines (inbound=guarded)'),
  );

  it('access from the outside by address is the same as before for networks without the option', () => {
    expect(outside({ internal: true })).toBe('no: internal');
    expect(outside({ driver: 'macvlan' })).toBe('no: macvlan does not pass this host');
    expect(outside({ options: { mode: 'unmanaged' } })).toBe('no: unmanaged bridge');
  });
});

it('N19 to a network without rules is open, and no port is forwarded', () => {
  const networks = [
    network('a', { firewall: 'none', options: { isolate: 'true' } }),
    network('b', { options: { isolate: 'true' } }),
  ];
  const cells = reachability(networks, [
    container('web', { a: ['10.1.0.2'] }, { ports: [port()] }),
    container('me', { b: ['10.2.0.2'] }),
  ]);
  const unruled = 'its engine wants no rules (firewall none)';
  expect(verdict(cells, 'outside', 'web')).toBe(`no: the other machine needs a route through this host; ${unruled}`);
  for (const from of ['outside', 'host', 'container/me'] as const)
    expect(verdict(cells, from, 'web', 'port')).toBe(`no: published ports are not forwarded: ${unruled}`);
  expect(verdict(cells, 'container/me', 'web')).toBe('yes: forwarded by the host');
  expect(verdict(cells, 'container/web', 'me')).toBe('yes: forwarded by the host');
});

describe('within one network', () => {
  const within = (mode: Mode) =>
    reachability(
      [network('ours', modes[mode])],
      [container('me', { ours: ['10.1.0.2'] }), container('you', { ours: ['10.1.0.3'] }, { ports: [port()] })],
    );

  it.each<Mode>(['none', 'isolated', 'strict', 'internal'])('neighbours reach each other: %s', (mode) =>
    expect(verdict(within(mode), 'container/me', 'you')).toBe('yes: same network ours'),
  );

  it.each<Mode>(['none', 'isolated', 'strict'])(
    'the published port of a neighbour is reached, by way of the host: %s',
    (mode) => {
      expect(verdict(within(mode), 'container/me', 'you', 'port')).toBe('yes: published 8080/tcp');
      expect(verdict(within(mode), 'container/you', 'you', 'port')).toBe('yes: published 8080/tcp');
    },
  );

  it("the host's address is unreachable on an internal network", () =>
    expect(verdict(within('internal'), 'container/me', 'you', 'port')).toBe('no: internal'));
});

describe('a published port', () => {
  const published = (one: PublishedPort, addresses = ['10.1.0.2', 'fd01::2'], mode: Mode = 'none') =>
    reachability(
      [network('a', modes[mode]), network('b')],
      [container('web', { a: addresses }, { ports: [one] }), container('other', { b: ['10.2.0.2', 'fd02::2'] })],
    );
  const all = (cells: ReachabilityCell[], family: 4 | 6) =>
    (['outside', 'host', 'container/other'] as const).map((from) => verdict(cells, from, 'web', 'port', family));

  it('a port that is not published is unreachable', () =>
    expect(verdict(published(port()), 'host', 'other', 'port')).toBe('no: no published port'));

  it('a published port on an address is of its family only', () => {
    expect(all(published(port({ hostIp: '192.0.2.1' })), 4)).toEqual(Array(3).fill('yes: published 8080/tcp'));
    expect(all(published(port({ hostIp: '192.0.2.1' })), 6)).toEqual(Array(3).fill('no: published on 192.0.2.1 only'));
    expect(all(published(port({ hostIp: '0.0.0.0' })), 6)).toEqual(Array(3).fill('no: published on 0.0.0.0 only'));
  });

  it('a published port on a loopback address is for the host only; ::1 for no caller', () => {
    const only = 'no: published on 127.0.0.1 only';
    const four = port({ hostIp: '127.0.0.1' });
    expect(all(published(four), 4)).toEqual([only, 'yes: published 8080/tcp', only]);
    expect(all(published(four, undefined, 'internal'), 4)).toEqual([only, 'no: internal', only]);
    expect(all(published(port({ hostIp: '::1' })), 6)[1]).toBe('no: ::1 is never routed');
  });

  it('a published port leads to an address of the family, if there is one', () => {
    expect(all(published(port(), ['10.1.0.2']), 4)).toEqual(Array(3).fill('yes: published 8080/tcp'));
    expect(all(published(port(), ['10.1.0.2']), 6)).toEqual(Array(3).fill('no: no IPv6 address'));
  });

  it("a published port leads to the first network with an address, and that network's mode decides", () => {
    const networks = [network('in', modes.internal), network('out')];
    const cells = (first: string, second: string) =>
      reachability(networks, [
        container('web', { [first]: ['10.1.0.2'], [second]: ['10.2.0.2'] }, { ports: [port()] }),
      ]);
    expect(verdict(cells('in', 'out'), 'outside', 'web', 'port')).toBe('no: internal');
    expect(verdict(cells('out', 'in'), 'outside', 'web', 'port')).toBe('yes: published 8080/tcp');
  });

  it('a published port skips networks that are unknown to the firewall', () => {
    const networks = [network('lan', { driver: 'macvlan' }), network('a')];
    const web = container('web', { lan: ['192.168.1.9'], a: ['10.1.0.2'] }, { ports: [port()] });
    expect(verdict(reachability(networks, [web]), 'outside', 'web', 'port')).toBe('yes: published 8080/tcp');
  });

  it('a published port is identified by range and protocol', () => {
    expect(hostPortText(port({ range: 3, protocol: 'udp' }))).toBe('8080-8082/udp');
    const cells = reachability(
      [network('a')],
      [container('web', { a: ['10.1.0.2'] }, { ports: [port(), port({ hostPort: 81 })] })],
    );
    expect(cells.filter(({ from, by, family }) => from === 'host' && by === 'port' && family === 4)).toMatchObject([
      { port: { hostPort: 8080 }, reason: 'published 8080/tcp' },
      { port: { hostPort: 81 }, reason: 'published 81/tcp' },
    ]);
  });
});

describe('a container on several networks', () => {
  const networks = [network('in', modes.internal), network('a'), network('b', modes.strict), network('c')];

  it('a container on several networks uses the first network with external access', () => {
    const target = container('far', { c: ['10.4.0.2'] });
    const reaches = (joined: Record<string, string[]>) =>
      verdict(reachability(networks, [container('me', joined), target]), 'container/me', 'far');
    expect(reaches({ in: ['10.1.0.2'], a: ['10.2.0.2'] })).toBe('yes: forwarded by the host');
    expect(reaches({ a: ['10.2.0.2'], b: ['10.3.0.2'] })).toBe('yes: forwarded by the host');
    expect(reaches({ b: ['10.3.0.2'], a: ['10.2.0.2'] })).toBe('no: isolated (strict)');
  });

  it('a container on several networks is reached by any of its addresses, also on a common network', () => {
    const both = container('both', { b: ['10.3.0.3'], c: ['10.4.0.3'] });
    const from = (joined: Record<string, string[]>) =>
      verdict(reachability(networks, [container('me', joined), both]), 'container/me', 'both');
    expect(from({ a: ['10.2.0.2'] })).toBe('yes: forwarded by the host');
    expect(from({ in: ['10.1.0.2'], b: ['10.3.0.2'] })).toBe('yes: same network b');
    expect(from({ in: ['10.1.0.2'] })).toBe('no: internal');
  });

  it('a container on several networks chooses by metric where networks have one, and skips networks without external access', () => {
    const reaches = (options: Record<string, string>) =>
      verdict(
        reachability(
          [network('a', { options }), network('b', modes.strict), network('c')],
          [container('me', { b: ['10.3.0.2'], a: ['10.2.0.2'] }), container('far', { c: ['10.4.0.2'] })],
        ),
        'container/me',
        'far',
      );
    expect(reaches({})).toBe('no: isolated (strict)');
    expect(reaches({ metric: '50' })).toBe('yes: forwarded by the host');
    expect(
      verdict(
        reachability(
          [network('a', { options: { no_default_route: 'true' } }), network('c')],
          [container('me', { a: ['10.2.0.2'] }), container('far', { c: ['10.4.0.2'] })],
        ),
        'container/me',
        'far',
      ),
    ).toBe('no: no default route');
  });
});

describe('families', () => {
  const cells = reachability(
    [network('a'), network('b')],
    [container('four', { a: ['10.1.0.2'] }), container('both', { b: ['10.2.0.2', 'fd02::2'] })],
  );

  it('families are judged separately', () => {
    expect(verdict(cells, 'container/four', 'both', 'address', 4)).toBe('yes: forwarded by the host');
    expect(verdict(cells, 'container/four', 'both', 'address', 6)).toBe('no: no IPv6 address to ask from');
    expect(verdict(cells, 'container/both', 'four', 'address', 6)).toBe('no: no IPv6 address');
    expect(verdict(cells, 'host', 'four', 'address', 6)).toBe('no: no IPv6 address');
  });
});

describe('the matrix', () => {
  const networks = [network('a')];
  const web = container('web', { a: ['10.1.0.2'] });

  it('the matrix has cells from every caller to every container, including itself', () => {
    const db = container('db', { a: ['10.1.0.3'] });
    const cells = reachability(networks, [web, db]);
    expect(new Set(cells.map(({ from, to }) => `${from} ${to}`))).toEqual(
      new Set(
        ['outside', 'host', 'container/web', 'container/db'].flatMap((from) =>
          ['web', 'db'].map((to) => `${from} ${to}`),
        ),
      ),
    );
    expect(verdict(cells, 'container/web', 'web')).toBe('yes: same namespace');
  });

  it("the matrix leaves out containers without a network, and those in the host's namespace", () => {
    const down = container('down', {}, { netns: null });
    const host = container('host', {}, { mode: 'host' });
    const guest = container('guest', {}, { mode: 'container:host', netns: host.netns });
    expect(new Set(reachability(networks, [web, down, host, guest]).map(({ to }) => to))).toEqual(new Set(['web']));
    expect(reachability(networks, [])).toEqual([]);
  });

  it('the matrix treats containers that share a namespace as one', () => {
    const guest = container('guest', {}, { mode: 'container:web', netns: web.netns });
    const cells = reachability([...networks, network('b')], [guest, web, container('far', { b: ['10.2.0.2'] })]);
    expect(verdict(cells, 'container/guest', 'web')).toBe('yes: same namespace');
    expect(verdict(cells, 'container/guest', 'far')).toBe('yes: forwarded by the host');
    expect(verdict(cells, 'container/far', 'guest')).toBe('yes: forwarded by the host');
  });

  it('the matrix does not judge networks that this host does not forward for', () => {
    const cells = reachability(
      [...networks, network('lan', { driver: 'macvlan' })],
      [web, container('direct', { lan: ['192.168.1.9'] }, { ports: [port()] })],
    );
    for (const from of ['host', 'outside', 'container/web'] as const)
      expect(verdict(cells, from, 'direct')).toBe('no: macvlan does not pass this host');
    expect(verdict(cells, 'host', 'direct', 'port')).toBe('no: macvlan does not pass this host');
    const [far] = reachability(
      [network('br', { options: { mode: 'unmanaged' } })],
      [container('theirs', { br: ['10.9.0.2'] })],
    );
    expect(far).toMatchObject({ reachable: false, reason: 'unmanaged bridge' });
  });
});
