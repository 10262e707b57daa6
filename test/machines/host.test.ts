import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/effect.ts';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { Leftovers } from '../../src/core/gc.ts';
import type { Purpose } from '../../src/core/plan/purpose.ts';
import type { Step } from '../../src/core/steps/step.ts';
import { wishes } from './terrains/container.ts';
import { applied, begin, brief, failed, follow, littered, recovered, type Snapshot, stateName } from './walk.ts';

type At = Snapshot<HostContext>;

const { ports } = wishes.bridge;
const picked = ports.map((port) => ({ ...port, hostPort: 0 }));
const claimPorts = (container: string, attempt = 1, wanted = ports): ActorEvent => ({
  type: 'ports.claim',
  container,
  attempt,
  ports: wanted,
});
const releasePorts = (container: string): ActorEvent => ({ type: 'ports.release', container });
const claimSubnets = (network: string): ActorEvent => ({
  type: 'subnet.claim',
  network,
  bridge: null,
  sharesLink: false,
  subnets: [],
  automatic: [4],
});
const surveyed = applied('survey', [{ survey: { connected: [], routes: [], linkNames: ['lo'], bridges: [] } }]);
const hostStart: ActorEvent = { type: 'host.start' };
const reach = (from: At, ...events: ActorEvent[]): At => follow(hostMachine, from, ...events).next;

const starting = reach(begin<HostContext>(hostMachine), hostStart);
const serving = reach(starting, applied('base'));
const holding = reach(serving, claimPorts('a'));
const hold = (container: string, attempt: number): Purpose => ({ kind: 'hold', container, attempt });
const held = reach(holding, applied(hold('a', 1), [{ port: 8080 }]));

function step(from: At, ...events: ActorEvent[]): string[] {
  const { next, effects } = follow(hostMachine, from, ...events);
  return [stateName(next.value), ...effects.map(brief)];
}
const effectsOf = (from: At, ...events: ActorEvent[]): Effect[] => follow(hostMachine, from, ...events).effects;

describe('the host', () => {
  it('the host loads the base ruleset before it serves', () => {
    expect(step(begin<HostContext>(hostMachine), hostStart)).toEqual(['starting', 'apply base']);
    expect(step(starting, applied('base'))).toEqual(['serving', 'announce serving']);
    expect(step(starting, failed('base'))).toEqual(['failed', 'announce failed']);
  });

  it('the host answers claims in every state: those waiting at a restart are not lost', () => {
    for (const from of [starting, serving, reach(starting, failed('base'))]) {
      expect(step(from, claimPorts('a')).at(-1)).toBe('apply hold a 1');
      expect(step(from, claimSubnets('demo')).at(-1)).toBe('apply survey');
    }
  });
});

describe('N14 files of definitions that are not loaded', () => {
  const web = { file: 'web.json', reason: 'id: must be 64 hex digits' };
  const read = (...damaged: (typeof web)[]): ActorEvent => ({ type: 'definitions.read', damaged });
  const told = reach(serving, read(web));

  it('refused definition files are announced once each, and again for another reason, or after they were valid in between', () => {
    expect(effectsOf(serving, read(web))).toEqual([{ kind: 'announce', fact: 'definition-damaged', data: web }]);
    expect(effectsOf(told, read(web))).toEqual([]);
    const other = { ...web, reason: 'driver: none' };
    expect(effectsOf(told, read(other))).toMatchObject([{ data: other }]);
    expect(effectsOf(told, read())).toEqual([]);
    expect(effectsOf(reach(told, read()), read(web))).toHaveLength(1);
  });

  it('refused definition files are not announced again after a restart', () => {
    expect(step(told, hostStart, applied('base'), read(web))).not.toContain('announce definition-damaged');
  });
});

