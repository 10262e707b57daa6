import { afterEach, describe, expect, it } from 'vitest';
import { addressParser, macParser, parseNetworkArgument, withDefaultNetwork } from '../../src/cli/network-argument.ts';

const refused = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

describe('--network is spelt as with podman', () => {
  it.each([
    ['demo', { networks: [{ network: 'demo' }] }],
    ['one,two', { networks: [{ network: 'one' }, { network: 'two' }] }],
    [
      'demo:ip=10.89.0.5,ip=fd00::5,mac=02:00:00:00:00:05,interface_name=web0,alias=www,alias=shop',
      {
        networks: [
          {
            network: 'demo',
            staticIps: ['10.89.0.5', 'fd00::5'],
            staticMac: '02:00:00:00:00:05',
            interfaceName: 'web0',
            aliases: ['www', 'shop'],
          },
        ],
      },
    ],
    ['demo:host_interface_name=veth-web', { networks: [{ network: 'demo', hostInterfaceName: 'veth-web' }] }],
    ['none', { mode: 'none' }],
    ['host', { mode: 'host' }],
    ['container:web', { mode: 'container:web' }],
    ['ns:/run/netns/a:b', { mode: 'ns:/run/netns/a:b' }],
    ['pasta:-t,80', { mode: 'pasta:-t,80' }],
    ['slirp4netns', { mode: 'slirp4netns' }],
  ])('--network %s is parsed as with podman', (text, argument) => expect(parseNetworkArgument(text)).toEqual(argument));
});

describe('P10 --network bridge', () => {
  afterEach(() => {
    delete process.env.NETLOOM_DEFAULT_NETWORK;
  });

  it('P10 --network bridge leaves the name of the default network to the daemon, with and without settings', () => {
    expect(parseNetworkArgument('bridge')).toEqual({ networks: [{}] });
    expect(parseNetworkArgument('bridge:ip=10.88.0.5')).toEqual({ networks: [{ staticIps: ['10.88.0.5'] }] });
  });

  it.each(['default', 'private'])('P10 --network %s means the default network as well', (mode) => {
    expect(parseNetworkArgument(mode)).toEqual({ networks: [{}] });
    expect(parseNetworkArgument(`${mode},web`)).toEqual({ networks: [{}, { network: 'web' }] });
  });

  it('P10 --network bridge names the network of the environment, which the daemon may then make', () => {
    process.env.NETLOOM_DEFAULT_NETWORK = 'web';
    expect(parseNetworkArgument('bridge')).toEqual({ networks: [{ network: 'web' }] });
    const request = { id: 'c1', networks: [{ network: 'web' }] };
    expect(withDefaultNetwork(request)).toEqual({ ...request, defaultNetwork: 'web' });
    expect(withDefaultNetwork({ id: 'c1', mode: 'bridge' })).toMatchObject({ defaultNetwork: 'web' });
  });

  it('P10 a request that cannot use a default network does not name one', () => {
    expect(withDefaultNetwork({ id: 'c1', mode: 'bridge' })).toEqual({ id: 'c1', mode: 'bridge' });
    process.env.NETLOOM_DEFAULT_NETWORK = 'web';
    for (const request of [{ id: 'c1' }, { id: 'c1', mode: 'none' }, { id: 'c1', mode: 'container:web' }])
      expect(withDefaultNetwork(request)).toEqual(request);
  });

  it.each(['host', '.web', 'a b'])('P10 a default network with the name %s is refused', (name) => {
    process.env.NETLOOM_DEFAULT_NETWORK = name;
    expect(() => parseNetworkArgument('bridge')).toThrow(refused('name.invalid', 'NETLOOM_DEFAULT_NETWORK'));
  });
});

describe('wrong values of --network', () => {
  it.each([
    ['demo:', '"" is not understood'],
    ['demo:ip', '"ip" is not understood'],
    ['demo:ip=', '"ip=" is not an IP address'],
    ['demo:mac=', '"mac=" is not a MAC address'],
    ['demo:alias=', '"alias=" names nothing: an alias cannot be empty'],
    ['demo:interface_name=', '"interface_name=" must be 1 to 15 characters'],
    ['demo:host_interface_name=sixteen-letters-', '"host_interface_name=sixteen-letters-" must be 1 to 15 characters'],
    ['demo:speed=9', '"speed=9" is not understood'],
    ['demo:constructor=9', '"constructor=9" is not understood'],
    ['demo:ip=10.0.0.1,', '"" is not understood'],
    ['demo:ip=10.0.0', '"ip=10.0.0" is not an IP address'],
    ['demo:mac=02:00', '"mac=02:00" is not a MAC address'],
    ['demo:mac=02:00:00:00:00:01,mac=02:00:00:00:00:02', 'is a second MAC address'],
    ['demo:host_interface_name=a,host_interface_name=b', '"host_interface_name=b" is a second host interface name'],
    ['demo:interface_name=a,interface_name=b', '"interface_name=b" is a second interface name'],
    ['host:ip=10.0.0.1', 'host takes no settings'],
    ['none:', 'none takes no settings'],
    ['container:', 'expected container:<id>'],
    ['ns', 'expected ns:<path>'],
  ])('--network refuses the value %s', (text, message) => {
    expect(() => parseNetworkArgument(text)).toThrow(refused('payload.invalid', message));
    expect(() => parseNetworkArgument(text)).toThrow(refused('payload.invalid', `--network ${text}`));
  });

  it.each(['web,host', 'none,web', 'web,pasta', 'container,web', 'web,ns'])(
    '--network refuses a mode in a list: %s',
    (text) =>
      expect(() => parseNetworkArgument(text)).toThrow(refused('payload.invalid', 'cannot be combined with others')),
  );

  it.each(['', '.demo', 'demo*', ':ip=10.0.0.1', 'one,'])('--network refuses the name in %j', (text) =>
    expect(() => parseNetworkArgument(text)).toThrow(refused('name.invalid', '--network')),
  );
});

describe('address options', () => {
  it('--ip6 accepts only IPv6 addresses', () => {
    expect(addressParser('--ip6', 6)('fd00::5')).toBe('fd00::5');
    expect(() => addressParser('--ip6', 6)('10.0.0.1')).toThrow(refused('address.invalid', '--ip6 10.0.0.1'));
    expect(() => addressParser('--ip', null)('here')).toThrow(refused('address.invalid', '--ip here'));
  });

  it('--mac-address accepts MAC addresses', () => {
    expect(macParser('--mac-address')('02:00:00:00:00:0A')).toBe('02:00:00:00:00:0A');
    expect(() => macParser('--mac-address')('2:0')).toThrow(refused('address.invalid', '--mac-address 2:0'));
  });
});
