import { describe, expect, it } from 'vitest';
import { type NetworkContext, networkMachine } from '../../machines/network/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { definitionOf } from '../core/samples.ts';
import { device, foreignDefinition, leaseRequest } from './terrains/network.ts';
import { applied, asking, begin, failed, recovered } from './walk.ts';

/** A network that an engine brings needs the place of this one: the host asks whether it stays. */

const { reach, step, kernelStepsOf } = asking<NetworkContext>(networkMachine);

const asked: ActorEvent = { type: 'place.asked' };
const granted: ActorEvent = { type: 'forwarding.granted' };
const raised = applied('raise', [{ link: device }]);
const lost: ActorEvent = { type: 'definition.lost' };
const leaving = (container: string): ActorEvent => ({ type: 'lease.leaving', container });
const release = (container: string): ActorEvent => ({ type: 'lease.release', container });
const kept = 'tell host place.kept';

const start = begin<NetworkContext>(networkMachine, { name: 'demo', searchDomain: 'dns.netloom', node: 'testnode' });
const defined = reach(start, { type: 'definition.found', definition: definitionOf() });
const filed = reach(defined, leaseRequest('a'), granted, raised);
const brought = reach(start, leaseRequest('a', { definition: foreignDefinition }), granted, raised);

describe('N14 a network whose place another one needs', () => {
  it('a network with a file answers that it stays, even if its members are leaving', () => {
    expect(step(defined, asked)).toEqual(['defined', kept]);
    expect(step(filed, asked)).toEqual(['up', kept]);
    expect(step(filed, leaving('a'), asked)).toEqual(['up', kept]);
    expect(step(reach(filed, { type: 'drift.suspected' }, failed('mend')), asked)).toEqual(['degraded', kept]);
  });

  it('a network without a file answers that it stays while a container uses it', () => {
    expect(step(brought, asked)).toEqual(['up', kept]);
    const two = reach(brought, leaseRequest('b'), leaving('a'));
    expect(step(two, asked)).toEqual(['up', kept]);
    const waiting = reach(start, leaseRequest('a', { definition: foreignDefinition }));
    expect(step(waiting, asked)).toEqual(['routing', kept]);
  });

  it('a network without a file does not answer when all members are leaving: it releases its place with the last one', () => {
    const left = reach(brought, leaving('a'));
    expect(step(left, asked)).toEqual(['up']);
    expect(step(left, asked, release('a'))).toContain('tell host forwarding.leave');
    expect(step(left, asked, release('a'), applied('lower'))).toContain('tell host forwarding.release');
    expect(step(left, leaseRequest('a'), asked)).toEqual(['up', kept]);
  });

  it('a network without a file does not answer when its first container gave up before it was up', () => {
    const raising = reach(start, leaseRequest('a', { definition: foreignDefinition }), granted);
    const given = reach(raising, release('a'));
    expect(step(given, asked)).toEqual(['raising']);
    expect(step(given, asked, raised)).toContain('tell host forwarding.leave');
  });

  it('a network that has lost its file does not answer while its members are leaving, whenever it is asked', () => {
    const emptying = reach(filed, leaving('a'), lost);
    expect(step(filed, leaving('a'), lost)).toEqual(['emptying', 'tell host forwarding.leave', 'apply await-leaving']);
    expect(step(emptying, asked)).toEqual(['emptying']);
    // the next daemon claims its place again
    expect(step(reach(emptying, recovered(false)), asked)).toEqual(['emptying']);
    expect(step(reach(emptying, release('a')), asked)).toEqual(['lowering']);
    expect(step(defined, lost, asked)).toEqual(['lowering']);
  });

  it('a network handles a second notice of its lost file like the first one', () => {
    const emptying = reach(filed, leaving('a'), lost);
    expect(step(emptying, lost)).toEqual(['emptying']);
    const used = [`tell container/a drift.suspected`, 'tell container/a membership.asked'];
    expect(step(filed, lost)).toEqual(['up', ...used]);
    expect(step(filed, lost, lost)).toEqual(['up', ...used]);
    expect(step(reach(filed, lost), asked)).toEqual(['up', kept]);
    expect(step(defined, lost, lost)).toEqual(['lowering']);
    expect(step(start, lost)).toEqual(['absent']);
  });

  it('a network that is refused its place deletes nothing, as the bridge belongs to another network', () => {
    const own = { ...definitionOf(), created: 'later' };
    const routing = reach(start, leaseRequest('a', { definition: own }));
    const refused: ActorEvent = { type: 'forwarding.refused', fault: fault('link.exists', 'taken') };
    expect(step(routing, refused)[0]).toBe('lowering');
    expect(kernelStepsOf(routing, refused).map(({ verb }) => verb)).toEqual(['dns.retire']);
    const up = reach(routing, granted, raised, leaving('a'));
    expect(kernelStepsOf(up, release('a')).map(({ verb }) => verb)).toContain('link.delete');
  });

  it('an unknown network answers that it stays, as it has released its place before', () => {
    expect(step(start, asked)).toEqual(['absent', kept]);
  });
});