describe('A09 published ports', () => {
  it('A09 published ports are really held before they are granted', () => {
    expect(step(serving, claimPorts('a'))).toEqual(['serving', 'apply hold a 1']);
    expect(step(holding, applied(hold('a', 1), [{ port: 8080 }]))).toEqual([
      'serving',
      'tell container/a ports.granted',
    ]);
  });

  it('A09 published ports with a picked number are granted with that number', () => {
    const choosing = reach(serving, claimPorts('a', 1, picked));
    expect(effectsOf(choosing, applied(hold('a', 1), [{ port: 41000 }]))).toMatchObject([
      { event: { type: 'ports.granted', attempt: 1, ports: [{ hostPort: 41000 }] } },
    ]);
  });

  it('A09 published ports of another container are refused at once, without asking the kernel', () => {
    for (const from of [holding, held])
      expect(effectsOf(from, claimPorts('b'))).toMatchObject([
        { to: 'container/b', event: { type: 'claim.refused', fault: { code: 'port.taken' } } },
      ]);
  });

  it('A09 published ports that the kernel refuses are refused, and free for others', () => {
    expect(step(holding, failed(hold('a', 1)))).toEqual(['serving', 'tell container/a claim.refused']);
    expect(step(holding, failed(hold('a', 1)), claimPorts('b'))).toEqual(['serving', 'apply hold b 1']);
  });

  it('N16 published ports that an engine has bound are not bound again, and the other ones are', () => {
    const [one] = ports as [(typeof ports)[number]];
    const byEngine = { ...one, heldByCaller: true as const };
    const known = reach(serving, claimPorts('a', 1, [byEngine]));
    expect(step(known, claimPorts('a', 2, [{ ...one, hostIp: '127.0.0.1' }]))).toEqual([
      'serving',
      'tell container/a ports.granted',
    ]);
    const ofOne = reach(serving, claimPorts('a', 1, [{ ...byEngine, hostIp: '0.0.0.0' }]));
    const asked = [one, { ...one, hostPort: 0 }];
    const { next, effects } = follow(hostMachine, ofOne, claimPorts('a', 2, asked));
    expect(effects).toMatchObject([
      {
        plan: {
          steps: [
            { addresses: ['::'], port: 8080 },
            { addresses: ['0.0.0.0', '::'], port: 0 },
          ],
        },
      },
    ]);
    expect(effectsOf(next, applied(hold('a', 2), [{ port: 8080 }, { port: 41000 }]))).toMatchObject([
      { event: { type: 'ports.granted', ports: [one, { ...one, hostPort: 41000 }] } },
    ]);
  });

  it("C03 published ports become the claim's own when another container releases them, in part or completely", () => {
    const [one] = ports as [(typeof ports)[number]];
    const byEngine = { ...one, heldByCaller: true as const };
    const six = { ...byEngine, hostIp: '::' };
    const beside = reach(serving, claimPorts('a', 1, [byEngine]), claimPorts('b', 1, [six]));
    expect(beside.context.ports.b).toEqual([{ ...six, without: [6] }]);
    for (const release of [releasePorts('a'), { ...releasePorts('a'), ports: [byEngine] } as ActorEvent]) {
      expect(effectsOf(beside, release)).toMatchObject([
        { to: 'container/b', event: { type: 'ports.freed', ports: [six] } },
      ]);
      expect(reach(beside, release).context.ports.b).toEqual([six]);
    }
    expect(effectsOf(beside, releasePorts('b'))).toEqual([]);
  });

  it('A09 published ports are released once', () => {
    expect(step(held, releasePorts('a'))).toEqual(['serving', 'apply release a']);
    expect(step(held, releasePorts('a'), releasePorts('a'))).toEqual(['serving']);
  });

  it('A09 published ports are reported when they cannot be released', () => {
    expect(step(held, releasePorts('a'), failed({ kind: 'release', container: 'a' }))).toEqual([
      'serving',
      'announce port-stuck',
    ]);
  });

  it('A09 published ports of an abandoned claim do not answer the next one', () => {
    const again = reach(holding, releasePorts('a'), claimPorts('a', 2, picked));
    expect(step(again, applied(hold('a', 1), [{ port: 8080 }]))).toEqual(['serving']);
    expect(step(again, failed(hold('a', 1)))).toEqual(['serving']);
    expect(
      effectsOf(again, applied(hold('a', 1), [{ port: 8080 }]), applied(hold('a', 2), [{ port: 41000 }])),
    ).toMatchObject([{ event: { type: 'ports.granted', attempt: 2, ports: [{ hostPort: 41000 }] } }]);
  });
});

describe('subnets', () => {
  it('subnets are picked beside those in use on the host at that moment', () => {
    expect(step(serving, claimSubnets('demo'))).toEqual(['serving', 'apply survey']);
    expect(effectsOf(serving, claimSubnets('demo'), surveyed)).toMatchObject([
      {
        to: 'network/demo',
        event: { type: 'subnet.granted', bridge: 'netloom0', subnets: [{ subnet: '10.89.0.0/24' }] },
      },
    ]);
  });

  it('subnets are granted to one network after another', () => {
    const both = reach(serving, claimSubnets('x'), claimSubnets('y'));
    expect(effectsOf(both, surveyed)).toMatchObject([{ to: 'network/x', event: { bridge: 'netloom0' } }]);
    expect(effectsOf(both, surveyed, surveyed)).toMatchObject([
      { to: 'network/y', event: { bridge: 'netloom1', subnets: [{ subnet: '10.89.1.0/24' }] } },
    ]);
  });

  it('subnets are refused to the network in turn when the host cannot be inspected', () => {
    const both = reach(serving, claimSubnets('x'), claimSubnets('y'));
    expect(step(both, failed('survey'))).toEqual(['serving', 'tell network/x subnet.refused']);
    expect(step(both, failed('survey'), surveyed)).toEqual(['serving', 'tell network/y subnet.granted']);
  });

  it('subnets are free again after their release', () => {
    const given = reach(serving, claimSubnets('x'), surveyed, { type: 'subnet.release', network: 'x' });
    expect(effectsOf(given, claimSubnets('y'), surveyed)).toMatchObject([{ event: { bridge: 'netloom0' } }]);
  });
});

