import { describe, expect, it } from 'vitest';
import type { Attachment } from '../../src/core/container/attachments.ts';
import { networkSettingsOf } from '../../src/core/network/podman-inspect.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import type { StatusBlock } from '../../src/core/status.ts';

const attachment = (network: string, interfaceName: string, ...aliases: string[]): Attachment => ({
  network,
  slot: 0,
  interfaceName,
  staticIps: [],
  staticMac: null,
  aliases: [...aliases, 'c1'],
});

const block = (name: string, macAddress: string, ...subnets: [ipnet: string, gateway?: string][]): StatusBlock => ({
  interfaces: {
    [name]: {
      mac_address: macAddress,
      subnets: subnets.map(([ipnet, gateway]) => ({ ipnet, ...(gateway !== undefined && { gateway }) })),
    },
  },
  dns_server_ips: [],
  dns_search_domains: [],
});

const port = (more: Partial<PublishedPort>): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort: 8080,
  containerPort: 80,
  range: 1,
  ...more,
});

const networks = [
  { name: 'web', id: 'a'.repeat(64) },
  { name: 'db', id: 'b'.repeat(64) },
];
const down = {
  id: 'c1',
  netns: null,
  attachments: [attachment('web', 'eth0', 'www'), attachment('db', 'eth1')],
  status: {},
  ports: [],
};
const up = {
  ...down,
  netns: { path: '/run/netns/netloom-c1', inode: 4711 },
  status: {
    web: block('eth0', '02:00:00:00:00:01', ['10.89.0.2/24', '10.89.0.1'], ['fd00::2/64', 'fd00::1']),
    db: block('eth1', '02:00:00:00:00:02', ['10.89.1.2/24']),
  },
};
const nothing = {
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
};

describe('NetworkSettings', () => {
  it('D01 NetworkSettings have the namespace of a running container, and per network ID, aliases, addresses, gateways, MAC', () => {
    const web = {
      ...nothing,
      Gateway: '10.89.0.1',
      IPAddress: '10.89.0.2',
      IPPrefixLen: 24,
      IPv6Gateway: 'fd00::1',
      GlobalIPv6Address: 'fd00::2',
      GlobalIPv6PrefixLen: 64,
      MacAddress: '02:00:00:00:00:01',
    };
    const never = { DriverOpts: null, IPAMConfig: null, Links: null };
    expect(networkSettingsOf(up, networks)).toEqual({
      ...web, // the first network's
      Bridge: '',
      SandboxID: '',
      HairpinMode: false,
      LinkLocalIPv6Address: '',
      LinkLocalIPv6PrefixLen: 0,
      Ports: {},
      SandboxKey: '/run/netns/netloom-c1',
      Networks: {
        web: { ...web, ...never, NetworkID: 'a'.repeat(64), Aliases: ['www', 'c1'] },
        db: {
          ...nothing,
          ...never,
          IPAddress: '10.89.1.2',
          IPPrefixLen: 24,
          MacAddress: '02:00:00:00:00:02',
          NetworkID: 'b'.repeat(64),
          Aliases: ['c1'],
        },
      },
    });
  });

  it('D01 NetworkSettings have the first address of a family as the address, the others as secondary; so with MAC addresses', () => {
    const status = {
      web: {
        ...block(
          'eth0',
          '02:00:00:00:00:01',
          ['10.1.0.2/24', '10.1.0.1'],
          ['fd01::2/64', 'fd01::1'],
          ['10.2.0.2/16', '10.2.0.1'],
          ['fd02::2/112'],
        ),
      },
    };
    Object.assign(status.web.interfaces, block('eth9', '02:00:00:00:00:09', ['10.3.0.2/8']).interfaces);
    const attachments = [attachment('web', 'eth0')];
    expect(networkSettingsOf({ ...up, attachments, status }, networks)).toMatchObject({
      IPAddress: '10.1.0.2',
      Gateway: '10.1.0.1',
      SecondaryIPAddresses: [
        { Addr: '10.2.0.2', PrefixLength: 16 },
        { Addr: '10.3.0.2', PrefixLength: 8 },
      ],
      GlobalIPv6Address: 'fd01::2',
      IPv6Gateway: 'fd01::1',
      SecondaryIPv6Addresses: [{ Addr: 'fd02::2', PrefixLength: 112 }],
      MacAddress: '02:00:00:00:00:01',
      AdditionalMacAddresses: ['02:00:00:00:00:09'],
    });
  });

  it('D01 NetworkSettings have ports keyed by the port in the container, each port of a range and each address by itself', () => {
    const ports = [
      port({}),
      port({ hostIp: '127.0.0.1', hostPort: 8081 }),
      port({ protocol: 'udp', hostPort: 5000, containerPort: 53, range: 2 }),
      port({ hostPort: 0, containerPort: 443 }),
    ];
    expect(networkSettingsOf({ ...up, ports }, networks)).toMatchObject({
      Ports: {
        '80/tcp': [
          { HostIp: '', HostPort: '8080' },
          { HostIp: '127.0.0.1', HostPort: '8081' },
        ],
        '53/udp': [{ HostIp: '', HostPort: '5000' }],
        '54/udp': [{ HostIp: '', HostPort: '5001' }],
        '443/tcp': [{ HostIp: '', HostPort: '' }],
      },
    });
  });

  it('NetworkSettings have one entry for a wide range, because replies have a size limit', () => {
    const ports = [port({ hostPort: 1, containerPort: 1, range: 65535 }), port({ protocol: 'udp' })];
    expect(networkSettingsOf({ ...up, ports }, networks)).toMatchObject({
      Ports: {
        '1-65535/tcp': [{ HostIp: '', HostPort: '1-65535' }],
        '80/udp': [{ HostIp: '', HostPort: '8080' }],
      },
    });
  });

  it('D02 NetworkSettings list the joined networks with their IDs and aliases while the container is down', () => {
    expect(networkSettingsOf(down, networks)).toMatchObject({
      ...nothing,
      SandboxKey: '',
      Networks: {
        web: { ...nothing, NetworkID: 'a'.repeat(64), Aliases: ['www', 'c1'] },
        db: { ...nothing, NetworkID: 'b'.repeat(64), Aliases: ['c1'] },
      },
    });
  });

  it('D02 NetworkSettings have no ID for a network that does not exist', () => {
    expect(networkSettingsOf(down, [])).toMatchObject({ Networks: { web: { NetworkID: '' }, db: { NetworkID: '' } } });
  });

  it('D03 NetworkSettings fail with an internal error when joined networks and status blocks differ in number, with both numbers', () => {
    const { web } = up.status;
    expect(networkSettingsOf({ ...up, status: { web } }, networks)).toEqual({
      code: 'internal.unexpected',
      message: 'container c1 has joined 2 networks (web, db), but there is a status of 1 network (web)',
    });
    expect(networkSettingsOf({ ...up, attachments: [] }, networks)).toMatchObject({
      message: 'container c1 has joined 0 networks (none), but there is a status of 2 networks (web, db)',
    });
  });

  it('NetworkSettings list no networks for a namespace with only loopback', () => {
    expect(networkSettingsOf({ ...up, attachments: [], status: {} }, [])).toMatchObject({
      ...nothing,
      SandboxKey: '/run/netns/netloom-c1',
      Networks: {},
    });
  });
});
