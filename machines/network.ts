import { assertEvent, assign, enqueueActions, setup } from 'xstate';
import { containerAddress, hostAddress } from '../src/core/actor-address.ts';
import type { Effect } from '../src/core/effect.ts';
import type { CommandId, LeaseRequest, NetworkEvent } from '../src/core/event.ts';
import { type Fault, type FaultCode, fault } from '../src/core/fault.ts';
import { chooseAddresses, type Lease, type Leases, leaseOf, type NetworkDevice } from '../src/core/lease.ts';
import { answersNames, type NetworkDefinition, type NetworkWish, networkDefinition } from '../src/core/network.ts';
import { definePlan, lowerPlan, mendPlan, raisePlan, updatePlan } from '../src/core/plan/network.ts';
import { action, deciding, effects } from './effects.ts';

export interface NetworkInput {
  name: string;
  /** the names of containers end in this */
  searchDomain: string;
}

export interface NetworkContext extends NetworkInput {
  wish: NetworkWish | null;
  created: string;
  definition: NetworkDefinition | null;
  /** the definition that is about to take the place of the present one */
  update: NetworkDefinition | null;
  /** bridge or parent, while the network is up */
  device: NetworkDevice | null;
  /** the daemon was restarted: whether all is there is being looked at */
  adopting: boolean;
  /** something was seen to vanish while it was being changed */
  suspected: boolean;
  /** its file went without us: one of that name is another network's by now */
  lost: boolean;
  lastFault: Fault | null;
  /** members: container id → addresses, in subnet order */
  leases: Leases;
  /** subnet → the address that was given last, so that none is reused at once */
  lastGiven: Record<string, string>;
  /** requests that came before the bridge was up, in order */
  waiting: LeaseRequest[];
  command: CommandId;
}

type Decide = { context: NetworkContext; event: NetworkEvent };

const decide = deciding<NetworkContext, NetworkEvent>();

const commandOf = (event: NetworkEvent): CommandId => ('command' in event ? event.command : null);

const refusal = (code: FaultCode, message: (args: Decide) => string) =>
  decide((args) => [{ kind: 'reply', command: commandOf(args.event), fault: fault(code, message(args)) }]);

const answerTo = ({ container, attempt }: LeaseRequest, answer: { lease: Lease } | { fault: Fault }): Effect => ({
  kind: 'tell',
  to: containerAddress(container),
  event:
    'lease' in answer ? { type: 'lease.granted', attempt, ...answer } : { type: 'claim.refused', attempt, ...answer },
});

type Ledger = Pick<NetworkContext, 'leases' | 'lastGiven'>;

const grantOf = ({ definition, searchDomain }: NetworkContext, changed: NetworkDefinition | null = null) => ({
  definition: changed ?? (definition as NetworkDefinition),
  searchDomain,
});

type Grounds = Pick<NetworkContext, 'definition' | 'device' | 'searchDomain'>;

/** One request against the ledger: the answer, and the ledger after it. A container that asks again keeps what it has. */
function grant(grounds: Grounds, ledger: Ledger, request: LeaseRequest): { ledger: Ledger; effect: Effect } {
  const definition = grounds.definition as NetworkDefinition;
  const refusal = refuseAliases(definition, request);
  if (refusal) return { ledger, effect: answerTo(request, { fault: refusal }) };
  const held = ledger.leases[request.container];
  const wanted = request.staticIps.length > 0 ? request.staticIps : (held ?? []);
  const chosen = chooseAddresses(definition, ledger.leases, ledger.lastGiven, wanted, request.container);
  if ('code' in chosen) return { ledger, effect: answerTo(request, { fault: chosen }) };
  const addresses = chosen.map(({ address }) => address);
  const given = definition.subnets.map(({ subnet }, index) => [subnet, addresses[index]] as const);
  const automatic = wanted.length === 0 ? Object.fromEntries(given) : {};
  const lease = leaseOf(definition, grounds.device as NetworkDevice, grounds.searchDomain, chosen);
  return {
    ledger: {
      leases: { ...ledger.leases, [request.container]: addresses },
      lastGiven: { ...ledger.lastGiven, ...(automatic as Record<string, string>) },
    },
    effect: answerTo(request, { lease }),
  };
}