describe('a restart of the daemon', () => {
  it('a restart of the daemon loads the ruleset unless it exists, and holds every port again', () => {
    expect(step(held, hostStart)).toEqual(['starting', 'apply hold-again a', 'apply base']);
  });

  it('a restart of the daemon holds the ports again when it follows before the last one was finished', () => {
    expect(step(held, hostStart, hostStart)).toEqual(['starting', 'apply hold-again a', 'apply base']);
  });

  it('a restart of the daemon adds no hold for a claim under way, as its plan is repeated anyway', () => {
    expect(step(holding, hostStart)).toEqual(['starting', 'apply base']);
  });

  it('a restart of the daemon reports a port that another program has taken meanwhile; the container keeps its claim', () => {
    const again = reach(held, hostStart);
    expect(step(again, failed({ kind: 'hold-again', container: 'a' }))).toEqual(['starting', 'announce port-lost']);
    expect(step(again, releasePorts('a'), failed({ kind: 'hold-again', container: 'a' }))).toEqual(['starting']);
  });
});

describe('drift', () => {
  const found = applied('mend', [], [{ verb: 'nft.load' }]);
  const given = reach(held, claimSubnets('x'), surveyed);

  it('drift is verified by the host when it is suspected, and not announced when the ruleset is intact', () => {
    expect(step(given, { type: 'drift.suspected' })).toEqual(['serving', 'apply mend']);
    expect(step(given, { type: 'drift.suspected' }, applied('mend'))).toEqual(['serving']);
  });

  it('drift of the ruleset is announced, and sent to every actor with elements', () => {
    expect(step(given, { type: 'drift.suspected' }, found)).toEqual([
      'serving',
      'announce drift-detected',
      'announce drift-healed',
      'tell network/x drift.suspected',
      'tell container/a drift.suspected',
      'tell network/x ruleset.loaded',
    ]);
  });

  it('drift is announced once when it cannot be healed, and the host is degraded until it is healed', () => {
    const degraded = reach(given, { type: 'drift.suspected' }, failed('mend'));
    expect(step(given, { type: 'drift.suspected' }, failed('mend'))).toEqual([
      'degraded',
      'announce drift-detected',
      'announce degraded',
    ]);
    expect(step(degraded, claimPorts('b', 1, picked)).at(-1)).toBe('apply hold b 1');
    expect(step(degraded, { type: 'drift.suspected' }, failed('mend'))).toEqual(['degraded']);
    expect(step(degraded, { type: 'drift.suspected' }, found)[0]).toBe('serving');
  });

  it("drift of the uplink's address and of the resolver is announced", () => {
    expect(
      effectsOf(serving, { type: 'uplink.changed', hostIp: '192.0.2.9', link: 'up0', mtuBytes: 1500 }),
    ).toMatchObject([
      { fact: 'drift-detected', data: { what: 'uplink', hostIp: '192.0.2.9', link: 'up0', mtuBytes: 1500 } },
      { fact: 'drift-healed', data: { what: 'uplink', hostIp: '192.0.2.9', link: 'up0', mtuBytes: 1500 } },
    ]);
    expect(effectsOf(serving, { type: 'resolver.lost' })).toMatchObject([{ fact: 'drift-detected' }]);
    expect(effectsOf(serving, { type: 'resolver.replaced' })).toMatchObject([{ fact: 'drift-healed' }]);
  });
});

describe('leftovers', () => {
  const found: Leftovers = { leftovers: [{ kind: 'link', name: 'lost0', owner: 'network/lost' }], doubtful: [] };
  const steps: Step[] = [{ verb: 'link.delete', netns: null, name: 'lost0' }];
  const sweep: ActorEvent = { type: 'node.gc', command: 'c1', steps, found, unstarted: [] };

  it('leftovers are removed, and listed in the reply', () => {
    expect(step(serving, sweep)).toEqual(['serving', 'apply sweep c1']);
    expect(effectsOf(serving, sweep, applied({ kind: 'sweep', command: 'c1' }))).toEqual([
      { kind: 'reply', command: 'c1', output: { ...found, dryRun: false, failed: [], unstarted: [] } },
    ]);
  });

  it('leftovers are listed with the reason when they cannot be removed', () => {
    expect(effectsOf(serving, sweep, failed({ kind: 'sweep', command: 'c1' }, littered))).toMatchObject([
      { command: 'c1', output: { failed: littered.leftBehind } },
    ]);
  });

  it('leftovers are forgotten after a reboot', () => {
    expect(step(serving, sweep, recovered(true))).toEqual(['serving', 'reply c1 ok']);
    expect(step(serving, sweep, recovered(true), applied({ kind: 'sweep', command: 'c1' }))).toEqual(['serving']);
  });
});

describe('a reboot', () => {
  it('a reboot keeps the claims of networks that wait for subnets', () => {
    const both = reach(serving, claimSubnets('x'), claimSubnets('y'));
    expect(step(both, recovered(true))).toEqual(['serving', 'apply survey', 'apply survey']);
    expect(step(both, recovered(false))).toEqual(['serving']);
  });
});
