import { describe, expect, it } from 'vitest';
import { networkElements, networkFirewall } from '../../../src/core/firewall/network-elements.ts';
import type { Element } from '../../../src/core/firewall/nft.ts';
import { portElements } from '../../../src/core/firewall/port-elements.ts';
import { sourceElements } from '../../../src/core/firewall/source-elements.ts';
import { bridgeAlias, hostVethName, kernelName, vethAlias } from '../../../src/core/object-names.ts';
import type { PublishedPort } from '../../../src/core/port.ts';
import type { Evidence, FoundHostLink, FoundNamespace } from '../../../src/core/rebuild/evidence.ts';
import { publishedBy } from '../../../src/core/rebuild/published.ts';
import { type Former, rebuild } from '../../../src/core/rebuild/rebuild.ts';
import { rememberedWishes } from '../../../src/core/rebuild/remembered.ts';
import { definitionOf, leaseOf } from '../samples.ts';

const nothing: Evidence = { namespaces: [], links: [], elements: [], boundPorts: [] };
const demo = definitionOf({ name: 'demo', subnets: [{ subnet: '10.89.0.0/24' }, { subnet: 'fd00:89::/64' }] });
const lan = {
  ...definitionOf({ name: 'lan', driver: 'macvlan', subnets: [{ subnet: '192.0.2.0/24' }] }),
  network_interface: 'eth0',
};

const link = (index: number, name: string, more: Partial<FoundHostLink> = {}): FoundHostLink => ({
  ...{ index, name, kind: 'veth', alias: null, masterIndex: null, macAddress: null, mtuBytes: 1500, addresses: [] },
  ...more,
});
const bridge = link(2, demo.network_interface as string, {
  kind: 'bridge',
  alias: bridgeAlias('demo'),
  addresses: ['10.89.0.1/24', 'fd00:89::1/64'],
});
const hostEnd = (id: string, network = 'demo', index = 5) =>
  link(index, hostVethName(id, network), { alias: vethAlias(id, network), masterIndex: 2 });

const veth = { name: 'eth0', kind: 'veth', macAddress: '02:00:00:00:00:07', hostIndex: 5 };
const pin = (id: string, more: Partial<FoundNamespace> = {}): FoundNamespace => ({
  path: `/run/netns/netloom-${kernelName(id)}`,
  inode: 7,
  owner: `container/${kernelName(id)}`,
  isOurs: true,
  interfaces: [{ ...veth, addresses: ['10.89.0.2/24', 'fd00:89::2/64'] }],
  ...more,
});
const found = (evidence: Partial<Evidence>, former: Partial<Former> = {}) =>
  rebuild({ ...nothing, ...evidence }, [demo, lan], { wishes: new Map(), hasLived: true, ...former });

