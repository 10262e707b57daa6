import { describe, expect, it } from 'vitest';
import { type ContainerContext, containerMachine } from '../../machines/container/chart.ts';
import { type HostContext, hostMachine } from '../../machines/host/chart.ts';
import { type NetworkContext, networkMachine } from '../../machines/network/chart.ts';
import { type ActorAddress, containerAddress, dhcpClientOf, hostAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { fault } from '../../src/core/fault.ts';
import { definitionOf, leaseOf, termsOf } from '../core/samples.ts';
import { seeded } from '../support/seeded.ts';
import { attachedWishes, attachOf, dhcpLeaseOf, leasedWish, share, wishes } from './terrains/container.ts';
import { networkWish } from './terrains/network.ts';
import { pick, Walker } from './walker.ts';

/**
 * Long random walks. In every order of events, every command and every request of another actor is answered exactly
 * once, and all claims are released. A failing walk names its seed.
 */
const walks = Number(process.env.WALKS ?? 300);
const steps = 60;
const firstSeed = Number(process.env.WALK_SEED ?? Date.now() % 1_000_000);
const seeds = process.env.WALK_SEED ? [firstSeed] : Array.from({ length: walks }, (_, index) => firstSeed + index);

const refusal = fault('address.exhausted', 'no address is left');
const endings = ['applied', 'applied', 'applied', 'failed', 'littered'] as const;

describe('a container with random events', () => {
  it('a container answers every command exactly once, and keeps none of its claims when it is down', () => {
    for (const seed of seeds) {
      const { walker, claims, shares } = liveAsContainer(seeded(seed));
      const story = [`seed ${seed}`, ...walker.trail].join('\n');
      expect(walker.unanswered(), story).toEqual([]);
      expect(shares, story).toBe(0);
      if (['absent', 'created'].includes(walker.state)) expect([...claims], story).toEqual([]);
    }
  });
});

function liveAsContainer(random: () => number) {
  /** a DHCP client gets an address, or loses it */
  const newsOf = (client: ActorAddress, attempt: number): ActorEvent => {
    const { network } = dhcpClientOf(client);
    const news = { command: null, network, attempt } as const;
    return random() < 0.7
      ? { type: 'dhcp.leased', ...news, terms: termsOf() }
      : { type: 'dhcp.lost', ...news, fault: fault('dhcp.expired', 'nobody renewed it') };
  };
  const answers: ActorEvent[] = [];
  const claims = new Set<ActorAddress>();
  /** requests of other containers, minus answers */
  let shares = 0;
  let commands = 0;
  const walker = new Walker<ContainerContext>(
    containerMachine,
    { id: 'web', netnsDirectory: '/netns', attempt: 0 },
    ({ to, event }) => {
      if (to === 'container/other') shares -= 1;
      else if (to === 'container/web') answers.push(event);
      else if (event.type === 'lease.release' || event.type === 'ports.release') claims.delete(to);
      else if (event.type === 'dhcp.end') claims.delete(to);
      else if (event.type === 'dhcp.start') {
        claims.add(to);
        answers.push(newsOf(to, event.attempt));
      } else if ('attempt' in event) {
        const isGranted = random() < 0.8;
        if (isGranted && event.type !== 'netns.share') claims.add(to);
        answers.push(
          isGranted ? grantOf(to, event.attempt) : { type: 'claim.refused', attempt: event.attempt, fault: refusal },
        );
      }
    },
  );
  const command = () => `c${++commands}`;
  const wish = () => pick(random, [...Object.values(wishes), leasedWish]);
  const happenings: (() => void)[] = [
    () => walker.hear({ type: 'container.create', command: command(), wish: wish() }),
    () => walker.hear({ type: 'container.setup', command: command(), wish: wish() }),
    () => walker.hear({ type: 'container.setup', command: command(), wish: null }),
    () => walker.hear(attachOf(command(), pick(random, attachedWishes), pick(random, [1, 1, 2, null]))),
    () => {
      const networks = pick(random, [['back'], ['demo', 'back', 'lan']]);
      walker.hear({ type: 'container.detach', command: command(), networks });
    },
    () => walker.hear({ type: 'network.leave', command: null, network: pick(random, ['demo', 'back']) }),
    () => walker.hear({ type: 'container.started', command: command(), pid: 7, reportsExit: random() < 0.5 }),
    () => walker.hear({ type: 'container.exited', command: command(), pid: pick(random, [7, 8]), exitCode: 3 }),
    () => walker.hear({ type: 'container.abandon', command: command(), from: null }),
    () => walker.hear({ type: 'container.teardown', command: command(), force: true }),
    () => walker.hear({ type: 'container.remove', command: command(), from: null, force: true }),
    () => {
      const deadline = pick(random, ['start', 'exit-code'] as const);
      walker.hear({ type: 'deadline.passed', command: null, deadline, at: walker.snapshot.context.startBy ?? 0 });
    },
    () => walker.hear({ type: 'container.teardown', command: command() }),
    () => walker.hear({ type: 'container.remove', command: command(), from: null }),
    () => walker.hear({ type: 'process.exited', pid: 7 }),
    () => {
      shares += 1;
      walker.hear({ type: 'netns.share', from: 'container/other', attempt: 1 });
    },
    () => {
      const [client] = [...claims].filter((owner) => owner.startsWith('dhcp/'));
      const { attempt } = walker.snapshot.context.leases.lan?.dhcp ?? {};
      if (client && attempt !== undefined && random() < 0.5) answers.push(newsOf(client, attempt));
    },
    () => walker.recover(false),
    () => {
      if (random() > 0.2) return;
      // the client ends by itself in that case
      for (const owner of claims) if (owner.startsWith('dhcp/')) claims.delete(owner);
      walker.recover(true);
    },
    ...Array.from({ length: 6 }, () => () => walker.finish(pick(random, endings))),
    ...Array.from({ length: 6 }, () => () => {
      const answer = answers.shift();
      if (answer) walker.hear(answer);
    }),
  ];
  for (let step = 0; step < steps; step++) pick(random, happenings)();
  while (answers.length > 0 || walker.plans.length > 0) {
    const answer = answers.shift();
    if (answer) walker.hear(answer);
    else walker.finish('applied');
  }
  return { walker, claims, shares };
}

function grantOf(owner: ActorAddress, attempt: number): ActorEvent {
  if (owner === hostAddress) return { type: 'ports.granted', attempt, ports: wishes.bridge.ports, tookMs: 1 };
  if (owner === 'network/lan') return { type: 'lease.granted', attempt, lease: dhcpLeaseOf('lan', attempt) };
  if (owner.startsWith('network/'))
    return { type: 'lease.granted', attempt, lease: leaseOf({ network: owner.replace('network/', '') }) };
  return { type: 'netns.shared', attempt, share };
}

describe('a network with random events', () => {
  it('a network answers every command and every request exactly once, and knows its members', () => {
    for (const seed of seeds) {
      const { walker, asking, members } = liveAsNetwork(seeded(seed));
      const story = [`seed ${seed}`, ...walker.trail].join('\n');
      expect(walker.unanswered(), story).toEqual([]);
      expect([...asking], story).toEqual([]);
      expect(Object.keys(walker.snapshot.context.leases).sort(), story).toEqual([...members].sort());
    }
  });
});

function liveAsNetwork(random: () => number) {
  const { network_interface: bridge, subnets } = definitionOf();
  const answers: ActorEvent[] = [];
  /** containers that wait for an answer, and those that have got an address */
  const asking = new Set<string>();
  const members = new Set<string>();
  /** containers that a forced removal has asked to leave */
  const asked: string[] = [];
  let commands = 0;
  const walker = new Walker<NetworkContext>(networkMachine, { name: 'demo' }, ({ to, event }) => {
    const name = to.replace('container/', '');
    if (event.type === 'subnet.claim')
      answers.push(
        random() < 0.8 ? { type: 'subnet.granted', bridge, subnets } : { type: 'subnet.refused', fault: refusal },
      );
    if (event.type === 'forwarding.claim')
      answers.push(random() < 0.8 ? { type: 'forwarding.granted' } : { type: 'forwarding.refused', fault: refusal });
    if (event.type === 'network.leave') asked.push(name);
    if (event.type !== 'lease.granted' && event.type !== 'claim.refused') return;
    if (!asking.delete(name)) asking.add(`${name}, twice`);
    if (event.type === 'lease.granted') members.add(name);
  });
  const forget = (name: string) => {
    asking.delete(name);
    members.delete(name);
  };
  const command = () => `c${++commands}`;
  const someone = () => pick(random, ['a', 'b', 'c']);
  const happenings: (() => void)[] = [
    () => walker.hear({ type: 'network.create', command: command(), wish: networkWish, created: 'now' }),
    () => walker.hear({ type: 'network.remove', command: command() }),
    () => walker.hear({ type: 'network.remove', command: command(), force: true }),
    () => {
      const container = someone();
      if (members.has(container)) walker.hear({ type: 'lease.leaving', container });
    },
    // from containers that were asked to leave: success or refusal
    () => {
      const container = asked.shift();
      if (container === undefined || !members.has(container)) return;
      if (random() < 0.3) return walker.hear({ type: 'membership.refused', container, fault: refusal });
      forget(container);
      walker.hear({ type: 'lease.release', container });
    },
    ...Array.from({ length: 3 }, () => () => {
      const container = someone();
      if (asking.has(container) || members.has(container)) return;
      asking.add(container);
      const staticIps = random() < 0.2 ? ['10.99.0.1'] : [];
      walker.hear({ type: 'lease.request', container, attempt: 1, staticIps, aliases: [], onLoopback: random() < 0.5 });
    }),
    () => {
      const container = someone();
      forget(container);
      walker.hear({ type: 'lease.release', container });
    },
    () => walker.recover(false),
    () => {
      if (random() > 0.2) return;
      // every container gets the notice as well, and drops its requests
      walker.recover(true);
      for (const container of ['a', 'b', 'c']) {
        forget(container);
        walker.hear({ type: 'lease.release', container });
      }
    },
    ...Array.from({ length: 4 }, () => () => walker.finish(pick(random, endings))),
    () => {
      const answer = answers.shift();
      if (answer) walker.hear(answer);
    },
  ];
  for (let step = 0; step < steps; step++) pick(random, happenings)();
  const isWaiting = () => walker.state === 'emptying' || walker.snapshot.context.held.length > 0;
  while (answers.length > 0 || walker.plans.length > 0 || isWaiting()) {
    const answer = answers.shift();
    if (answer) walker.hear(answer);
    else if (walker.plans.length > 0) walker.finish('applied');
    else walker.hear({ type: 'deadline.passed', command: null, deadline: 'leaving', at: 5 });
  }
  return { walker, asking, members };
}

describe('the host with random events', () => {
  it('the host answers every claim and every command exactly once, and knows the holder of each resource', () => {
    for (const seed of seeds) {
      const { walker, asking, holders } = liveAsHost(seeded(seed));
      const story = [`seed ${seed}`, ...walker.trail].join('\n');
      const { ports, holding, networks, surveying, portsWaiting } = walker.snapshot.context;
      expect([...asking], story).toEqual([]);
      expect([...Object.keys(ports), ...Object.keys(networks)].sort(), story).toEqual([...holders].sort());
      expect([holding, surveying, portsWaiting], story).toEqual([{}, [], []]);
      expect(walker.unanswered(), story).toEqual([]);
    }
  });
});

function liveAsHost(random: () => number) {
  const { ports } = wishes.bridge;
  const asking = new Set<string>();
  const holders = new Set<string>();
  let attempts = 0;
  let commands = 0;
  const answers: ActorEvent[] = [];
  const walker = new Walker<HostContext>(hostMachine, undefined, ({ to, event }) => {
    if (event.type === 'container.abandon') {
      const why = random() < 0.5 ? null : fault('container.running', 'it was started meanwhile');
      answers.push({ type: 'container.abandoned', container: to.replace('container/', ''), fault: why });
      return;
    }
    const name = to.slice(to.indexOf('/') + 1);
    const key = 'attempt' in event ? `${name} ${event.attempt}` : name;
    if (!asking.delete(key)) asking.add(`${key}, unasked`);
    if (event.type === 'ports.granted' || event.type === 'subnet.granted') holders.add(name);
  });
  const isAsking = (name: string) => [...asking].some((key) => key.split(' ')[0] === name);
  const release = (name: string) => {
    for (const key of [...asking]) if (key.split(' ')[0] === name) asking.delete(key);
    holders.delete(name);
  };
  const container = () => pick(random, ['a', 'b', 'c']);
  const network = () => pick(random, ['x', 'y']);
  const start = (rebooted: boolean) => {
    walker.recover(rebooted);
    walker.hear({ type: 'host.start' });
  };
  const happenings: (() => void)[] = [
    () => start(false),
    () => random() < 0.3 && start(true),
    ...Array.from({ length: 3 }, () => () => {
      const name = container();
      if (isAsking(name) || holders.has(name)) return;
      asking.add(`${name} ${++attempts}`);
      walker.hear({ type: 'ports.claim', container: name, attempt: attempts, ports: random() < 0.5 ? ports : [] });
    }),
    ...Array.from({ length: 2 }, () => () => {
      const name = container();
      release(name);
      walker.hear({ type: 'ports.release', container: name });
    }),
    () => walker.hear({ type: 'ports.leaving', container: container() }),
    () => {
      const [waiting] = walker.snapshot.context.portsWaiting ?? [];
      if (!waiting || waiting.until === null || random() < 0.5) return;
      const claimant = containerAddress(waiting.container);
      walker.hear({ type: 'deadline.passed', command: null, deadline: 'leaving', at: waiting.until, claimant });
    },
    () => {
      const name = network();
      if (isAsking(name) || holders.has(name)) return;
      asking.add(name);
      walker.hear({
        type: 'subnet.claim',
        network: name,
        bridge: null,
        sharesLink: false,
        subnets: [],
        automatic: [4],
      });
    },
    () => {
      const name = network();
      if (!holders.delete(name)) return;
      walker.hear({ type: 'subnet.release', network: name });
    },
    () => {
      const unstarted = ['a', 'b', 'c'].filter(() => random() < 0.5).map((id) => ({ id, name: id, owner: null }));
      const found = { leftovers: [], doubtful: [] };
      walker.hear({ type: 'node.gc', command: `c${++commands}`, steps: [], found, unstarted });
    },
    () => {
      const answer = answers.shift();
      if (answer) walker.hear(answer);
    },
    ...Array.from({ length: 5 }, () => () => walker.finish(pick(random, endings), outputs)),
  ];
  walker.hear({ type: 'host.start' });
  for (let step = 0; step < steps; step++) pick(random, happenings)();
  // a reboot includes the containers: each releases what it may have claimed
  start(true);
  for (const name of ['a', 'b', 'c']) {
    release(name);
    walker.hear({ type: 'ports.release', container: name });
  }
  while (walker.plans.length > 0 || answers.length > 0) {
    const answer = answers.shift();
    if (answer) walker.hear(answer);
    else walker.finish('applied', outputs);
  }
  return { walker, asking, holders };
}

const outputs = [{ port: 8080, deadlineAt: 5, survey: { connected: [], routes: [], linkNames: [], bridges: [] } }];
