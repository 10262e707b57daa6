import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container.ts';
import type { Attachment } from '../../src/core/container.ts';
import type { ActorEvent } from '../../src/core/event.ts';
import { fault } from '../../src/core/fault.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { leaseOf } from '../core/samples.ts';
import { grantsFor, wishes } from './terrains.ts';
import { applied, begin, brief, failed, follow, littered, recovered, type Snapshot, stateName } from './walk.ts';

/** Changes of a network that is up: one step from a named state of `wiring`. */

type At = Snapshot<ContainerContext>;
const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const reach = (from: At, ...events: ActorEvent[]): At => follow(containerMachine, from, ...events).next;
const claiming = reach(start, { type: 'container.setup', command: 'c1', wish: wishes.bridge });
const up = reach(
  claiming,
  ...grantsFor(claiming.context),
  applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]),
);

const port = (hostPort: number): PublishedPort => ({
  protocol: 'tcp',
  hostIp: null,
  hostPort,
  containerPort: 80,
  range: 1,
});
const connect: ActorEvent = { type: 'container.connect', command: 'c2', attachment: { network: 'back' } };
const disconnect: ActorEvent = { type: 'container.disconnect', command: 'c2', network: 'demo' };
const publish = (hostPort: number): ActorEvent => ({
  type: 'container.publish',
  command: 'c2',
  ports: [port(hostPort)],
});
const unpublish = (hostPort: number): ActorEvent => ({
  type: 'container.unpublish',
  command: 'c3',
  ports: [port(hostPort)],
});
const leased: ActorEvent = { type: 'lease.granted', attempt: 2, lease: leaseOf({ network: 'back' }) };
const picked: ActorEvent = { type: 'ports.granted', attempt: 2, ports: [port(40_000)], tookMs: 1 };
const refused: ActorEvent = { type: 'claim.refused', attempt: 2, fault: fault('port.taken', 'taken') };
const connecting = reach(up, connect, leased);
const publishing = reach(up, publish(0), picked);

function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = follow(containerMachine, from, ...events);
  return [stateName(next.value), ...effects.map(brief)];
}

describe('C03 connecting', () => {
  it('C03 asks the network, then makes the link, then tells and answers', () => {
    expect(step(up, connect)).toEqual(['up.configured asking', 'tell network/back lease.request']);
    expect(step(reach(up, connect), leased)).toEqual(['up.configured changing', 'apply connect']);
    expect(step(connecting, applied('connect'))).toEqual(['up.configured', 'announce connected', 'reply c2 ok']);
    expect(Object.keys(reach(connecting, applied('connect')).context.leases)).toEqual(['demo', 'back']);
  });

  it('C03 that the network refuses leaves all as it was', () => {
    const asking = reach(up, connect);
    expect(step(asking, refused)).toEqual(['up.configured', 'tell network/back lease.release', 'reply c2 port.taken']);
    expect(step(asking, { ...refused, attempt: 1 } as ActorEvent)).toEqual(['up.configured asking']);
    expect(reach(asking, refused).context).toMatchObject({ change: null, wish: wishes.bridge, leases: { demo: {} } });
  });

  it('C03 that fails gives the address back when nothing is left, and keeps it as degraded otherwise', () => {
    expect(step(connecting, failed('connect'))).toEqual([
      'up.configured',
      'tell network/back lease.release',
      'reply c2 kernel.refused',
    ]);
    expect(step(connecting, failed('connect', littered))).toEqual([
      'up.configured degraded',
      'announce drift-detected',
      'announce degraded',
      'reply c2 kernel.refused',
    ]);
    const half = reach(connecting, failed('connect', littered));
    expect(half.context.wish?.attachments.map(({ network }: Attachment) => network)).toEqual(['demo', 'back']);
    expect(step(half, publish(1))).toEqual(['up.configured degraded', 'reply c2 container.state']);
    expect(step(half, { type: 'drift.suspected' }, applied('verify'))[0]).toBe('up.configured');
  });
});

describe('C04 disconnecting', () => {
  it('C04 gives the address back when the link is gone, not before', () => {
    expect(step(up, disconnect)).toEqual(['up.configured changing', 'apply disconnect']);
    expect(step(reach(up, disconnect), applied('disconnect'))).toEqual([
      'up.configured',
      'announce disconnected',
      'tell network/demo lease.release',
      'reply c2 ok',
    ]);
  });

  it('C04 that fails keeps the address: the link may be there', () => {
    expect(step(reach(up, disconnect), failed('disconnect', littered))).not.toContain(
      'tell network/demo lease.release',
    );
  });
});

describe('A09 publishing', () => {
  it('A09 a port that was picked goes by its number and by 0, and is kept in the wish as it was asked for', () => {
    const published = reach(publishing, applied('publish'));
    expect(published.context.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080, 40_000]);
    expect(published.context.wish?.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080, 0]);
    for (const named of [0, 40_000]) {
      const { context } = reach(published, unpublish(named), applied('unpublish'));
      expect(context.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080]);
      expect(context.wish?.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080]);
    }
  });

  it('A09 0 names no port that was asked for by its number', () => {
    expect(step(up, unpublish(0))).toEqual(['up.configured', 'reply c3 port.unknown']);
  });
});

describe('while a change is under way', () => {
  it('commands wait in order', () => {
    expect(step(connecting, unpublish(8080), applied('connect'))).toEqual([
      'up.configured changing',
      'announce connected',
      'reply c2 ok',
      'apply unpublish',
    ]);
  });

  it('what is suspected is looked at afterwards', () => {
    expect(step(connecting, { type: 'drift.suspected' }, applied('connect'))).toEqual([
      'up.configured verifying',
      'announce connected',
      'reply c2 ok',
      'apply verify',
    ]);
  });

  it('a reboot takes all: who waits is told, and what was asked for is given back too', () => {
    for (const from of [reach(up, connect), connecting])
      expect(step(from, recovered(true))).toEqual([
        'created',
        'announce lost',
        'reply c2 container.state',
        'tell network/demo lease.release',
        'tell network/back lease.release',
        'tell host ports.release',
      ]);
  });
});

it('C06 a reload asks its networks to look after theirs, and compares', () => {
  expect(step(up, { type: 'container.reload', command: 'c2' })).toEqual([
    'up.configured verifying',
    'tell network/demo drift.suspected',
    'apply verify',
  ]);
});
