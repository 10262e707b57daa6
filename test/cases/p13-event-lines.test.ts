import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { statusOf } from '../../machines/container/context.ts';
import { eventParts } from '../../src/cli/event-line.ts';
import type { CloudEvent } from '../../src/contract/cloud-event.ts';
import { toMicroseconds } from '../../src/core/milliseconds.ts';
import { wishOf } from '../core/samples.ts';
import { begin } from '../machines/walk.ts';

const details = (fact: string, data: Record<string, unknown>, noun = 'node'): string =>
  eventParts({
    specversion: '1.0',
    id: 'epoch.1',
    source: `/netloom/here/${noun}/it`,
    type: `dev.netloom.${noun}.${fact}`,
    subject: 'it',
    time: '2026-01-31T12:00:00.123Z',
    datacontenttype: 'application/json',
    sequence: '0000000000000001',
    data,
  } as CloudEvent).details;

const setting = { key: 'net.ipv4.ip_forward', found: '0', wanted: '1' };
const way = { hostIp: '192.0.2.9', link: 'eth0', mtuBytes: 1500 };

describe('P13 a line about drift shows what drifted, from what to what', () => {
  it.each([
    [
      { what: 'uplink', ...way, before: { hostIp: '198.51.100.2', link: 'wlan0', mtuBytes: 1420 } },
      'uplink was wlan0 198.51.100.2 MTU 1420, is eth0 192.0.2.9 MTU 1500',
    ],
    [
      { what: 'uplink', hostIp: null, link: null, mtuBytes: null, before: way },
      'uplink was eth0 192.0.2.9 MTU 1500, is no route to the outside',
    ],
    [
      { what: 'uplink', ...way, before: { hostIp: null, link: null, mtuBytes: null } },
      'uplink was no route to the outside, is eth0 192.0.2.9 MTU 1500',
    ],
    [{ what: 'uplink', ...way }, 'uplink is eth0 192.0.2.9 MTU 1500'],
    [{ what: 'resolver' }, 'resolver ended and was restarted'],
    [{ what: 'firewall', steps: ['nft.load'], tookMs: 2.5601039999746718 }, 'firewall  nft.load  2.6 ms'],
    [
      { what: 'forwarding', steps: ['sysctl.set'], drifted: [setting], tookMs: 1 },
      'forwarding  sysctl.set  net.ipv4.ip_forward was 0, is 1  1 ms',
    ],
    [{ what: 'firewall', fault: { code: 'kernel.refused', message: 'no' } }, 'firewall  kernel.refused: no'],
    [{ what: 'constructor' }, 'constructor'],
  ])('P13 the line of the event %j explains it', (data, line) => {
    expect(details('drift-detected', data)).toBe(line);
    expect(details('drift-healed', data)).toBe(line);
  });

  it('P13 a line about drift describes an interface and a route', () => {
    const steps = ['link.set eth0', 'route.add 10.0.0.0/8'];
    expect(details('drift-detected', { steps, tookMs: 0.30000000000000004 }, 'container')).toBe(
      'link.set eth0, route.add 10.0.0.0/8  0.3 ms',
    );
  });

  it('P13 a line about forwarding names its families', () =>
    expect(details('forwarding-on', { families: [4, 6], steps: ['sysctl.set'] })).toBe('IPv4, IPv6  sysctl.set'));

  it('P13 details without a known wording are shown as they are, not left out', () => {
    expect(details('melted', { heat: 3 })).toBe('{"heat":3}');
    expect(details('serving', {})).toBe('');
  });
});

describe('P13 numbers are rounded', () => {
  it.each([0.1, 2.5601039999746718, 1000.0004999, 0])('P13 the number %d is rounded in a line', (tookMs) =>
    expect(details('drift-healed', { steps: ['x'], tookMs })).toMatch(/^x {2}\d+(\.\d)? ms$/),
  );

  it('P13 sums have no rounding errors where they are announced and answered', () => {
    expect(toMicroseconds(2.5601039999746718)).toBe(2.56);
    expect(toMicroseconds(0.1 + 0.2)).toBe(0.3);
    const { context } = begin<ContainerContext>(containerMachine, { id: 'a', netnsDirectory: '/n', attempt: 0 });
    expect(statusOf({ ...context, wish: wishOf({ mode: 'none' }), kernelMs: 0.1 + 0.2 }).kernelMs).toBe(0.3);
  });
});
