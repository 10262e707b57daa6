import { describe, expect, it } from 'vitest';
import { hostAddressFor, hostsFile, type ResolverGround, resolverFor } from '../../src/core/name-files.ts';
import type { StatusBlock } from '../../src/core/status.ts';

const block = (
  subnets: StatusBlock['interfaces'][string]['subnets'],
  dns: Partial<Omit<StatusBlock, 'interfaces'>> = {},
): StatusBlock => ({
  interfaces: { eth0: { mac_address: '02:00:00:00:00:01', subnets } },
  dns_server_ips: [],
  dns_search_domains: [],
  ...dns,
});

const plain = block([{ ipnet: '10.88.0.2/16', gateway: '10.88.0.1' }]);
const named = block([{ ipnet: '10.89.0.2/24', gateway: '10.89.0.1' }], {
  dns_server_ips: ['10.89.0.1'],
  dns_search_domains: ['dns.netloom'],
});
const dual = block([
  { ipnet: '10.90.0.2/24', gateway: '10.90.0.1' },
  { ipnet: 'fd00:90::2/64', gateway: 'fd00:90::1' },
]);

function resolver(ground: Partial<ResolverGround>, text: string | null, uplinkText: string | null = null) {
  const usual = { status: { podman: plain }, dnsServers: [], searchDomains: [], isHostNetwork: false };
  return resolverFor({ ...usual, host: { text, uplinkText }, ...ground });
}
const conf = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');
const servers = (resolvConf: string) =>
  resolvConf.split('\n').flatMap((line) => (line.startsWith('nameserver ') ? line.slice('nameserver '.length) : []));

describe('N11 resolv.conf of a command', () => {
  it('N11 resolv.conf has the resolver of its network, and searches its domain before those of the host', () => {
    const host = conf('search corp.example lab.example', 'nameserver 192.0.2.53', 'options edns0 trust-ad');
    expect(resolver({ status: { web: named } }, host)).toEqual({
      resolvConf: conf('search dns.netloom corp.example lab.example', 'nameserver 10.89.0.1', 'options edns0 trust-ad'),
      problem: null,
    });
  });

  it('N11 resolv.conf has each resolver once, also when one of its networks has none', () => {
    const status = { podman: plain, web: named, shop: { ...named, dns_server_ips: ['10.89.0.1', '10.89.1.1'] } };
    expect(servers(resolver({ status }, conf('nameserver 192.0.2.53')).resolvConf)).toEqual(['10.89.0.1', '10.89.1.1']);
  });

  it('N11 resolv.conf has the servers of the host on a network without a resolver', () => {
    const host = conf('# made by hand', 'nameserver 192.0.2.53', ' nameserver\t192.0.2.54 # second');
    expect(servers(resolver({}, host).resolvConf)).toEqual(['192.0.2.53', '192.0.2.54']);
  });

  it.each(['127.0.0.53', '127.0.0.54'])(
    'N11 resolv.conf has the servers of systemd-resolved when the host asks it at %s',
    (stub) => {
      const found = resolver({}, conf(`nameserver ${stub}`), conf('nameserver 192.0.2.1', 'nameserver 192.0.2.2'));
      expect(servers(found.resolvConf)).toEqual(['192.0.2.1', '192.0.2.2']);
      expect(found.problem).toBeNull();
    },
  );

  it('N11 resolv.conf ignores an old list of systemd-resolved when the host does not ask it', () => {
    const found = resolver({}, conf('nameserver 127.0.0.1'), conf('nameserver 192.0.2.1'));
    expect(servers(found.resolvConf)).toEqual([]);
    expect(found.problem).toContain('127.0.0.1');
  });

  it.each([
    ['only loopback servers', conf('nameserver 127.0.0.1', 'nameserver ::1'), 'names no server that a container can'],
    ['a stub without a list', conf('nameserver 127.0.0.53'), '(127.0.0.53)'],
    ['a server behind a link of the host', conf('nameserver fe80::1%eth0'), '(fe80::1%eth0)'],
    ['no server', conf('search example.org'), 'names no server;'],
    ['no file', null, 'names no server;'],
    ['servers of another family', conf('nameserver 2001:db8::53'), 'IPv6 name servers only (2001:db8::53)'],
  ])('N11 resolv.conf has a warning when the host has %s', (_, text, said) => {
    const { problem } = resolver({}, text);
    expect(problem).toContain(said);
    expect(problem).toContain('--dns');
  });

  it('N11 resolv.conf has no such warning without a network', () => {
    expect(resolver({ status: {} }, conf('nameserver 127.0.0.1')).problem).toBeNull();
  });

  it('N11 resolv.conf has IPv6 servers when the container has an IPv6 address', () => {
    const host = conf('nameserver 2001:db8::53', 'nameserver 192.0.2.53');
    expect(servers(resolver({ status: { six: dual } }, host).resolvConf)).toEqual(['2001:db8::53', '192.0.2.53']);
    expect(servers(resolver({}, host).resolvConf)).toEqual(['192.0.2.53']);
  });

  it('N11 resolv.conf has the servers of --dns, unless a resolver asks them', () => {
    expect(servers(resolver({ dnsServers: ['9.9.9.9'] }, conf('nameserver 192.0.2.53')).resolvConf)).toEqual([
      '9.9.9.9',
    ]);
    const asked = resolver({ status: { web: named }, dnsServers: ['9.9.9.9'] }, null);
    expect(servers(asked.resolvConf)).toEqual(['10.89.0.1']);
  });

  it('N11 resolv.conf searches only the domains of --dns-search; none for .', () => {
    const status = { web: named };
    const host = conf('search corp.example');
    expect(resolver({ status, searchDomains: ['a.example', 'b.example'] }, host).resolvConf).toMatch(
      /^search a\.example b\.example\n/,
    );
    expect(resolver({ status, searchDomains: ['.'] }, host).resolvConf).not.toContain('search');
  });

  it("N11 resolv.conf keeps the host's servers in the host's own network", () => {
    const ground = { isHostNetwork: true, status: {}, searchDomains: ['a.example'] };
    expect(resolver(ground, conf('nameserver 127.0.0.53')).resolvConf).toBe(
      conf('search a.example', 'nameserver 127.0.0.53'),
    );
  });
});