/** A08: nobody would answer for them. */
function refuseAliases(definition: NetworkDefinition, { aliases, container }: LeaseRequest): Fault | null {
  if (answersNames(definition) || aliases.length === 0) return null;
  return fault(
    'mode.conflict',
    `network ${definition.name} has no DNS: container ${container} cannot have the alias ${aliases[0]} there`,
  );
}

const machine = setup({
  types: { context: {} as NetworkContext, events: {} as NetworkEvent, input: {} as NetworkInput },
  actions: {
    ...effects,

    // ---- definition
    keepWish: assign(({ event }) => {
      assertEvent(event, 'network.create');
      return { wish: event.wish, created: event.created, command: event.command };
    }),
    claimSubnets: decide(({ context: { name, wish } }) => {
      const { link: bridge, sharesLink, subnets, automatic } = wish as NetworkWish;
      return [
        {
          kind: 'tell',
          to: hostAddress,
          event: { type: 'subnet.claim', network: name, bridge, sharesLink, subnets, automatic },
        },
      ];
    }),
    define: assign(({ context, event }) => {
      assertEvent(event, 'subnet.granted');
      return { definition: networkDefinition(context.wish as NetworkWish, { ...event, created: context.created }) };
    }),
    write: decide(({ context: { definition } }) => [
      { kind: 'apply', plan: definePlan(definition as NetworkDefinition) },
    ]),
    refuseDefinition: decide(({ context: { command, name }, event }) => {
      assertEvent(event, 'steps.failed');
      return [
        { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
        { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
        { kind: 'reply', command, fault: event.fault },
      ];
    }),
    /** Somebody else's: nothing is asked and nothing written, only kept. */
    note: enqueueActions(({ context: { name }, event, enqueue }) => {
      assertEvent(event, 'definition.found');
      const { definition } = event;
      const { network_interface: bridge, subnets } = definition;
      enqueue.assign({ definition, created: definition.created });
      enqueue({
        type: 'tell',
        params: { to: hostAddress, event: { type: 'subnet.note', network: name, bridge, subnets } },
      });
    }),
    announceFound: decide(({ context: { definition } }) => [
      { kind: 'announce', fact: 'created', data: { definition } },
    ]),
    announceWritten: decide(({ event }) => driftFacts(event, ['definition.write'])),
    keepUpdate: assign(({ context, event }) => {
      assertEvent(event, ['network.update', 'definition.found']);
      const definition = context.definition as NetworkDefinition;
      if (event.type === 'definition.found')
        return { update: { ...definition, network_dns_servers: event.definition.network_dns_servers }, command: null };
      const { addDnsServers, removeDnsServers } = event;
      const kept = definition.network_dns_servers.filter((server) => !removeDnsServers.includes(server));
      const network_dns_servers = [...new Set([...kept, ...addDnsServers])];
      return { update: { ...definition, network_dns_servers }, command: event.command };
    }),
    rewrite: decide(({ context }) => [
      {
        kind: 'apply',
        plan: updatePlan(
          context.definition as NetworkDefinition,
          grantOf(context, context.update),
          context.device !== null,
        ),
      },
    ]),
    keepUpdated: assign({ definition: ({ context }) => context.update, update: null }),
    announceUpdated: decide(({ context: { command, update } }) => [
      { kind: 'announce', fact: 'updated', data: { definition: update } },
      { kind: 'reply', command, output: { definition: update } },
    ]),
    replyUpdateFailed: decide(({ context: { command }, event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'reply', command, fault: event.fault }];
    }),
    refuseUpdate: decide(({ context: { command, name } }) => [
      {
        kind: 'reply',
        command,
        fault: fault('container.busy', `network ${name} was being changed when the host went down`),
      },
    ]),
    dropUpdate: assign({ update: null }),
    announceCreated: decide(({ context: { command, definition } }) => [
      { kind: 'announce', fact: 'created', data: { definition } },
      { kind: 'reply', command, output: { definition } },
    ]),
    announceRefused: decide(({ context: { command }, event }) => {
      assertEvent(event, 'subnet.refused');
      return [
        { kind: 'announce', fact: 'failed', data: { fault: event.fault } },
        { kind: 'reply', command, fault: event.fault },
      ];
    }),
    forgetWish: assign({ wish: null, command: null }),
    answered: assign({ command: null }),

    // ---- device
    raise: decide(({ context }) => [{ kind: 'apply', plan: raisePlan(grantOf(context)) }]),
    mend: decide(({ context }) => [{ kind: 'apply', plan: mendPlan(grantOf(context)) }]),
    keepDevice: assign(({ context, event }) => {
      assertEvent(event, 'steps.applied');
      const found = event.outputs.find(({ link }) => link)?.link;
      return { device: found ?? context.device, lastFault: null };
    }),
    keepFault: assign(({ event }) => {
      assertEvent(event, 'steps.failed');
      return { lastFault: event.fault };
    }),
    forgetDevice: assign({ device: null, lastFault: null }),
    announceUp: decide(({ context: { device } }) => [
      { kind: 'announce', fact: 'configured', data: { bridge: device?.name } },
    ]),
    keepAdopting: assign({ adopting: true }),
    announceMended: decide(({ context: { adopting, device, leases }, event }) => {
      assertEvent(event, 'steps.applied');
      const adopted: Effect[] = adopting ? [{ kind: 'announce', fact: 'adopted', data: { bridge: device?.name } }] : [];
      return [...adopted, ...driftFacts(event), ...(event.changed.length > 0 ? suspectMembers(leases) : [])];
    }),
    /** That it was degraded was told; its members could not be put right either until now. */
    announceHealed: decide(({ context: { adopting, device, leases }, event }) => {
      assertEvent(event, 'steps.applied');
      const { changed: steps, tookMs } = event;
      const adopted: Effect[] = adopting ? [{ kind: 'announce', fact: 'adopted', data: { bridge: device?.name } }] : [];
      return [
        ...adopted,
        { kind: 'announce', fact: 'drift-healed', data: { steps, tookMs } },
        ...suspectMembers(leases),
      ];
    }),
    announceDegraded: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return [
        { kind: 'announce', fact: 'drift-detected', data: { steps: event.changed, fault: event.fault } },
        { kind: 'announce', fact: 'degraded', data: { fault: event.fault } },
      ];
    }),
    adopted: assign({ adopting: false }),
    announceFailed: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'announce', fact: 'failed', data: { fault: event.fault } }];
    }),
    lower: decide(({ context }) => [
      { kind: 'announce', fact: 'tearing-down', data: {} },
      {
        kind: 'apply',
        plan: lowerPlan(grantOf(context), {
          forget: !context.lost,
          unmake: context.wish !== null || context.device !== null,
        }),
      },
    ]),

    // ---- leases
    wait: assign({ waiting: ({ context, event }) => [...context.waiting, event as LeaseRequest] }),
    grantWaiting: enqueueActions(({ context, enqueue }) => {
      let ledger: Ledger = { leases: context.leases, lastGiven: context.lastGiven };
      for (const request of context.waiting) {
        const granted = grant(context, ledger, request);
        ledger = granted.ledger;
        enqueue(action(granted.effect) as never);
      }
      enqueue.assign({ ...ledger, waiting: [] });
    }),
    refuseWaiting: enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, 'steps.failed');
      for (const request of context.waiting) {
        enqueue(action(answerTo(request, { fault: event.fault })) as never);
      }
      enqueue.assign({ waiting: [] });
    }),
    refuseLease: decide(({ context, event }) => {
      assertEvent(event, 'lease.request');
      return [answerTo(event, { fault: fault('network.unknown', `no network ${context.name}`) })];
    }),
    release: assign(({ context, event }) => {
      assertEvent(event, 'lease.release');
      const { [event.container]: _, ...leases } = context.leases;
      return { leases, waiting: context.waiting.filter(({ container }) => container !== event.container) };
    }),
    forgetLeases: assign({ leases: {}, waiting: [] }),

    // ---- removal
    keepLoss: assign({ lost: true, command: null }),
    suspect: assign({ suspected: true }),
    forgetSuspicion: assign({ suspected: false }),
    keepCommand: assign({ command: ({ event }) => commandOf(event) }),
    releaseSubnets: decide(({ context: { name } }) => [
      { kind: 'tell', to: hostAddress, event: { type: 'subnet.release', network: name } },
    ]),
    announceRemoved: decide(({ context: { name, command } }) => [
      { kind: 'announce', fact: 'removed', data: {} },
      { kind: 'reply', command, output: { name } },
    ]),
    replyFailed: decide(({ context: { command }, event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'reply', command, fault: event.fault }];
    }),

    // ---- refusals
    refuseUnknown: refusal('network.unknown', ({ context }) => `no network ${context.name}`),
    refuseExists: refusal('network.exists', ({ context }) => `network already exists: ${context.name}`),
    refuseInUse: refusal('network.in-use', ({ context }) => {
      const members = [...Object.keys(context.leases), ...context.waiting.map(({ container }) => container)];
      return `network ${context.name} is used by ${members.slice(0, 5).join(', ')}${members.length > 5 ? ` and ${members.length - 5} more` : ''}`;
    }),
    refuseBusy: refusal('container.busy', ({ context }) => `network ${context.name} is being changed; try again`),
  },
  guards: {
    isUsed: ({ context }) => Object.keys(context.leases).length > 0 || context.waiting.length > 0,
    // told apart by the plan: a bridge that was verified may be asked to go before the result is known
    isRaise: ({ event }) => 'plan' in event && event.plan === 'raise',
    hasWaiting: ({ context }) => context.waiting.length > 0,
    isUpdateOfDevice: ({ context, event }) => 'plan' in event && event.plan === 'update' && context.device !== null,
    isDefine: ({ event }) => 'plan' in event && event.plan === 'define',
    isUpdate: ({ event }) => 'plan' in event && event.plan === 'update',
    asksOthers: ({ context, event }) =>
      event.type === 'definition.found' &&
      JSON.stringify(event.definition.network_dns_servers) !== JSON.stringify(context.definition?.network_dns_servers),
    isSuspected: ({ context }) => context.suspected,
    isMend: ({ event }) => 'plan' in event && event.plan === 'mend',
    isLower: ({ event }) => 'plan' in event && event.plan === 'lower',
    wasRebooted: ({ event }) => event.type === 'actor.recovered' && event.rebooted,
  },
});

