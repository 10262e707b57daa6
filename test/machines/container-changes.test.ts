import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { Attachment } from '../../src/core/container/attachments.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { leaseOf } from '../core/samples.ts';
import {
  type At,
  connect,
  connecting,
  disconnect,
  leased,
  publish,
  publishing,
  reach,
  refused,
  step,
  unpublish,
  up,
} from './container-walk.ts';
import { wishes } from './terrains/container.ts';
import { applied, failed, littered, recovered } from './walk.ts';

/** Changes of a container that is up: one step from a named state of `wiring`. */

describe('C03 a connect', () => {
  it('C03 requests a lease, adds the link, announces it, and replies', () => {
    expect(step(up, connect)).toEqual(['up.configured asking', 'tell network/back lease.request']);
    expect(step(reach(up, connect), leased)).toEqual(['up.configured changing', 'apply join']);
    expect(step(connecting, applied('join'))).toEqual(['up.configured', 'announce connected', 'reply c2 ok']);
    expect(Object.keys(reach(connecting, applied('join')).context.leases)).toEqual(['demo', 'back']);
  });

  it('C03 changes nothing when the network refuses', () => {
    const asking = reach(up, connect);
    expect(step(asking, refused)).toEqual(['up.configured', 'tell network/back lease.release', 'reply c2 port.taken']);
    expect(step(asking, { ...refused, attempt: 1 } as ActorEvent)).toEqual(['up.configured asking']);
    expect(reach(asking, refused).context).toMatchObject({ change: null, wish: wishes.bridge, leases: { demo: {} } });
  });

  it('C03 releases the address when it fails and nothing is left in the kernel; otherwise the container keeps it and is degraded', () => {
    expect(step(connecting, failed('join'))).toEqual([
      'up.configured',
      'tell network/back lease.release',
      'reply c2 kernel.refused',
    ]);
    expect(step(connecting, failed('join', littered))).toEqual([
      'up.configured degraded',
      'announce drift-detected',
      'announce degraded',
      'reply c2 kernel.refused',
    ]);
    const half = reach(connecting, failed('join', littered));
    expect(half.context.wish?.attachments.map(({ network }: Attachment) => network)).toEqual(['demo', 'back']);
    expect(step(half, publish(1))).toEqual(['up.configured degraded', 'reply c2 container.state']);
    expect(step(half, { type: 'drift.suspected' }, applied('verify'))[0]).toBe('up.configured');
  });
});

describe('C05 a route whose gateway is on no network of the container', () => {
  const route = { destination: '10.77.0.0/16', gateway: '10.99.0.9', metric: null, type: 'unicast' } as const;
  const lost = leaseOf({ network: 'back', routes: [route] });

  it('C05 makes the connect fail before anything is built', () => {
    const asking = reach(up, connect);
    expect(step(asking, { type: 'lease.granted', attempt: 2, lease: lost })).toEqual([
      'up.configured',
      'tell network/back lease.release',
      'reply c2 route.unreachable',
    ]);
    expect(reach(asking, { type: 'lease.granted', attempt: 2, lease: lost }).context).toMatchObject({ change: null });
    expect(step(asking, { type: 'lease.granted', attempt: 1, lease: lost })).toEqual(['up.configured asking']);
  });

  it('C05 does not prevent a connect to another network, or to the one that has the gateway', () => {
    const without = reach(up, connect, { ...leased, lease: lost } as ActorEvent);
    const has = leaseOf({
      network: 'back',
      addresses: [{ address: '10.99.0.2', prefixLength: 24, gateway: null }],
      routes: [route],
    });
    expect(step(reach(without, connect), { type: 'lease.granted', attempt: 3, lease: has })[1]).toBe('apply join');
    const lame = { ...up, context: { ...up.context, leases: { demo: leaseOf({ routes: [route] }) } } } as At;
    expect(step(reach(lame, connect), leased)).toEqual(['up.configured changing', 'apply join']);
  });
});

describe('C04 a disconnect', () => {
  it('C04 releases the address only after the link is removed', () => {
    expect(step(up, disconnect)).toEqual(['up.configured changing', 'apply leave']);
    expect(step(reach(up, disconnect), applied('leave'))).toEqual([
      'up.configured',
      'announce disconnected',
      'tell network/demo lease.release',
      'reply c2 ok',
    ]);
  });

  it('C04 keeps the address when it fails, as the link may still exist', () => {
    expect(step(reach(up, disconnect), failed('leave', littered))).not.toContain('tell network/demo lease.release');
  });
});

describe('A09 a published port', () => {
  it('A09 with a picked number is unpublished by that number or by 0, and is 0 in the wish', () => {
    const published = reach(publishing, applied('join'));
    expect(published.context.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080, 40_000]);
    expect(published.context.wish?.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080, 0]);
    for (const named of [0, 40_000]) {
      const { context } = reach(published, unpublish(named), applied('leave'));
      expect(context.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080]);
      expect(context.wish?.ports.map(({ hostPort }: PublishedPort) => hostPort)).toEqual([8080]);
    }
  });

  it('A09 with a requested number is not unpublished by 0', () => {
    expect(step(up, unpublish(0))).toEqual(['up.configured', 'reply c3 port.unknown']);
  });
});

describe('a change under way', () => {
  it('makes later commands wait, in order', () => {
    expect(step(connecting, unpublish(8080), applied('join'))).toEqual([
      'up.configured changing',
      'announce connected',
      'reply c2 ok',
      'apply leave',
    ]);
  });

  it('is followed by a verification when drift is suspected in the meantime', () => {
    expect(step(connecting, { type: 'drift.suspected' }, applied('join'))).toEqual([
      'up.configured verifying',
      'announce connected',
      'reply c2 ok',
      'apply verify',
    ]);
  });

  it('is ended by a reboot, which answers the waiting command and releases every claim', () => {
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

it('C06 a reload asks the networks to verify their devices, and verifies the container', () => {
  expect(step(up, { type: 'container.reload', command: 'c2' })).toEqual([
    'up.configured verifying',
    'tell network/demo drift.suspected',
    'apply verify',
  ]);
});
