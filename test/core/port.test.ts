import { describe, expect, it } from 'vitest';
import type { Fault } from '../../src/core/fault.ts';
import {
  describePort,
  holdAddresses,
  type PortMapping,
  type PublishedPort,
  portMappingSchema,
  portsOverlap,
  publishedFamilies,
  publishedPorts,
} from '../../src/core/port.ts';

const published = (...mappings: PortMapping[]): string[] => {
  const ports = publishedPorts(mappings);
  if ('code' in ports) throw new Error(ports.message);
  return ports.map(describePort);
};
const refused = (...mappings: PortMapping[]): Fault => {
  const ports = publishedPorts(mappings);
  if (!('code' in ports)) throw new Error(`accepted: ${ports.map(describePort)}`);
  return ports;
};

describe('A09 port mappings', () => {
  it('A09 port mappings default to TCP, one port, a picked host port and every address', () => {
    expect(publishedPorts([{ containerPort: 80 }])).toEqual([
      { protocol: 'tcp', hostIp: null, hostPort: 0, containerPort: 80, range: 1 },
    ]);
  });

  it('A09 port mappings take several protocols joined by commas, each once, in any case', () => {
    expect(published({ hostPort: 53, containerPort: 53, protocol: 'TCP,udp,tcp,SCTP' })).toEqual([
      '53->53/tcp',
      '53->53/udp',
      '53->53/sctp',
    ]);
  });

  it('A09 port mappings keep ranges as ranges', () => {
    expect(published({ hostIp: '127.0.0.1', hostPort: 8000, containerPort: 9000, range: 11 })).toEqual([
      '127.0.0.1:8000-8010->9000-9010/tcp',
    ]);
  });

  it('A09 port mappings have the host address in canonical form; an empty one is every address', () => {
    expect(published({ hostIp: 'FD00:0::1', hostPort: 1, containerPort: 1 })).toEqual(['[fd00::1]:1->1/tcp']);
    expect(published({ hostIp: '', hostPort: 1, containerPort: 1 })).toEqual(['1->1/tcp']);
    expect(refused({ hostIp: 'localhost', containerPort: 1 })).toMatchObject({
      code: 'address.invalid',
      message: 'host address localhost is not an IP address',
    });
  });

  it.each([
    [{ hostPort: 65535, containerPort: 1, range: 2 }, '65535-65536->1-2/tcp goes beyond port 65535'],
    [{ hostPort: 1, containerPort: 65535, range: 2 }, '1-2->65535-65536/tcp goes beyond port 65535'],
    [{ containerPort: 65000, range: 1000 }, '0-999->65000-65999/tcp goes beyond port 65535'],
  ])('A09 port mappings refuse a range that exceeds the port numbers: %j', (mapping, message) => {
    expect(refused(mapping)).toMatchObject({ code: 'port.invalid', message });
  });

  it('A09 port mappings may use the highest port number', () => {
    expect(published({ hostPort: 65534, containerPort: 65534, range: 2 })).toEqual(['65534-65535->65534-65535/tcp']);
  });

  it.each([
    { containerPort: 0 },
    { containerPort: 70000 },
    { hostPort: -1, containerPort: 80 },
    { hostPort: 70000, containerPort: 80 },
    { containerPort: 80, range: 0 },
    { containerPort: 80, protocol: 'icmp' },
    { containerPort: 80, protocol: 'tcp,' },
    { containerPort: 80.5 },
  ])('A09 port mappings are refused by their schema: %j', (mapping) => {
    expect(portMappingSchema.safeParse(mapping).success).toBe(false);
  });

  it('A09 port mappings are refused when they contradict each other, and both are named', () => {
    expect(
      refused({ hostPort: 8000, containerPort: 80, range: 10 }, { hostIp: '::1', hostPort: 8009, containerPort: 443 }),
    ).toMatchObject({
      code: 'port.overlap',
      message: expect.stringContaining('[::1]:8009->443/tcp conflicts with 8000-8009->80-89/tcp'),
    });
  });

  it.each([
    ['0.0.0.0', null],
    ['::', null],
    ['127.0.0.1', '0.0.0.0'],
    ['fd00::1', '::'],
    ['::1', null],
    [null, null],
  ])('N16 port mappings of one host port on %s and on %s must lead to one container port', (one, other) => {
    const [first, second] = [one, other].map((hostIp, index) => ({
      hostIp,
      hostPort: 8080,
      containerPort: 80 + index,
    }));
    for (const mappings of [
      [first, second],
      [second, first],
    ] as PortMapping[][])
      expect(refused(...mappings)).toMatchObject({ code: 'port.overlap' });
  });

  it('N16 port mappings are kept as requested when they agree, equal ones once', () => {
    const web = { hostPort: 8080, containerPort: 80 };
    expect(published(web, web, { ...web, protocol: 'TCP,udp' })).toEqual(['8080->80/tcp', '8080->80/udp']);
    expect(published({ ...web, hostIp: '0.0.0.0' }, web, { ...web, hostIp: '' })).toEqual([
      '0.0.0.0:8080->80/tcp',
      '8080->80/tcp',
    ]);
    expect(
      published({ hostPort: 8000, containerPort: 80, range: 3 }, { hostPort: 8002, containerPort: 82, range: 3 }),
    ).toEqual(['8000-8002->80-82/tcp', '8002-8004->82-84/tcp']);
  });

  it('N16 port mappings of different families, addresses or protocols may lead to different ports', () => {
    const on = (hostIp: string, containerPort: number, protocol = 'tcp') => ({
      hostIp,
      hostPort: 8080,
      containerPort,
      protocol,
    });
    expect(published(on('0.0.0.0', 80), on('::', 81), on('::', 82, 'udp'))).toHaveLength(3);
    expect(published(on('127.0.0.1', 80), on('127.0.0.2', 81))).toHaveLength(2);
  });

  it('C03 port mappings held by one engine may contradict each other, but not those of others', () => {
    const [one, other] = [80, 81].map((containerPort) => ({ hostPort: 8080, containerPort, heldByCaller: true }));
    expect(published(one as PortMapping, { ...(other as PortMapping), hostIp: '::' })).toEqual([
      '8080->80/tcp',
      '[::]:8080->81/tcp',
    ]);
    expect(refused(one as PortMapping, { hostPort: 8080, containerPort: 81 })).toMatchObject({ code: 'port.overlap' });
  });

  it('N17 port mappings read an IPv4 address in IPv6 form as IPv4', () => {
    const on = (hostIp: string) => published({ hostIp, hostPort: 8080, containerPort: 80 });
    expect(on('::ffff:192.0.2.10')).toEqual(['192.0.2.10:8080->80/tcp']);
    expect(on('::FFFF:c000:20a')).toEqual(['192.0.2.10:8080->80/tcp']);
    expect(on('::ffff:0.0.0.0')).toEqual(['0.0.0.0:8080->80/tcp']);
    expect(on('::ffff:7f00:1')).toEqual(['127.0.0.1:8080->80/tcp']);
  });

  it.each(['fe80::1', 'ff02::1', '224.0.0.1', '255.255.255.255'])(
    'N17 port mappings on %s, which the kernel would refuse with EINVAL, or never deliver, are refused',
    (hostIp) => {
      expect(refused({ hostIp, hostPort: 8080, containerPort: 80 })).toMatchObject({ code: 'address.invalid' });
      // its engine has bound it, or will get the error
      expect(published({ hostIp, hostPort: 8080, containerPort: 80, heldByCaller: true })).toHaveLength(1);
    },
  );

  it('A09 port mappings with the same host port for two protocols do not overlap', () => {
    expect(
      published({ hostPort: 53, containerPort: 53 }, { hostPort: 53, containerPort: 53, protocol: 'udp' }),
    ).toHaveLength(2);
  });

  it('A09 port mappings with picked host ports never overlap', () => {
    expect(published({ containerPort: 80 }, { containerPort: 80 })).toHaveLength(2);
  });
});