type Applied = Extract<NetworkEvent, { type: 'steps.applied' }>;

/** What had to be put back; of a plan that does not look first, all of it. */
function driftFacts(event: NetworkEvent, steps = (event as Applied).changed): Effect[] {
  if (steps.length === 0) return [];
  return [
    { kind: 'announce', fact: 'drift-detected', data: { steps } },
    { kind: 'announce', fact: 'drift-healed', data: { steps, tookMs: (event as Applied).tookMs } },
    ...rulesetLoaded(steps),
  ];
}

/** Others may have lost their elements with it. */
function rulesetLoaded(changed: readonly string[]): Effect[] {
  return changed.includes('nft.load') ? [{ kind: 'tell', to: hostAddress, event: { type: 'ruleset.loaded' } }] : [];
}

/** What hangs on the bridge may have gone with it. */
function suspectMembers(leases: Leases): Effect[] {
  return Object.keys(leases).map((id) => ({
    kind: 'tell',
    to: containerAddress(id),
    event: { type: 'drift.suspected' },
  }));
}

const refuseMeanwhile = {
  'network.create': { actions: 'refuseExists' },
  'network.remove': { actions: 'refuseBusy' },
  'network.update': { actions: 'refuseBusy' },
} as const;

const removal = [
  { guard: 'isUsed', actions: 'refuseInUse' },
  { target: 'lowering', actions: 'keepCommand' },
] as const;

