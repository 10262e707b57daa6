import { describe, expect, it } from 'vitest';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import { containerAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { HostPurpose } from '../../src/core/plan/purpose.ts';
import type { PublishedPort } from '../../src/core/port.ts';
import { wishes } from './terrains/container.ts';
import { applied, asking, begin, failed } from './walk.ts';

/** Ports of containers that are being taken down: claims of the same ports wait for their release. */

const { reach, step, effectsOf, kernelStepsOf } = asking<HostContext>(hostMachine);

const [port] = wishes.bridge.ports as [PublishedPort];
const other = { ...port, hostPort: 9090 };
const claim = (container: string, ports = [port], attempt = 1): ActorEvent => ({
  type: 'ports.claim',
  container,
  attempt,
  ports,
});
const leave = (container: string): ActorEvent => ({ type: 'ports.leaving', container });
const release = (container: string, ports: PublishedPort[] | null = null): ActorEvent => ({
  type: 'ports.release',
  container,
  ports,
});
const passed = (container: string, at: number): ActorEvent => ({
  type: 'deadline.passed',
  command: null,
  deadline: 'leaving',
  at,
  claimant: containerAddress(container),
});
const waitOf = (container: string): HostPurpose => ({ kind: 'wait', claimant: containerAddress(container) });
const hold = (container: string, attempt = 1): HostPurpose => ({ kind: 'hold', container, attempt });
const deadlineSet = (container: string, at: number) => applied(waitOf(container), [{ deadlineAt: at }]);
const refused = (container: string) => ({
  to: `container/${container}`,
  event: { type: 'claim.refused', fault: { code: 'port.taken', message: expect.stringContaining('container a') } },
});

const serving = reach(begin<HostContext>(hostMachine), { type: 'host.start' }, applied('base'));
const held = reach(serving, claim('a'), applied(hold('a'), [{ port: 8080 }]));
const leaving = reach(held, leave('a'));
const waiting = reach(leaving, claim('b'), deadlineSet('b', 5));

describe('B08 a claim of ports that only leaving containers hold', () => {
  it('B08 a claim of ports of leaving containers waits, with a deadline, and is decided when they are released', () => {
    expect(step(leaving, claim('b'))).toEqual(['serving', 'apply wait container/b']);
    expect(kernelStepsOf(leaving, claim('b'))).toEqual([
      {
        verb: 'deadline.set',
        owner: 'host',
        deadline: 'leaving',
        withinMs: 2_000,
        at: null,
        claimant: 'container/b',
      },
    ]);
    expect(step(waiting, release('a'))).toEqual(['serving', 'apply release a', 'apply hold b 1']);
    expect(step(waiting, release('a'), applied(hold('b'), [{ port: 8080 }]))).toEqual([
      'serving',
      'tell container/b ports.granted',
    ]);
  });

  it('B08 a claim of ports of leaving containers is refused at once if another one of its ports belongs to a container that stays', () => {
    const beside = reach(leaving, claim('c', [other]), applied(hold('c'), [{ port: 9090 }]));
    expect(effectsOf(beside, claim('b', [port, other]))).toMatchObject([
      { to: 'container/b', event: { fault: { message: expect.stringContaining('container c') } } },
    ]);
  });

  it('B08 a claim of ports of leaving containers is refused when its deadline passes, and not when that of an earlier claim passes', () => {
    expect(effectsOf(waiting, passed('b', 5))).toMatchObject([refused('b')]);
    expect(step(waiting, passed('b', 4))).toEqual(['serving']);
    expect(step(waiting, passed('c', 5))).toEqual(['serving']);
    expect(step(waiting, passed('b', 5), release('a'))).toEqual(['serving', 'apply release a']);
  });

  it('B08 a claim of ports of leaving containers is refused when its deadline cannot be set', () => {
    expect(effectsOf(reach(leaving, claim('b')), failed(waitOf('b')))).toMatchObject([refused('b')]);
  });

  it('B08 a claim of ports of leaving containers is granted in its turn: a later claim of the same port is refused then', () => {
    const both = reach(waiting, claim('c'), deadlineSet('c', 6));
    expect(step(both, release('a'))).toEqual([
      'serving',
      'apply release a',
      'apply hold b 1',
      'tell container/c claim.refused',
    ]);
  });

  it('B08 a claim of ports of leaving containers keeps waiting, until its first deadline, for the last of several leaving containers', () => {
    const two = reach(held, claim('c', [other]), applied(hold('c'), [{ port: 9090 }]), leave('a'), leave('c'));
    const forBoth = reach(two, claim('b', [port, other]), deadlineSet('b', 5));
    expect(step(forBoth, release('a'))).toEqual(['serving', 'apply release a']);
    expect(effectsOf(forBoth, release('a'), passed('b', 5))).toMatchObject([{ to: 'container/b' }]);
    expect(step(forBoth, release('a'), release('c'))).toEqual(['serving', 'apply release c', 'apply hold b 1']);
  });

  it('B08 a claim of ports of leaving containers is dropped when its container gives up, and not when that releases other ports', () => {
    expect(step(waiting, release('b'), release('a'))).toEqual(['serving', 'apply release a']);
    expect(step(waiting, release('b', [port]), release('a'))).toEqual(['serving', 'apply release a']);
    expect(step(waiting, release('b', [other]), release('a')).at(-1)).toBe('apply hold b 1');
  });

  it('B08 a claim of ports of leaving containers is refused when the leaving container claims ports again', () => {
    expect(effectsOf(waiting, claim('a', [other], 2))).toMatchObject([
      refused('b'),
      { kind: 'apply', plan: { purpose: hold('a', 2) } },
    ]);
  });

  it('B08 a claim of ports of leaving containers counts partial releases: a container whose last port is released is not leaving any longer', () => {
    const two = reach(leaving, release('a', [other]));
    expect(step(two, claim('b')).at(-1)).toBe('apply wait container/b');
    const again = reach(leaving, release('a'), claim('a', [port], 2), applied(hold('a', 2), [{ port: 8080 }]));
    expect(effectsOf(again, claim('b'))).toMatchObject([refused('b')]);
  });

  it('B08 a claim of ports of leaving containers is granted when the ports that it waits for could not be bound after all', () => {
    const holding = reach(serving, claim('a'), leave('a'), claim('b'), deadlineSet('b', 5));
    expect(step(holding, failed(hold('a')))).toEqual(['serving', 'tell container/a claim.refused', 'apply hold b 1']);
  });

  it('B08 a claim of ports of leaving containers of an engine that binds its ports itself also waits, and is granted without a hold', () => {
    const own = { ...port, heldByCaller: true as const };
    const engine = reach(leaving, claim('b', [own]), deadlineSet('b', 5));
    expect(step(engine, release('a'))).toEqual(['serving', 'apply release a', 'tell container/b ports.granted']);
  });

  it('B08 a claim of ports of leaving containers sees which of two claims has the shared family, when their engine let both begin', () => {
    const own = { ...port, heldByCaller: true as const };
    const six = { ...own, hostIp: '::' };
    const beside = reach(serving, claim('a', [own]), claim('c', [six]), leave('a'), claim('b'), deadlineSet('b', 5));
    expect(effectsOf(beside, release('a'))).toMatchObject([
      { to: 'container/c', event: { type: 'ports.freed', ports: [six] } },
      { to: 'container/b', event: { type: 'claim.refused' } },
    ]);
  });

  it('B08 a claim of ports of leaving containers keeps its deadline over a restart of the daemon', () => {
    const again = { type: 'host.start' } as const;
    expect(step(waiting, again)).toEqual(['starting', 'apply hold-again a', 'apply wait container/b', 'apply base']);
    expect(kernelStepsOf(waiting, again)).toContainEqual(expect.objectContaining({ verb: 'deadline.set', at: 5 }));
    // the plan that sets it is repeated without the machine
    expect(step(reach(leaving, claim('b')), again)).toEqual(['starting', 'apply hold-again a', 'apply base']);
  });

  it('B08 a claim of ports of leaving containers does not wait for a container that holds nothing', () => {
    expect(reach(serving, leave('a'), claim('a')).context.portsLeaving).toEqual([]);
  });
});
