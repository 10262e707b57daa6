import { assertEvent, assign, enqueueActions, setup } from 'xstate';
import { containerAddress, hostAddress } from '../src/core/actor-address.ts';
import type { Effect } from '../src/core/effect.ts';
import type { CommandId, LeaseRequest, NetworkEvent } from '../src/core/event.ts';
import { type Fault, type FaultCode, fault } from '../src/core/fault.ts';
import { chooseAddresses, type Lease, type Leases, leaseOf } from '../src/core/lease.ts';
import { type NetworkDefinition, type NetworkWish, networkDefinition } from '../src/core/network.ts';
import { lowerPlan, mendPlan, raisePlan } from '../src/core/plan/network.ts';
import { action, deciding, effects } from './effects.ts';

export interface NetworkInput {
  name: string;
}

export interface NetworkContext extends NetworkInput {
  wish: NetworkWish | null;
  created: string;
  definition: NetworkDefinition | null;
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

/** One request against the ledger: the answer, and the ledger after it. A container that asks again keeps what it has. */
function grant(
  definition: NetworkDefinition,
  ledger: Ledger,
  request: LeaseRequest,
): { ledger: Ledger; effect: Effect } {
  const held = ledger.leases[request.container];
  const wanted = request.staticIps.length > 0 ? request.staticIps : (held ?? []);
  const chosen = chooseAddresses(definition, ledger.leases, ledger.lastGiven, wanted, request.container);
  if ('code' in chosen) return { ledger, effect: answerTo(request, { fault: chosen }) };
  const addresses = chosen.map(({ address }) => address);
  const given = definition.subnets.map(({ subnet }, index) => [subnet, addresses[index]] as const);
  const automatic = wanted.length === 0 ? Object.fromEntries(given) : {};
  const lease = leaseOf(definition, chosen);
  return {
    ledger: {
      leases: { ...ledger.leases, [request.container]: addresses },
      lastGiven: { ...ledger.lastGiven, ...(automatic as Record<string, string>) },
    },
    effect: answerTo(request, { lease }),
  };
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
      const { bridge, subnets, automatic } = wish as NetworkWish;
      return [
        { kind: 'tell', to: hostAddress, event: { type: 'subnet.claim', network: name, bridge, subnets, automatic } },
      ];
    }),
    define: assign(({ context, event }) => {
      assertEvent(event, 'subnet.granted');
      return { definition: networkDefinition(context.wish as NetworkWish, { ...event, created: context.created }) };
    }),
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
    raise: decide(({ context: { definition, wish } }) => [
      { kind: 'apply', plan: raisePlan(definition as NetworkDefinition, wish?.mtuBytes ?? null) },
    ]),
    mend: decide(({ context: { definition, wish } }) => [
      { kind: 'apply', plan: mendPlan(definition as NetworkDefinition, wish?.mtuBytes ?? null) },
    ]),
    announceUp: decide(({ context: { definition } }) => [
      { kind: 'announce', fact: 'configured', data: { bridge: definition?.network_interface } },
    ]),
    announceAdopted: decide(({ context: { definition } }) => [
      { kind: 'announce', fact: 'adopted', data: { bridge: definition?.network_interface } },
    ]),
    announceFailed: decide(({ event }) => {
      assertEvent(event, 'steps.failed');
      return [{ kind: 'announce', fact: 'failed', data: { fault: event.fault } }];
    }),
    lower: decide(({ context }) => [
      { kind: 'announce', fact: 'tearing-down', data: {} },
      { kind: 'apply', plan: lowerPlan(context.definition as NetworkDefinition) },
    ]),

    // ---- leases
    wait: assign({ waiting: ({ context, event }) => [...context.waiting, event as LeaseRequest] }),
    grantWaiting: enqueueActions(({ context, enqueue }) => {
      let ledger: Ledger = { leases: context.leases, lastGiven: context.lastGiven };
      for (const request of context.waiting) {
        const granted = grant(context.definition as NetworkDefinition, ledger, request);
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
    isMend: ({ event }) => 'plan' in event && event.plan === 'mend',
    isLower: ({ event }) => 'plan' in event && event.plan === 'lower',
    wasRebooted: ({ event }) => event.type === 'actor.recovered' && event.rebooted,
  },
});

const refuseMeanwhile = {
  'network.create': { actions: 'refuseExists' },
  'network.remove': { actions: 'refuseBusy' },
} as const;

export const networkMachine = machine.createMachine({
  id: 'network',
  description:
    'One network: its bridge, its address leases, its members. The bridge is made for the first member and kept until the end.',
  context: ({ input }) => ({
    ...input,
    wish: null,
    created: '',
    definition: null,
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
        'network.remove': { actions: 'refuseUnknown' },
      },
    },
    claiming: {
      description: 'The host is asked for subnets and a bridge name that nobody else has.',
      on: {
        ...refuseMeanwhile,
        'subnet.granted': { target: 'defined', actions: ['define', 'announceCreated', 'answered'] },
        'subnet.refused': { target: 'absent', actions: ['announceRefused', 'forgetWish'] },
      },
    },
    defined: {
      description: 'Known; nothing of it is in the kernel.',
      on: {
        'network.create': { actions: 'refuseExists' },
        'network.remove': [
          { guard: 'isUsed', actions: 'refuseInUse' },
          { target: 'lowering', actions: 'keepCommand' },
        ],
        'lease.request': { target: 'raising', actions: 'wait' },
      },
    },
    raising: {
      description: 'The bridge is made for the first member, who waits for it.',
      entry: 'raise',
      on: {
        ...refuseMeanwhile,
        'lease.request': { actions: 'wait' },
        'steps.applied': { guard: 'isRaise', target: 'up', actions: ['announceUp', 'grantWaiting'] },
        'steps.failed': { guard: 'isRaise', target: 'defined', actions: ['announceFailed', 'refuseWaiting'] },
        'actor.recovered': { guard: 'wasRebooted', target: 'defined', actions: 'forgetLeases' },
      },
    },
    up: {
      description: 'The bridge is there and works.',
      on: {
        'network.create': { actions: 'refuseExists' },
        'network.remove': [
          { guard: 'isUsed', actions: 'refuseInUse' },
          { target: 'lowering', actions: 'keepCommand' },
        ],
        'lease.request': { actions: ['wait', 'grantWaiting'] },
        'actor.recovered': [{ guard: 'wasRebooted', target: 'defined', actions: 'forgetLeases' }, { actions: 'mend' }],
        'steps.applied': { guard: 'isMend', actions: 'announceAdopted' },
        'steps.failed': { guard: 'isMend', actions: 'announceFailed' },
      },
    },
    lowering: {
      description: 'The bridge is taken down; nobody can join any more.',
      entry: 'lower',
      on: {
        ...refuseMeanwhile,
        'steps.applied': { guard: 'isLower', target: 'removed', actions: ['releaseSubnets', 'announceRemoved'] },
        'steps.failed': {
          guard: 'isLower',
          target: 'defined',
          actions: ['announceFailed', 'replyFailed', 'answered'],
        },
        'actor.recovered': {
          guard: 'wasRebooted',
          target: 'removed',
          actions: ['releaseSubnets', 'announceRemoved'],
        },
      },
    },
    removed: { type: 'final', description: 'Forgotten. Its bridge and its subnets are free.' },
  },
});
