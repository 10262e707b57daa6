import { describe, expect, it } from 'vitest';
import type { Content, StoredActor } from '../../src/actors/journal/migrations/content.ts';
import { interrupted, settle } from '../../src/actors/journal/migrations/unfinished.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';

const nothingUnderWay = { command: null, deferred: [], change: null, suspected: null, sharers: [], awaiting: [] };
const leases = { web: { network: 'web' } };
const ports = [{ hostPort: 80 }];
const container = {
  wish: { attachments: [{ network: 'web' }] },
  leases,
  ports,
  share: null,
  inode: 7,
  lastFault: null,
};
const network = { device: { name: 'netloom0' }, definition: { name: 'web' }, leases: { c1: ['10.0.0.2'] }, wish: null };
const host = { ports: { c1: ports }, networks: { web: {} }, holding: { c1: { attempt: 1 } } };

const contentOf = (actors: Record<string, Partial<StoredActor>>): Content => ({
  actors: new Map(
    Object.entries(actors).map(([address, { value = 'up', context = {} }]): [ActorAddress, StoredActor] => [
      address as ActorAddress,
      { value, context },
    ]),
  ),
  messages: [],
});

/** A container in that state, with its network and host. */
const with1 = (value: StoredActor['value'], more: object = {}): Content =>
  contentOf({
    'container/c1': { value, context: { ...container, command: 'id', ...more } },
    'network/web': { value: 'up', context: network },
    host: { value: 'serving', context: host },
  });

const c1 = ({ actors }: Content) => actors.get('container/c1');

describe('P06 what was under way before an upgrade', () => {
  it.each(['created', 'failed'])('a container that is %s stays as it is', (value) => {
    const after = settle(with1(value));
    expect(c1(after)).toEqual({ value, context: { ...container, ...nothingUnderWay } });
  });

  it('a set-up whose claims were not all granted has failed, and releases what was granted', () => {
    const after = settle(with1('claiming'));
    expect(c1(after)).toMatchObject({ value: 'failed', context: { leases: {}, ports: [], lastFault: interrupted } });
    expect(after.messages).toEqual([
      { to: 'network/web', event: { type: 'lease.release', container: 'c1' } },
      { to: 'host', event: { type: 'ports.release', container: 'c1' } },
    ]);
  });

  it.each(['building', 'leasing', 'addressing', 'unconfiguring', 'unlinking'])(
    'a container that was %s has failed, and knows that something is left',
    (value) => {
      const after = settle(with1(value));
      expect(c1(after)).toMatchObject({
        value: 'failed',
        context: { leases, ports, lastFault: { code: interrupted.code, leftBehind: [{ errno: null }] } },
      });
      expect(after.messages).toEqual([]);
    },
  );

  it.each([
    ['asking', 'settled'],
    ['changing', 'settled'],
    ['withdrawing', 'settled'],
    ['looking', 'settled'],
    ['verifying', 'settled'],
    ['unleased', 'unleased'],
    ['degraded', 'degraded'],
  ])('a container whose wiring was %s is %s', (wiring, settled) => {
    const after = settle(with1({ up: { process: 'running', wiring } }));
    expect(c1(after)?.value).toEqual({ up: { process: 'running', wiring: settled } });
  });

  it('a container that was joining a network has not joined it', () => {
    const joining = { leases: { ...leases, back: { network: 'back' } }, change: { kind: 'join' } };
    const content = with1({ up: { process: 'configured', wiring: 'changing' } }, joining);
    const back = { value: 'up', context: { ...network, leases: { c1: ['10.1.0.2'] } } };
    const after = settle({ ...content, actors: new Map([...content.actors, ['network/back', back]]) });
    expect(c1(after)?.context).toMatchObject({ leases, change: null });
    expect(after.messages).toEqual([{ to: 'network/back', event: { type: 'lease.release', container: 'c1' } }]);
  });

  it.each([
    ['raising', null, 'degraded'],
    ['routing', null, 'defined'],
    ['lowering', network.device, 'up'],
    ['updating', network.device, 'up'],
  ])('a network that was %s is %3$s', (value, device, settled) => {
    const context = { ...network, device, leases: {}, waiting: [{}], update: {} };
    const { actors } = settle(contentOf({ 'network/web': { value, context } }));
    expect(actors.get('network/web')).toMatchObject({ value: settled, context: { waiting: [], update: null } });
  });

  it('a network that was being defined is forgotten, and its place is free', () => {
    const defining = { value: 'defining', context: { ...network, leases: {} } };
    const after = settle(
      contentOf({ 'network/web': defining, host: { value: 'serving', context: { ...host, ports: {} } } }),
    );
    expect([...after.actors.keys()]).toEqual(['host']);
    expect(after.messages).toEqual([{ to: 'host', event: { type: 'subnet.release', network: 'web' } }]);
  });

  it('a DHCP client ends with the container that it was for', () => {
    const client = { value: 'bound', context: {} };
    const { actors } = settle(
      contentOf({ 'dhcp/c1/web': client, 'container/c1': { value: 'claiming', context: container } }),
    );
    expect([...actors.keys()]).toEqual(['container/c1']);
  });
});
