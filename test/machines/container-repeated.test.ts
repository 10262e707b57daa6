import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import type { ContainerWish } from '../../src/core/container/wish.ts';
import { wishOf } from '../core/samples.ts';
import { grantsFor } from './terrains/container.ts';
import { applied, asking, begin, failed, type Snapshot, stateName } from './walk.ts';

/** P09: a set-up that is sent twice. */

type At = Snapshot<ContainerContext>;
const { reach, step, effectsOf } = asking<ContainerContext>(containerMachine);
const start: At = begin(containerMachine, { id: 'web', netnsDirectory: '/netns', attempt: 0 });
const setUp = (wish: ContainerWish | null, command: string, more: object = {}): ActorEvent => ({
  type: 'container.setup',
  command,
  wish,
  ...more,
});
const made = applied('setup', [{ netns: { path: '/netns/netloom-web', inode: 7 } }]);
const request = {
  networks: [{ network: 'one', staticIps: ['10.99.0.9', 'fd00::9'], aliases: ['www', 'api'] }, { network: 'two' }],
  ports: [
    { hostPort: 8080, containerPort: 80 },
    { hostPort: 8443, containerPort: 443 },
  ],
  labels: { app: 'shop', tier: 'web' },
} satisfies Partial<ContainerRequest>;
const claiming = reach(start, setUp(wishOf(request), 'c1'));
const granted = reach(claiming, ...grantsFor(claiming.context));
const up = reach(granted, made);

const again = (more: Partial<ContainerRequest>): ActorEvent => setUp(wishOf({ ...request, ...more }), 'c2');
const answer = (from: At, event: ActorEvent) =>
  effectsOf(from, event).find((effect) => effect.kind === 'reply' && effect.command === 'c2');

describe('P09 a set-up that is repeated', () => {
  it('P09 gets the same status again, before and after its process starts', () => {
    const [first] = effectsOf(granted, made).filter(({ kind }) => kind === 'reply');
    const running = reach(up, { type: 'container.started', command: 'c3', pid: 7 });
    for (const from of [up, running]) expect(answer(from, again({}))).toEqual({ ...first, command: 'c2' });
  });

  it('P09 gets the status while the first one is under way, with the same wish or with the stored one', () => {
    for (const event of [again({}), setUp(null, 'c2')])
      for (const from of [claiming, granted]) {
        const waiting = reach(from, event, ...grantsFor(from.context));
        expect(step(waiting, made).slice(-1)).toEqual(['reply c2 ok']);
      }
  });

  it('P09 is another attempt when the first one has failed', () => {
    const failing = reach(reach(granted, again({})), failed('setup'));
    expect(stateName(failing.value)).toBe('claiming');
  });

  it.each<[string, Partial<ContainerRequest>]>([
    ['another order of ports', { ports: [...request.ports].reverse() }],
    [
      'another order of static addresses and aliases',
      {
        networks: [
          { network: 'one', staticIps: ['fd00:0::9', '10.99.0.9'], aliases: ['api', 'www'] },
          { network: 'two' },
        ],
      },
    ],
    [
      'default values that are written out',
      {
        mode: 'bridge',
        name: 'web',
        removeOnExit: false,
        dnsServers: [],
        labels: { tier: 'web', app: 'shop' },
        ports: request.ports.map((port) => ({ ...port, protocol: 'tcp', hostIp: null, range: 1 })),
      },
    ],
    [
      'the interface names that are chosen by default',
      { networks: request.networks.map((one, index) => ({ ...one, interfaceName: `eth${index}` })) },
    ],
  ])('P09 counts as the same wish with %s', (_, more) => {
    expect(step(up, again(more))).toEqual(['up.configured', 'reply c2 ok']);
  });

  it.each<[string, Partial<ContainerRequest>]>([
    ['networks', { networks: request.networks.slice(0, 1) }],
    ['networks', { networks: [...request.networks].reverse() }],
    ['ports', { ports: request.ports.slice(0, 1) }],
    ['labels', { labels: { ...request.labels, app: 'blog' } }],
    ['labels', { labels: null }],
    ['mode, networks, and ports', { mode: 'none', networks: null, ports: null }],
    ['name servers', { dnsServers: ['192.0.2.53'] }],
    ['removal on exit', { removeOnExit: true }],
    ['owner and start deadline', { owner: 'podman', startWithinMs: 1_000 }],
    ['name and pod', { name: 'shop' }],
  ])('P09 is refused with the difference in %s', (what, more) => {
    expect(answer(up, again(more))).toMatchObject({
      fault: {
        code: 'container.state',
        message: `the network of container web is already set up, and this set-up differs in: ${what}; tear it down first`,
      },
    });
  });

  it('P09 compares its overrides with the present set-up', () => {
    const overrides = [{ network: 'one' }];
    expect(answer(up, setUp(null, 'c2', { overrides }))).toMatchObject({ fault: { code: 'container.state' } });
    const other = reach(start, setUp(wishOf(request), 'c1', { overrides }));
    const replaced = reach(other, ...grantsFor(other.context), made);
    expect(step(replaced, setUp(wishOf(request), 'c2', { overrides }))).toEqual(['up.configured', 'reply c2 ok']);
    expect(answer(replaced, again({}))).toMatchObject({ fault: { message: expect.stringContaining('networks') } });
  });

  it('P09 is refused when it requires a new container', () => {
    expect(step(up, setUp(wishOf(request), 'c2', { isNew: true }))).toEqual([
      'up.configured',
      'reply c2 container.exists',
    ]);
  });
});
