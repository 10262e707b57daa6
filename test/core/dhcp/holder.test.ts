import { describe, expect, it } from 'vitest';
import { addressHolder, type HeldByContainer } from '../../../src/core/dhcp/holder.ts';

const client = { container: 'web', network: 'lan' };
const held = (more: Partial<HeldByContainer>): HeldByContainer => ({
  container: 'db',
  network: 'lan',
  link: 'eth0',
  isOwnBridge: false,
  addresses: ['192.0.2.7'],
  ...more,
});
const own = held({ container: 'web', addresses: [] });
const holder = (...containers: HeldByContainer[]) =>
  addressHolder('192.0.2.7', client, { host: ['198.51.100.1'], containers: [own, ...containers] });

describe('C13 an address that a DHCP server gives', () => {
  it('an address from DHCP cannot be an address of this host', () => {
    expect(addressHolder('198.51.100.1', client, { host: ['198.51.100.1'], containers: [] })).toBe(
      'is an address of this host',
    );
  });

  it.each([
    ['on the same network', {}],
    ['on another network of the same link', { network: 'static' }],
    ['on a bridge of netloom', { network: 'back', link: 'netloom0', isOwnBridge: true }],
    ['of its own, from another network', { container: 'web', network: 'static' }],
  ])('an address from DHCP cannot be an address that a container has %s', (_, more) => {
    const { container, network } = held(more);
    expect(holder(held(more))).toBe(`is the address of container ${container} on network ${network}`);
  });

  it("an address from DHCP may be the container's current address, or an address on another LAN", () => {
    expect(holder()).toBeNull();
    expect(holder({ ...own, addresses: ['192.0.2.7'] })).toBeNull();
    expect(holder(held({ network: 'far', link: 'eth1' }))).toBeNull();
    expect(holder(held({ network: 'far', link: null }))).toBeNull();
  });
});