/** Its file is gone: so is the network, unless somebody uses it. Then the file comes back. */
const lossOfDefinition = [
  { guard: 'isUsed', actions: 'write' },
  { target: 'lowering', actions: 'keepLoss' },
] as const;

export const networkMachine = machine.createMachine({
  id: 'network',
  description:
    'One network: its device, its address leases, its members. The device is made for the first member and kept until the end.',
  context: ({ input }) => ({
    ...input,
    wish: null,
    created: '',
    definition: null,
    update: null,
    device: null,
    adopting: false,
    suspected: false,
    lost: false,
    lastFault: null,
    leases: {},
    lastGiven: {},
    waiting: [],
    command: null,
  }),
  initial: 'absent',
  on: {
    'lease.request': { actions: 'refuseLease' },
    'lease.release': { actions: 'release' },
  },
  states: {
    absent: {
      description: 'Nobody has wished for it yet.',
      on: {
        'network.create': { target: 'claiming', actions: ['keepWish', 'claimSubnets'] },
        'network.update': { actions: 'refuseUnknown' },
        'network.remove': { actions: 'refuseUnknown' },
        'definition.found': { target: 'defined', actions: ['note', 'announceFound'] },
      },
    },
    claiming: {
      description: 'The host is asked for subnets and a bridge name that nobody else has.',
      on: {
        ...refuseMeanwhile,
        'subnet.granted': { target: 'defining', actions: 'define' },
        'subnet.refused': { target: 'absent', actions: ['announceRefused', 'forgetWish'] },
      },
    },
    defining: {
      description: 'Its definition is written where the definitions of this host are.',
      entry: 'write',
      on: {
        ...refuseMeanwhile,
        'lease.request': { actions: 'wait' },
        'steps.applied': { guard: 'isDefine', target: 'defined', actions: ['announceCreated', 'answered'] },
        // the plan went with the host
        'actor.recovered': { guard: 'wasRebooted', target: 'defining', reenter: true },
        'steps.failed': {
          guard: 'isDefine',
          target: 'absent',
          actions: ['refuseDefinition', 'refuseWaiting', 'forgetWish'],
        },
      },
    },
    defined: {
      description: 'Known; nothing of it is in the kernel.',
      always: { guard: 'hasWaiting', target: 'raising' },
      on: {
        'network.create': { actions: 'refuseExists' },
        'network.update': { target: 'updating', actions: 'keepUpdate' },
        'network.remove': removal,
        'definition.found': { guard: 'asksOthers', target: 'updating', actions: 'keepUpdate' },
        'definition.lost': lossOfDefinition,
        'lease.request': { target: 'raising', actions: 'wait' },
        'steps.applied': { guard: 'isDefine', actions: 'announceWritten' },
        'steps.failed': { guard: 'isDefine', actions: 'announceFailed' },
      },
    },
    updating: {
      description: 'Its definition is changed, and what of it is in force while containers use it.',
      entry: 'rewrite',
      on: {
        ...refuseMeanwhile,
        'lease.request': { actions: 'wait' },
        'drift.suspected': { actions: 'suspect' },
        'steps.applied': [
          {
            guard: 'isUpdateOfDevice',
            target: 'up',
            actions: ['announceUpdated', 'keepUpdated', 'answered', 'grantWaiting'],
          },
          { guard: 'isUpdate', target: 'defined', actions: ['announceUpdated', 'keepUpdated', 'answered'] },
        ],
        'steps.failed': [
          {
            guard: 'isUpdateOfDevice',
            target: 'up',
            actions: ['replyUpdateFailed', 'dropUpdate', 'answered', 'grantWaiting'],
          },
          { guard: 'isUpdate', target: 'defined', actions: ['replyUpdateFailed', 'dropUpdate', 'answered'] },
        ],
        // the plan went with the host
        'actor.recovered': [
          {
            guard: 'wasRebooted',
            target: 'defined',
            actions: ['forgetLeases', 'forgetDevice', 'refuseUpdate', 'dropUpdate', 'answered'],
          },
          { actions: ['keepAdopting', 'suspect'] },
        ],
      },
    },
    raising: {
      description: 'The device is made for the first member, who waits for it.',
      entry: 'raise',
      on: {
        ...refuseMeanwhile,
        'lease.request': { actions: 'wait' },
        'drift.suspected': { actions: 'suspect' },
        'steps.applied': { guard: 'isRaise', target: 'up', actions: ['keepDevice', 'announceUp', 'grantWaiting'] },
        'steps.failed': { guard: 'isRaise', target: 'defined', actions: ['announceFailed', 'refuseWaiting'] },
        'actor.recovered': { guard: 'wasRebooted', target: 'defined', actions: ['forgetLeases', 'forgetDevice'] },
      },
    },
    up: {
      description: 'The device is there and works.',
      always: { guard: 'isSuspected', actions: ['forgetSuspicion', 'mend'] },
      on: {
        'network.create': { actions: 'refuseExists' },
        'network.update': { target: 'updating', actions: 'keepUpdate' },
        'network.remove': removal,
        'definition.found': { guard: 'asksOthers', target: 'updating', actions: 'keepUpdate' },
        'definition.lost': lossOfDefinition,
        'lease.request': { actions: ['wait', 'grantWaiting'] },
        'drift.suspected': { actions: 'mend' },
        'actor.recovered': [
          { guard: 'wasRebooted', target: 'defined', actions: ['forgetLeases', 'forgetDevice'] },
          { actions: ['keepAdopting', 'mend'] },
        ],
        'steps.applied': [
          { guard: 'isMend', actions: ['keepDevice', 'announceMended', 'adopted'] },
          { guard: 'isDefine', actions: 'announceWritten' },
        ],
        'steps.failed': [
          { guard: 'isMend', target: 'degraded', actions: ['keepFault', 'announceDegraded', 'adopted'] },
          { guard: 'isDefine', actions: 'announceFailed' },
        ],
      },
    },
    degraded: {
      description:
        'Something of it is missing and could not be put back; the next notice, or the next member, tries again.',
      on: {
        ...refuseMeanwhile,
        'network.remove': removal,
        'definition.lost': lossOfDefinition,
        'lease.request': { actions: ['wait', 'mend'] },
        'drift.suspected': { actions: 'mend' },
        'actor.recovered': [
          { guard: 'wasRebooted', target: 'defined', actions: ['forgetLeases', 'forgetDevice'] },
          { actions: ['keepAdopting', 'mend'] },
        ],
        'steps.applied': [
          { guard: 'isMend', target: 'up', actions: ['keepDevice', 'announceHealed', 'adopted', 'grantWaiting'] },
          { guard: 'isDefine', actions: 'announceWritten' },
        ],
        'steps.failed': [
          { guard: 'isMend', actions: ['keepFault', 'adopted', 'refuseWaiting'] },
          { guard: 'isDefine', actions: 'announceFailed' },
        ],
      },
    },
    lowering: {
      description: 'The device is taken down and the definition forgotten; nobody can join any more.',
      entry: 'lower',
      on: {
        ...refuseMeanwhile,
        'steps.applied': { guard: 'isLower', target: 'removed', actions: ['releaseSubnets', 'announceRemoved'] },
        'steps.failed': {
          guard: 'isLower',
          target: 'defined',
          actions: ['announceFailed', 'replyFailed', 'answered', 'forgetDevice'],
        },
        'actor.recovered': {
          // the plan went with the host, but not the file
          guard: 'wasRebooted',
          target: 'lowering',
          reenter: true,
        },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Its bridge and its subnets are free.' },
  },
});