describe('N11 hosts of a command', () => {
  const ground = { base: null, status: {}, names: ['c1'], added: [], hostAddress: null };
  const loopback = ['127.0.0.1\tlocalhost', '::1\tlocalhost'];

  it('N11 /etc/hosts has localhost, its own names at each address, and the host', () => {
    const status = { web: named, six: dual };
    expect(hostsFile({ ...ground, status, names: ['web', 'c1', 'c1'], hostAddress: '10.89.0.1' })).toBe(
      conf(
        ...loopback,
        '10.89.0.2\tweb c1',
        '10.90.0.2\tweb c1',
        'fd00:90::2\tweb c1',
        '10.89.0.1\thost.containers.internal host.docker.internal',
      ),
    );
  });

  it("N11 /etc/hosts has the host's lines behind its own, and no second localhost", () => {
    const base = '# by hand\n127.0.0.1 localhost localhost.localdomain # first\n127.0.1.1\tworkstation\n\n';
    expect(hostsFile({ ...ground, base })).toBe(
      conf(
        '::1\tlocalhost',
        '# by hand',
        '127.0.0.1 localhost localhost.localdomain # first',
        '127.0.1.1\tworkstation',
      ),
    );
  });

  it("N11 /etc/hosts begins with the requested lines, which replace the host's on request", () => {
    const added = [
      { names: ['db', 'cache'], address: '192.0.2.9' },
      { names: ['gate'], address: null },
      { names: ['host.docker.internal'], address: '192.0.2.10' },
    ];
    expect(hostsFile({ ...ground, added, hostAddress: '10.88.0.1' })).toBe(
      conf(
        '192.0.2.9\tdb cache',
        '10.88.0.1\tgate',
        '192.0.2.10\thost.docker.internal',
        ...loopback,
        '10.88.0.1\thost.containers.internal',
      ),
    );
  });

  it('N11 /etc/hosts has the host at the gateway of a bridge, IPv4 first, else at its own address', () => {
    const bridges = new Set(['podman', 'six']);
    expect(hostAddressFor({ lan: named, podman: plain }, bridges, '192.0.2.7')).toBe('10.88.0.1');
    expect(hostAddressFor({ six: dual }, bridges, null)).toBe('10.90.0.1');
    expect(hostAddressFor({ six: block([{ ipnet: 'fd00::2/64', gateway: 'fd00::1' }]) }, bridges, null)).toBe(
      'fd00::1',
    );
    expect(hostAddressFor({ lan: named }, bridges, '192.0.2.7')).toBe('192.0.2.7');
    expect(hostAddressFor({}, bridges, '192.0.2.7')).toBeNull();
  });
});
