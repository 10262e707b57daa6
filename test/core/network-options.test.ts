import { describe, expect, it } from 'vitest';
import type { NetworkDefinition } from '../../src/core/network/definition.ts';
import { isSameNetwork } from '../../src/core/network/identity.ts';
import { networkSettings, readOptions, unreadableOption } from '../../src/core/network/options.ts';
import { optionsRefusal } from '../../src/core/network/update.ts';
import { definitionOf } from './samples.ts';

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
    ['bridge', { inbound: 'open', spoofing: 'allow' }, { inbound: 'open', spoofing: 'allow' }],
    ['bridge', { inbound: 'guarded', spoofing: 'guarded' }, { inbound: 'guarded', spoofing: 'guarded' }],
    [
      'bridge',
      { outbound_addr4: '192.0.2.1', outbound_addr6: 'fd00::0:1' },
      { outbound4: '192.0.2.1', outbound6: 'fd00::1' },
    ],
    ['macvlan', { mode: 'vepa', bclim: '-1' }, { mode: 'vepa', broadcastLimit: -1 }],
    ['ipvlan', { mode: 'l3s' }, { mode: 'l3s' }],
  ] as const)('network options are parsed, %s: %j as %j', (driver, options, settings) => {
    expect(readOptions(driver, options)).toMatchObject(settings);
    expect(networkSettings({ driver, options })).toMatchObject(settings);
  });

  it.each([
    ['bridge', 'accept_ra', '7', 'must be 0, 1 or 2'],
    ['bridge', 'inbound', 'closed', 'must be guarded or open'],
    ['bridge', 'isolate', 'yes', 'must be true, false, strict, 0 or 1'],
    ['bridge', 'metric', '-1', 'must be a whole number from 0 to 4294967295'],
    ['bridge', 'mode', 'bridge', 'must be managed or unmanaged'],
    ['bridge', 'mtu', '67', 'must be a whole number from 68 to 65535'],
    ['bridge', 'no_default_route', 'no', 'must be true, false, 0 or 1'],
    ['bridge', 'outbound_addr4', 'fd00::1', 'must be an IPv4 address that this host can have'],
    ['bridge', 'outbound_addr4', '0.0.0.0', 'must be an IPv4 address that this host can have'],
    ['bridge', 'outbound_addr4', '127.0.0.1', 'must be an IPv4 address that this host can have'],
    ['bridge', 'outbound_addr4', '224.0.0.1', 'must be an IPv4 address that this host can have'],
    ['bridge', 'outbound_addr4', '255.255.255.255', 'must be an IPv4 address that this host can have'],
    ['bridge', 'outbound_addr6', '::', 'must be an IPv6 address that this host can have'],
    ['bridge', 'outbound_addr6', '::1', 'must be an IPv6 address that this host can have'],
    ['bridge', 'outbound_addr6', '192.0.2.1', 'must be an IPv6 address that this host can have'],
    ['bridge', 'spoofing', 'toString', 'must be guarded or allow'],
    ['bridge', 'isolate', 'toString', 'must be true, false, strict, 0 or 1'],
    ['bridge', 'vlan', '4095', 'must be a whole number from 1 to 4094'],
    ['bridge', 'vrf', 'a/b', 'must be the name of an interface'],
    ['macvlan', 'bclim', '-2', 'must be a whole number from -1 to 2147483647'],
    ['macvlan', 'mode', 'l2', 'must be bridge, private, vepa, passthru or source'],
    ['ipvlan', 'mode', 'vepa', 'must be l2, l3 or l3s'],
    ['ipvlan', 'com.docker.network.driver.mtu', 'big', 'must be a whole number from 68 to 65535'],
  ] as const)('network options are refused with the possible values, %s: %s=%s', (driver, name, text, allowed) => {
    const message = `option ${name}=${text}: ${name} ${allowed}`;
    expect(readOptions(driver, { [name]: text })).toMatchObject({ code: 'payload.invalid', message });
    expect(unreadableOption({ driver, options: { new_in_podman: 'x', [name]: text } })).toBe(message);
  });

  it("network options may have the engines' spellings of the default", () => {
    expect(readOptions('bridge', { mtu: '0', mode: '' })).toEqual(readOptions('bridge', {}));
    expect(readOptions('macvlan', { mode: '' })).toEqual(readOptions('macvlan', {}));
    expect(readOptions('macvlan', { mode: 'source' })).toMatchObject({ mode: 'source' });
    expect(unreadableOption({ driver: 'ipvlan', options: { mode: '', bclim: 'x' } })).toBeNull();
  });

  it('network options do nothing when they are absent', () => {
    expect(readOptions('bridge', {})).toEqual(networkSettings({ driver: 'bridge', options: {} }));
  });

  it('network options of a loaded definition may include unknown ones, because podman may know them', () => {
    expect(networkSettings({ driver: 'bridge', options: { new_in_podman: 'x', mtu: 'y' } })).toEqual(
      networkSettings({ driver: 'bridge', options: {} }),
    );
  });
});

describe('options that change while the network is in use', () => {
  const definition = definitionOf();

  it('options that may change in use are those of its guards', () => {
    expect(optionsRefusal(definition, { inbound: 'open', spoofing: 'allow' })).toBeNull();
    expect(optionsRefusal(definition, { inbound: 'guarded' })).toBeNull();
  });

  it.each([
    ['another option', definition, { isolate: 'true' }, 'option isolate of a network cannot be changed'],
    ['no value', definition, { inbound: '' }, 'option inbound='],
    ['another value', definition, { spoofing: 'yes' }, 'spoofing=yes: spoofing must be guarded or allow'],
    [
      'an internal network',
      { ...definition, internal: true },
      { inbound: 'open' },
      'nothing enters an internal network',
    ],
    ['a macvlan', { ...definition, driver: 'macvlan' }, { inbound: 'open' }, 'bridges of its own'],
    [
      'an unmanaged bridge',
      { ...definition, options: { mode: 'unmanaged' } },
      { spoofing: 'allow' },
      'guards only bridges of its own',
    ],
  ] as const)('options that may change in use do not include %s', (_, of, options, words) => {
    expect(optionsRefusal(of as NetworkDefinition, options)?.message).toContain(words);
  });

  it('options that may change in use leave it the same network, while another driver option does not', () => {
    const options = { mtu: '1400' };
    const base = { ...definition, options };
    expect(isSameNetwork(base, { ...base, options: { inbound: 'open', ...options, spoofing: 'allow' } })).toBe(true);
    expect(isSameNetwork(base, { ...base, options: { mtu: '1300' } })).toBe(false);
  });
});