describe('A09 overlap', () => {
  const on = (hostIp: string | null, hostPort = 80, range = 1): PublishedPort => ({
    protocol: 'tcp',
    hostIp,
    hostPort,
    containerPort: 80,
    range,
  });

  // every combination of the addresses that a port can be published on
  it.each([
    [null, null, true],
    [null, '0.0.0.0', true],
    [null, '::', true],
    [null, '10.0.0.1', true],
    [null, 'fd00::1', true],
    ['0.0.0.0', '0.0.0.0', true],
    ['0.0.0.0', '10.0.0.1', true],
    ['0.0.0.0', '::', false],
    ['0.0.0.0', 'fd00::1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.1', '::', false],
    ['10.0.0.1', 'fd00::1', false],
    ['::', '::', true],
    ['::', 'fd00::1', true],
    ['fd00::1', 'fd00::1', true],
    ['fd00::1', 'fd00::2', false],
  ])('A09 overlap of %s and %s: %s, whichever comes first', (one, other, overlap) => {
    expect(portsOverlap(on(one), on(other))).toBe(overlap);
    expect(portsOverlap(on(other), on(one))).toBe(overlap);
  });

  it.each([
    [8000, 10, 8009, 1, true],
    [8000, 10, 8010, 1, false],
    [8000, 10, 7999, 1, false],
    [8000, 10, 7990, 11, true],
    [8000, 10, 8002, 3, true],
  ])('A09 overlap of %i (%i ports) and %i (%i ports): %s', (first, range, otherFirst, otherRange, overlap) => {
    expect(portsOverlap(on(null, first, range), on(null, otherFirst, otherRange))).toBe(overlap);
    expect(portsOverlap(on(null, otherFirst, otherRange), on(null, first, range))).toBe(overlap);
  });
});

describe('a published port', () => {
  const port = (hostIp: string | null): PublishedPort => ({
    protocol: 'tcp',
    hostIp,
    hostPort: 1,
    containerPort: 1,
    range: 1,
  });

  it('a published port without a host address is offered and held in both families, with one only in its family', () => {
    expect(publishedFamilies(port(null))).toEqual([4, 6]);
    expect(holdAddresses(port(null))).toEqual(['0.0.0.0', '::']);
    expect(publishedFamilies(port('::'))).toEqual([6]);
    expect(holdAddresses(port('::'))).toEqual(['::']);
    expect(publishedFamilies(port('127.0.0.1'))).toEqual([4]);
    expect(holdAddresses(port('127.0.0.1'))).toEqual(['127.0.0.1']);
  });
});
