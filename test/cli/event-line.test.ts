import { describe, expect, it } from 'vitest';
import { eventLine, eventParts } from '../../src/cli/event-line.ts';
import type { CloudEvent } from '../../src/contract/cloud-event.ts';

const terminal = { print: () => undefined, warn: () => undefined, colored: false };

/** As it arrives: of any version, so the compiler does not hold it to the contract. */
function event(noun: string, subject: string, fact: string, data: object): CloudEvent {
  const attributes = {
    specversion: '1.0',
    id: 'epoch.1',
    source: `/netloom/here/${noun}/${subject}`,
    type: `dev.netloom.${noun}.${fact}`,
    subject,
    time: '2026-01-31T12:00:00.123Z',
    datacontenttype: 'application/json',
    sequence: '0000000000000001',
    data,
  };
  return attributes as CloudEvent;
}

const status = {
  demo: {
    interfaces: { eth0: { mac_address: '02:00:00:00:00:01', subnets: [{ ipnet: '10.89.0.2/24' }] } },
    dns_server_ips: [],
    dns_search_domains: [],
  },
};
const ports = [{ protocol: 'tcp', hostIp: null, hostPort: 8080, containerPort: 80, range: 1 }];

describe('the line of an event', () => {
  it('the line of an event shows time, source and fact, and has no colours without a terminal', () => {
    const line = eventLine(terminal, event('container', 'web', 'configured', { status, ports }));
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.123 {2}container\/web {2,}configured +10\.89\.0\.2 /);
    expect(line).not.toContain('\x1b');
  });

  it.each([
    ['container', 'configured', { status, ports, netns: { path: '/x' } }, '10.89.0.2  8080->80/tcp'],
    ['container', 'configured', { status: {}, ports: [], netns: { path: '/x' } }, '/x'],
    ['container', 'created', { name: 'web', mode: 'bridge', networks: ['demo', 'db'] }, 'bridge  demo, db'],
    ['container', 'netns-ready', { netns: { path: '/run/netns/netloom-web', inode: 5 } }, '/run/netns/netloom-web'],
    ['container', 'running', { pid: 42 }, 'pid 42'],
    ['container', 'failed', { fault: { code: 'port.taken', message: 'by web' } }, 'port.taken: by web'],
    [
      'container',
      'overdue',
      { cause: 'guest', guest: 'job', reason: 'as text', startWithinMs: 1, owner: null },
      'container job runs in its namespace',
    ],
    ['container', 'lost', { cause: 'reboot' }, 'reboot'],
    ['network', 'created', { state: 'defined', omitted: 'too large' }, 'details omitted: too large'],
    [
      'container',
      'connected',
      { network: 'db', interfaceName: 'eth1', aliases: ['web'], addresses: ['10.89.1.2/24'] },
      'db  eth1  10.89.1.2/24',
    ],
    ['container', 'disconnected', { network: 'db' }, 'db'],
    ['container', 'unpublished', { ports }, '8080->80/tcp'],
    [
      'container',
      'drift-healed',
      { steps: ['link.set eth0', 'route.add'], tookMs: 3 },
      'link.set eth0, route.add  3 ms',
    ],
    ['container', 'drift-healed', { steps: ['route.add'], tookMs: 3.36397200000647 }, 'route.add  3.4 ms'],
    [
      'container',
      'degraded',
      { fault: { code: 'kernel.refused', message: 'no such bridge' } },
      'kernel.refused: no such bridge',
    ],
    ['network', 'created', { definition: { subnets: [{ subnet: '10.89.0.0/24' }] } }, '10.89.0.0/24'],
    ['network', 'adopted', { bridge: 'netloom0' }, 'netloom0'],
    ['node', 'serving', {}, ''],
  ])('the line of a %s that is %s shows the important details', (noun, fact, data, details) =>
    expect(eventParts(event(noun, 'it', fact, data))).toMatchObject({ fact, details, source: `${noun}/it` }),
  );

  it('the line of an unknown event shows its data as they are', () => {
    expect(eventParts(event('container', 'web', 'melted', { ports: 'all', heat: 3 })).details).toBe(
      '{"ports":"all","heat":3}',
    );
  });

  it('the line of an event lets no control character through', () => {
    expect(eventLine(terminal, event('container', 'web', 'lost', { reason: '\x1b[2J' }))).not.toContain('\x1b');
  });
});