describe('B07 the containers that live in the kernel', () => {
  it('B07 a container has the networks, addresses and MAC addresses of its interfaces', () => {
    const containers = found({ namespaces: [pin('web')], links: [bridge, hostEnd('web')] });
    expect(containers).toMatchObject([
      {
        inode: 7,
        wish: {
          id: 'web',
          mode: 'bridge',
          netns: { kind: 'create' },
          attachments: [
            {
              network: 'demo',
              interfaceName: 'eth0',
              staticIps: ['10.89.0.2', 'fd00:89::2'],
              staticMac: '02:00:00:00:00:07',
            },
          ],
        },
      },
    ]);
    expect(containers[0]?.wish.attachments[0]).not.toHaveProperty('definition');
    expect(containers[0]?.wish.attachments[0]).not.toHaveProperty('hostInterfaceName');
  });

  it('B07 addresses that the network has not given are left out', () => {
    const interfaces = [{ ...veth, addresses: ['10.89.0.2/24', '2001:db8::7/64'] }];
    const containers = found({ namespaces: [pin('web', { interfaces })], links: [bridge, hostEnd('web')] });
    expect(containers[0]?.wish.attachments[0]?.staticIps).toEqual(['10.89.0.2']);
  });

  it('C15 the requested name of a host end is kept', () => {
    const named = { ...hostEnd('web'), name: 'veth-web' };
    const containers = found({ namespaces: [pin('web')], links: [bridge, named] });
    expect(containers[0]?.wish.attachments[0]?.hostInterfaceName).toBe('veth-web');
  });

  it('B07 a macvlan belongs to the network of its parent and its subnet', () => {
    const interfaces = [{ ...veth, kind: 'macvlan', hostIndex: 3, addresses: ['192.0.2.7/24'] }];
    const containers = found({
      namespaces: [pin('web', { interfaces })],
      links: [link(3, 'eth0', { kind: null })],
    });
    expect(containers[0]?.wish.attachments).toMatchObject([{ network: 'lan', staticIps: ['192.0.2.7'] }]);
  });

  it('B07 a namespace of an engine is found by the veth that leads into it', () => {
    const engines = pin('web', { path: '/run/netns/engine', owner: null, isOurs: false });
    const stranger = pin('other', { path: '/run/netns/stranger', owner: null, interfaces: [] });
    const containers = found({ namespaces: [stranger, engines], links: [bridge, hostEnd('web')] });
    expect(containers).toMatchObject([
      { inode: 7, wish: { mode: 'ns:/run/netns/engine', netns: { kind: 'path', path: '/run/netns/engine' } } },
    ]);
  });

  it('B07 containers of another daemon on the same host are left alone', () => {
    const others = pin('web', { path: '/run/lab/netns/netloom-web', isOurs: false });
    expect(found({ namespaces: [others], links: [bridge, hostEnd('web')] })).toEqual([]);
    // a namespace of the same name that no link of this host leads into says nothing
    const elsewhere = pin('web', { path: '/run/lab/netns/netloom-web', isOurs: false, interfaces: [] });
    const engines = pin('web', { path: '/run/netns/engine', owner: null, isOurs: false });
    expect(found({ namespaces: [elsewhere] })).toEqual([]);
    expect(found({ namespaces: [elsewhere, engines], links: [bridge, hostEnd('web')] })).toHaveLength(1);
    const evidence = { namespaces: [engines], links: [bridge, hostEnd('web')] };
    expect(found(evidence, { hasLived: false })).toEqual([]);
    expect(found(evidence, { hasLived: true })).toHaveLength(1);
  });

  it('B07 a namespace without interfaces is that of a container in mode none', () => {
    const containers = found({ namespaces: [pin('web', { interfaces: [] })] });
    expect(containers).toMatchObject([{ inode: 7, wish: { mode: 'none', attachments: [] } }]);
  });

  it('B07 of a container whose namespace is not found, the remains are known', () => {
    const containers = found({ links: [bridge, hostEnd('web')] });
    expect(containers).toMatchObject([{ inode: null, wish: { id: 'web', attachments: [{ network: 'demo' }] } }]);
  });

  it('B07 a network without a file is defined by its bridge and its elements', () => {
    const inner = definitionOf({ name: 'inner', internal: true, options: { isolate: 'strict' } });
    const subnets = [{ subnet: '10.90.0.0/24', gateway: '10.90.0.1' }];
    const elements = networkElements(networkFirewall({ ...inner, subnets, network_interface: 'podman7' }));
    const own = link(2, 'podman7', { kind: 'bridge', alias: bridgeAlias('inner'), addresses: ['10.90.0.1/24'] });
    const interfaces = [{ ...veth, addresses: ['10.90.0.2/24'] }];
    const evidence = { namespaces: [pin('web', { interfaces })], links: [own, hostEnd('web', 'inner')], elements };
    expect(found(evidence)[0]?.wish.attachments).toMatchObject([
      {
        network: 'inner',
        staticIps: ['10.90.0.2'],
        definition: {
          name: 'inner',
          network_interface: 'podman7',
          subnets,
          internal: true,
          options: { isolate: 'strict' },
        },
      },
    ]);
  });

  it('B07 a name that is too long for the kernel is its cut form, unless a record has it', () => {
    const id = 'x'.repeat(80);
    const evidence = { namespaces: [pin(id)], links: [bridge, hostEnd(id)] };
    expect(found(evidence)).toMatchObject([{ inode: 7, wish: { id: kernelName(id) } }]);
    expect(kernelName(kernelName(id))).toBe(kernelName(id));
    const wish = { id, name: 'front', networkName: 'front', dnsServers: [], removeOnExit: false, attachments: [] };
    const wishes = rememberedWishes(new Map([[`container/${id}`, { context: { wish } }]]));
    expect(found(evidence, { wishes })).toMatchObject([{ wish: { id, name: 'front' } }]);
  });

  it('B07 B14 addresses are those that the guarded bridge accepts, not those that the container gave itself', () => {
    const interfaces = [{ ...veth, addresses: ['10.89.0.3/24', '10.89.0.2/24'] }];
    const name = hostVethName('web', 'demo');
    const lease = leaseOf({ addresses: [{ address: '10.89.0.2', prefixLength: 24, gateway: '10.89.0.1' }] });
    const elements = sourceElements([{ name, macAddress: '02:00:00:00:00:07', lease }], 'container/web');
    const evidence = { namespaces: [pin('web', { interfaces })], links: [bridge, hostEnd('web')], elements };
    expect(found(evidence)[0]?.wish.attachments[0]?.staticIps).toEqual(['10.89.0.2']);
    // also where the namespace is not found any more
    const remains = { links: [bridge, hostEnd('web')], elements };
    expect(found(remains)[0]?.wish.attachments).toMatchObject([{ network: 'demo', staticIps: ['10.89.0.2'] }]);
  });

  it('B07 of two containers in one namespace each has its own interface', () => {
    const shared = pin('a', {
      path: '/run/netns/engine',
      owner: null,
      isOurs: false,
      interfaces: [
        { ...veth, addresses: ['10.89.0.2/24'] },
        { ...veth, name: 'eth1', hostIndex: 6, addresses: ['10.89.0.3/24'] },
      ],
    });
    const links = [bridge, hostEnd('a', 'demo', 5), hostEnd('b', 'demo', 6)];
    const addresses = found({ namespaces: [shared], links }).map(({ wish }) => [
      wish.id,
      wish.attachments[0]?.staticIps,
    ]);
    expect(addresses).toEqual([
      ['a', ['10.89.0.2']],
      ['b', ['10.89.0.3']],
    ]);
  });
});

