import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  type ConntrackSelection,
  changeElements,
  deleteConntrack,
  loadRuleset,
  type NftSocket,
  openNftSocket,
} from '#native';
import { add, baseRuleset, element, ip4, ip6, port, proto } from './elements.ts';
import { becomeHost, faultOf, type Host, run } from './host.ts';

let host: Host;
let socket: NftSocket;
beforeAll(async () => {
  host = await becomeHost();
  socket = openNftSocket();
  loadRuleset(baseRuleset); // the nat chains make the kernel track connections
});
afterAll(() => {
  socket.close();
  host.close();
});
beforeEach(() => run(null, 'conntrack', ['--flush']));

const udp4: ConntrackSelection = { protocol: 'udp', family: 4, destination: null, firstPort: 0, lastPort: 65535 };
const forget = (...wanted: Partial<ConntrackSelection>[]) =>
  deleteConntrack(
    socket,
    wanted.map((one) => ({ ...udp4, ...one })),
  );
const onPort = (number: number) => ({ firstPort: number, lastPort: number });

/** Opens connections, each from a source port of its own. */
const send = (address: string, number: number, times = 1) =>
  run(null, 'bash', ['-c', `for i in $(seq ${times}); do printf x > /dev/udp/${address}/${number}; done`]);
const insert = (args: string, netns: string | null = null) =>
  run(netns, 'conntrack', ['-I', '--timeout', '60', ...args.split(' ')]);
/** Lists connections as "udp 127.0.0.1 5001", by their first packets, sorted. */
const shown = (netns: string | null = null, family = 'ipv4') =>
  run(netns, 'conntrack', ['-L', '-f', family])
    .split('\n')
    .flatMap((line) => {
      const [, protocol, to, number] = /^(\w+).*? dst=(\S+) sport=\d+ dport=(\d+)/.exec(line) ?? [];
      return protocol ? [`${protocol} ${to} ${number}`] : [];
    })
    .sort();

it('forgets the connections to one port, and counts them', () => {
  send('127.0.0.1', 5001, 3);
  send('127.0.0.1', 5002, 2);
  expect(forget(onPort(5001))).toBe(3);
  expect(shown()).toEqual(['udp 127.0.0.1 5002', 'udp 127.0.0.1 5002']);
  expect(forget(onPort(5001))).toBe(0);
});

it('forgets connections to a range of ports, including both ends', () => {
  for (const number of [5000, 5001, 5005, 5009, 5010]) send('127.0.0.1', number);
  expect(forget({ firstPort: 5001, lastPort: 5009 })).toBe(3);
  expect(shown()).toEqual(['udp 127.0.0.1 5000', 'udp 127.0.0.1 5010']);
});

it.each([onPort(5001), { firstPort: 5000, lastPort: 5002 }, { firstPort: 5001, lastPort: 5900 }])(
  'forgets only connections to the address (%o)',
  (ports) => {
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) send(address, 5001);
    expect(forget({ ...ports, destination: '127.0.0.2' })).toBe(1);
    expect(shown()).toEqual(['udp 127.0.0.1 5001', 'udp 127.0.0.3 5001']);
  },
);

it('forgets only connections of the protocol', () => {
  insert('-p tcp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001 --state ESTABLISHED');
  insert('-p sctp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2');
  insert('-p icmp -s 10.1.0.1 -d 10.1.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 5001');
  send('127.0.0.1', 5001);
  expect(forget({ ...onPort(5001), protocol: 'tcp' })).toBe(1);
  expect(shown()).toEqual(['sctp 10.1.0.2 5001', 'udp 127.0.0.1 5001']);
  expect(forget({ ...onPort(5001), protocol: 'sctp', destination: '10.1.0.2' })).toBe(1);
  expect(forget({})).toBe(1);
  expect(run(null, 'conntrack', ['-L'])).toContain('icmp');
});

it.each([onPort(65535), { firstPort: 65500, lastPort: 65535 }, { firstPort: 0, lastPort: 65535 }])(
  'forgets connections to the highest port (%o)',
  (ports) => {
    send('127.0.0.1', 65535);
    send('127.0.0.1', 65535);
    expect(forget(ports)).toBe(2);
    expect(shown()).toEqual([]);
  },
);

