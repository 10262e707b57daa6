import { describe, expect, it } from 'vitest';
import { linkByName, linkTowards, listLinks, listRoutes, sourceAddressFor } from '#native';
import { apply, ip, run } from '../host.ts';
import { addAddress, addBridge, addRoute, addVeth, setLink } from '../requests.ts';
import { type Netns, netnsPairPerTest } from './netns-pair.ts';

let here: Netns;
let there: Netns;
netnsPairPerTest((pair) => {
  ({ here, there } = pair);
});

describe('the state of the kernel', () => {
  it('the state of the kernel lists links as ip does', () => {
    apply(
      here.socket,
      addBridge('br0', { macAddress: '02:00:00:00:00:01' }),
      addVeth('v0', there.path),
      setLink('v0', { master: 'br0', alias: 'a container' }),
    );
    const links = listLinks(here.socket);
    for (const shown of ip('link show', here.path)) {
      const master = links.find((one) => one.name === shown.master);
      expect(links).toContainEqual(
        expect.objectContaining({
          index: shown.ifindex,
          name: shown.ifname,
          mtuBytes: shown.mtu,
          kind: shown.linkinfo?.info_kind ?? null,
          alias: shown.ifalias ?? null,
          up: shown.flags.includes('UP'),
          loopback: shown.ifname === 'lo',
          masterIndex: master?.index ?? null,
          peerIndex: shown.ifname === 'v0' ? shown.link_index : null,
        }),
      );
    }
    expect(linkByName(here.socket, 'br0')).toMatchObject({ macAddress: '02:00:00:00:00:01' });
    expect(linkByName(here.socket, 'nothing')).toBeNull();
  });

  it("the state of the kernel has a link's configuration, as it was set", () => {
    const ipv4Configuration = { routeLocalnet: true, forwarding: false, rpFilter: 2, arpNotify: true };
    apply(
      here.socket,
      addBridge('br0'),
      addVeth('v0', there.path),
      setLink('br0', { ipv4Configuration, ipv6AddressGeneration: 'none' }),
      setLink('v0', { master: 'br0', hairpin: true }),
    );
    expect(linkByName(here.socket, 'br0')).toMatchObject({
      hairpin: null,
      ipv4Configuration,
      ipv6AddressGeneration: 'none',
    });
    expect(linkByName(here.socket, 'v0')).toMatchObject({
      hairpin: true,
      ipv4Configuration: { routeLocalnet: false, arpNotify: false },
      ipv6AddressGeneration: 'eui64',
    });
    apply(here.socket, setLink('v0', { hairpin: false }));
    expect(linkByName(here.socket, 'v0')).toMatchObject({ hairpin: false });
  });

  it("the state of the kernel counts a link's traffic", () => {
    apply(here.socket, addVeth('v0', there.path), setLink('v0', { up: true }), addAddress('v0', '10.1.0.1/24'));
    apply(there.socket, setLink('eth0', { up: true }), addAddress('eth0', '10.1.0.2/24'));
    const sent = () => linkByName(here.socket, 'v0')?.statistics ?? expect.unreachable();
    const received = () => linkByName(there.socket, 'eth0')?.statistics ?? expect.unreachable();
    const [sentBefore, receivedBefore] = [sent(), received()];
    for (let i = 0; i < 3; i++) run(here.path, 'bash', ['-c', 'printf %01000d 1 > /dev/udp/10.1.0.2/9']);
    expect(sent().txPackets - sentBefore.txPackets).toBeGreaterThanOrEqual(3);
    expect(received().rxBytes - receivedBefore.rxBytes).toBeGreaterThanOrEqual(3000);
    expect(sent()).toMatchObject({ rxErrors: 0, txErrors: 0 });
  });

  it("the state of the kernel lists configured routes, without the kernel's own ones", () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254', metric: 9 }),
    );
    const index = linkByName(here.socket, 'br0')?.index;
    const routes = listRoutes(here.socket).filter(({ destination }) => !destination.startsWith('fe80'));
    expect(routes).toHaveLength(2);
    expect(routes).toEqual(
      expect.arrayContaining([
        {
          destination: '0.0.0.0/0',
          gateway: '10.1.0.254',
          linkIndex: index,
          metric: 9,
          type: 'unicast',
          source: null,
          connected: false,
        },
        {
          destination: '10.1.0.0/24',
          gateway: null,
          linkIndex: index,
          metric: null,
          type: 'unicast',
          source: '10.1.0.1',
          connected: true,
        },
      ]),
    );
  });

  it('the state of the kernel has the source address and the link towards another address, and null when that is unreachable', () => {
    apply(
      here.socket,
      addBridge('br0'),
      addAddress('br0', '10.1.0.1/24'),
      addAddress('br0', 'fd00:1::1/64'),
      addRoute('0.0.0.0/0', { gateway: '10.1.0.254' }),
    );
    expect(sourceAddressFor(here.socket, '8.8.8.8')).toBe('10.1.0.1');
    expect(sourceAddressFor(here.socket, 'fd00:1::2')).toBe('fd00:1::1');
    expect(sourceAddressFor(here.socket, '2001:db8::1')).toBeNull();
    expect(sourceAddressFor(there.socket, '8.8.8.8')).toBeNull();
    const index = linkByName(here.socket, 'br0')?.index;
    expect(linkTowards(here.socket, '8.8.8.8')).toBe(index);
    expect(linkTowards(here.socket, 'fd00:1::2')).toBe(index);
    expect(linkTowards(here.socket, '2001:db8::1')).toBeNull();
    expect(linkTowards(there.socket, '8.8.8.8')).toBeNull();
  });
});
