import { describe, expect, it } from 'vitest';
import {
  parsePortMapping,
  parsePortMappings,
  placesOf,
  portLines,
  portsParser,
  portText,
} from '../../src/cli/port-mapping.ts';
import { NetloomError } from '../../src/core/fault.ts';
import type { ShownPort } from '../../src/core/port.ts';

const plain = { hostIp: null, hostPort: 0, containerPort: 80, protocol: 'tcp', range: 1 };

describe("-p accepts podman's spelling", () => {
  it.each([
    ['80', plain],
    [':80', plain],
    ['0:80', plain],
    ['8080:80', { ...plain, hostPort: 8080 }],
    ['8080:80/udp', { ...plain, hostPort: 8080, protocol: 'udp' }],
    ['53:53/SCTP', { ...plain, hostPort: 53, containerPort: 53, protocol: 'sctp' }],
    ['127.0.0.1:8080:80', { ...plain, hostIp: '127.0.0.1', hostPort: 8080 }],
    ['127.0.0.1::80', { ...plain, hostIp: '127.0.0.1' }],
    ['[::1]:8080:80', { ...plain, hostIp: '::1', hostPort: 8080 }],
    ['[fd00::5]::80/udp', { ...plain, hostIp: 'fd00::5', protocol: 'udp' }],
    ['8000-8010:8000-8010', { ...plain, hostPort: 8000, containerPort: 8000, range: 11 }],
    ['8000-8010', { ...plain, containerPort: 8000, range: 11 }],
    ['[::]:9000-9001:80-81/tcp', { ...plain, hostIp: '::', hostPort: 9000, range: 2 }],
    ['65535:65535', { ...plain, hostPort: 65535, containerPort: 65535 }],
  ])('-p %s is parsed as with podman', (text, mapping) => expect(parsePortMapping(text)).toEqual(mapping));
});

describe('wrong values of -p', () => {
  it.each([
    ['', '-p "": the container port is missing'],
    ['web', 'is not a port'],
    ['-80', 'is not a port'],
    ['8080:', '-p "8080:": the container port is missing'],
    ['8080:80:90:100', 'too many colons'],
    ['::1:8080:80', 'in brackets'],
    ['[::1]:80', 'needs a host port'],
    ['[::g]:8080:80', 'is not an IP address'],
    ['300.0.0.1:8080:80', 'is not an IP address'],
    [':8080:80', 'is not an IP address'],
    ['70000:80', 'at most 65535'],
    ['80:70000', 'at most 65535'],
    ['8080:0', 'at least 1'],
    ['0-5:80-85', 'is not a range'],
    ['8010-8000:8010-8000', 'is not a range'],
    ['8000-8010:80', '11 ports'],
    ['8000:80-90', '1 ports'],
    ['80/icmp', 'unknown protocol'],
    ['80/tcp/udp', 'more than one /'],
    ['8080 :80', 'is not a port'],
  ])('-p refuses the value %s with the reason', (text, reason) => {
    const refusal = expect.objectContaining({ code: 'port.invalid', message: expect.stringContaining(reason) });
    expect(() => parsePortMapping(text)).toThrow(refusal);
    expect(() => parsePortMapping(text)).toThrow(NetloomError);
  });
});

it('C03 a port argument without -p is refused without mentioning -p', () => {
  const message = expect.stringMatching(/^port abc:80: "abc" is not a port or a range of ports; expected /);
  expect(() => portsParser('port')('abc:80')).toThrow(expect.objectContaining({ code: 'port.invalid', message }));
});

describe('a published port is shown', () => {
  it.each([
    ['8080->80/tcp', { hostPort: 8080 }],
    ['127.0.0.1:8080->80/tcp', { hostIp: '127.0.0.1', hostPort: 8080 }],
    ['[::1]:8080->80/tcp', { hostIp: '::1', hostPort: 8080 }],
    ['8080-8082->80-82/tcp', { hostPort: 8080, range: 3 }],
    ['(free)->80/tcp', {}],
    ['8080->80/tcp', { hostPort: 8080, families: [4 as const] }],
    ['[::]:8080->80/tcp', { hostPort: 8080, families: [6 as const] }],
    ['[::1]:8080->80/tcp (leads nowhere)', { hostIp: '::1', hostPort: 8080, families: [] }],
  ])('C03 a published port is shown as %s', (text, port) =>
    expect(portText({ ...plain, protocol: 'tcp', ...port })).toBe(text),
  );
});

describe('-p with several values joined by commas', () => {
  it('-p accepts several ports, and several protocols of one port', () => {
    expect(parsePortMappings('8080:80,[::1]:8443:443').map(({ hostPort }) => hostPort)).toEqual([8080, 8443]);
    expect(parsePortMappings('53:53/tcp,udp')).toEqual([
      { ...plain, hostPort: 53, containerPort: 53, protocol: 'tcp,udp' },
    ]);
    expect(parsePortMappings('53:53/UDP,sctp,80').map(({ protocol }) => protocol)).toEqual(['udp,sctp', 'tcp']);
  });

  it.each(['tcp,80', '80,', '80/tcp,icmp'])('-p refuses %s', (text) =>
    expect(() => parsePortMappings(text)).toThrow(expect.objectContaining({ code: 'port.invalid' })),
  );
});

describe("the list of a container's ports", () => {
  const ports = [
    { protocol: 'tcp' as const, hostIp: null, hostPort: 8080, containerPort: 80, range: 2 },
    { protocol: 'udp' as const, hostIp: '::1', hostPort: 5353, containerPort: 53, range: 1 },
  ];

  it('the list of ports has one line per port', () =>
    expect(portLines(ports)).toEqual(['80/tcp -> 0.0.0.0:8080', '81/tcp -> 0.0.0.0:8081', '53/udp -> [::1]:5353']));

  it('C03 the list of ports omits ports that lead nowhere, and shows [::] where only IPv6 leads to the container', () => {
    const [web, names] = ports as [ShownPort, ShownPort];
    const shown: ShownPort[] = [
      { ...web, families: [6] },
      { ...names, families: [] },
    ];
    expect(portLines(shown)).toEqual(['80/tcp -> [::]:8080', '81/tcp -> [::]:8081']);
    expect(placesOf(shown, 53, 'udp')).toEqual([]);
  });

  it('the list of ports shows a free host port as unknown before the set-up', () =>
    expect(portLines([{ protocol: 'tcp', hostIp: null, hostPort: 0, containerPort: 80, range: 1 }])).toEqual([
      '80/tcp -> 0.0.0.0:(free)',
    ]));

  it('the list of ports can be limited to one port', () => {
    expect(placesOf(ports, 81, 'tcp')).toEqual(['0.0.0.0:8081']);
    expect(placesOf(ports, 53, 'udp')).toEqual(['[::1]:5353']);
    expect(placesOf(ports, 53, 'tcp')).toEqual([]);
    expect(placesOf(ports, 82, 'tcp')).toEqual([]);
  });
});