it('forgets connections over IPv6, and keeps those over IPv4', () => {
  for (const address of ['::1', '127.0.0.1']) send(address, 5001);
  insert('-p udp -s fd00::1 -d fd00::2 --sport 4000 --dport 5001');
  expect(forget({ ...onPort(5001), family: 6, destination: 'fd00::2' })).toBe(1);
  expect(shown(null, 'ipv6')).toEqual(['udp ::1 5001']);
  expect(forget({ ...onPort(5001), family: 6 })).toBe(1);
  expect(shown()).toEqual(['udp 127.0.0.1 5001']);
});

it('selects by the original destination, not by the translated one', () => {
  const published = element('published_any4', [...proto('udp'), ...port(8053)], {
    data: [...ip4('127.0.0.1'), ...port(53)],
  });
  const published6 = element('published_any6', [...proto('udp'), ...port(8053)], {
    data: [...ip6('0:0:0:0:0:0:0:1'), ...port(53)],
  });
  expect(changeElements(socket, 'netloom', [add(published), add(published6)])).toEqual([null, null]);
  for (const address of ['127.0.0.5', '::1']) send(address, 8053);
  expect(run(null, 'conntrack', ['-L'])).toContain('sport=53');
  expect(forget(onPort(53)) + forget({ ...onPort(53), family: 6 })).toBe(0);
  expect(forget({ ...onPort(8053), destination: '127.0.0.1' })).toBe(0);
  expect(forget({ ...onPort(8053), destination: '127.0.0.5' })).toBe(1);
  expect(forget({ ...onPort(8053), family: 6 })).toBe(1);
});

it('forgets connections in other zones as well', () => {
  insert('-p udp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001 --zone 7');
  insert('-p udp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001');
  insert('-p udp -s 10.1.0.1 -d 10.1.0.3 --sport 4000 --dport 5001 --orig-zone 9');
  expect(forget(onPort(5001))).toBe(3);
  expect(shown()).toEqual([]);
});

it('forgets connections that match any of several selections, in both families, each once', () => {
  for (const address of ['127.0.0.1', '127.0.0.2', '::1'])
    for (const number of [5001, 5002, 5003]) send(address, number);
  insert('-p tcp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001 --state ESTABLISHED');
  const deleted = forget(
    { ...onPort(5001), destination: '127.0.0.1' },
    { firstPort: 5001, lastPort: 5002, destination: '127.0.0.1' },
    { ...onPort(5003), family: 6, destination: '::1' },
    { ...onPort(5001), protocol: 'tcp' },
  );
  expect(deleted).toBe(4);
  expect(shown()).toEqual(
    ['127.0.0.1 5003', '127.0.0.2 5001', '127.0.0.2 5002', '127.0.0.2 5003'].map((to) => `udp ${to}`),
  );
  expect(shown(null, 'ipv6')).toEqual(['udp ::1 5001', 'udp ::1 5002']);
  expect(forget()).toBe(0);
});

it('stays within the namespace of its socket', () => {
  const other = host.netns('other');
  const args = '-p udp -s 10.1.0.1 -d 10.1.0.2 --sport 4000 --dport 5001';
  insert(args);
  insert(args, other.path);
  expect(forget(onPort(5001))).toBe(1);
  expect(shown(other.path)).toEqual(['udp 10.1.0.2 5001']);
});

it('forgets thousands of connections', () => {
  const code = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.bind(0, '127.0.0.1', async () => {
      for (let i = 0; i < 3000; i++) await new Promise((sent) => socket.send('x', 10000 + i, '127.0.0.1', sent));
      socket.close();
    });`;
  run(null, process.execPath, ['-e', code]);
  expect(shown()).toHaveLength(3000);
  expect(forget({ firstPort: 10_000, lastPort: 12_989 })).toBe(2990);
  expect(shown()).toHaveLength(10);
});

it.each([
  ['there is no connection', 0],
  ['there are some', 3],
])('takes far less than a millisecond for one port when %s', (_, times) => {
  send('127.0.0.1', 5002, times);
  const durations = Array.from({ length: 200 }, () => {
    const start = process.hrtime.bigint();
    forget(onPort(5001));
    return Number(process.hrtime.bigint() - start) / 1e6;
  });
  durations.sort((a, b) => a - b);
  expect(durations[100]).toBeLessThan(0.8);
  expect(shown()).toHaveLength(times);
});

it('fails with EBADF on a closed socket', () => {
  const closed = openNftSocket();
  closed.close();
  expect(faultOf(() => deleteConntrack(closed, [udp4]))).toMatchObject({ errno: 'EBADF' });
});
