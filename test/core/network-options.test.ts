import { describe, expect, it } from 'vitest';
import { networkSettings, readOptions } from '../../src/core/network-options.ts';

describe('the options of a network', () => {
  it.each([
    ['bridge', { isolate: '1' }, { isolate: 'true' }],
    ['bridge', { isolate: 'false' }, { isolate: 'none' }],
    ['bridge', { isolate: 'strict' }, { isolate: 'strict' }],
    ['bridge', { mtu: '1400' }, { mtuBytes: 1400 }],
    ['bridge', { metric: '0' }, { metric: 0 }],
    ['bridge', { no_default_route: 'true' }, { defaultRoute: false }],
    ['bridge', { no_default_route: '0' }, { defaultRoute: true }],
    ['bridge', { vrf: 'red' }, { vrf: 'red' }],
    ['bridge', { vlan: '7' }, { vlanId: 7 }],
    ['bridge', { mode: 'unmanaged' }, { managed: false }],
    [
      'bridge',
      { outbound_addr4: '192.0.2.1', outbound_addr6: 'fd00::0:1' },
      { outbound4: '192.0.2.1', outbound6: 'fd00::1' },
    ],
    ['macvlan', { mode: 'vepa', bclim: '-1' }, { mode: 'vepa', broadcastLimit: -1 }],
    ['ipvlan', { mode: 'l3s' }, { mode: 'l3s' }],
  ] as const)('%s: %j is read as %j', (driver, options, settings) => {
    expect(readOptions(driver, options)).toMatchObject(settings);
    expect(networkSettings({ driver, options })).toMatchObject(settings);
  });

  it('that are not there leave all as it is without', () => {
    expect(readOptions('bridge', {})).toEqual(networkSettings({ driver: 'bridge', options: {} }));
  });

  it('of a definition that is in force may be more than we know, for podman may know them', () => {
    expect(networkSettings({ driver: 'bridge', options: { new_in_podman: 'x', mtu: 'y' } })).toEqual(
      networkSettings({ driver: 'bridge', options: {} }),
    );
  });
});