describe('B07 published ports', () => {
  const targets = { 4: '10.89.0.2', 6: 'fd00:89::2' };
  const port = (more: Partial<PublishedPort>): PublishedPort => ({
    ...{ protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1 },
    ...more,
  });
  const elementsOf = (...ports: PublishedPort[]): Element[] =>
    ports.flatMap((one) => portElements(one, targets, 'container/web'));

  it.each([
    ['on every address', port({})],
    ['on one address', port({ hostIp: '192.0.2.1' })],
    ['on one IPv6 address', port({ hostIp: '2001:db8::1', protocol: 'udp' })],
    ['a range with the same ports', port({ hostPort: 6000, containerPort: 6000, range: 3 })],
    ['a range with other ports', port({ hostPort: 7000, containerPort: 9000, range: 3, protocol: 'sctp' })],
    ['a range on one address', port({ hostPort: 6000, containerPort: 6000, range: 3, hostIp: '192.0.2.1' })],
  ])('B07 the ports that a container publishes are found by their elements: %s', (_, one) => {
    expect(publishedBy('container/web', elementsOf(one, port({ hostPort: 1 })), [])).toEqual(
      expect.arrayContaining([one, port({ hostPort: 1 })]),
    );
    expect(publishedBy('container/web', elementsOf(one), [])).toEqual([one]);
    expect(publishedBy('container/other', elementsOf(one), [])).toEqual([]);
  });

  it('B07 a port that another process has bound is held by its engine', () => {
    const bound = [{ protocol: 'tcp' as const, hostIp: null, hostPort: 8080 }];
    expect(publishedBy('container/web', elementsOf(port({})), bound)).toEqual([port({ heldByCaller: true })]);
  });
});
