import type { StateFrom } from 'xstate';
import { dhcpSetup } from './actions.ts';

export type { DhcpContext, DhcpInput } from './context.ts';

/** After a restart of the daemon: repeats the question, and keeps the lease by the wall clock. */
const asBefore = (target: string) => ({ 'actor.recovered': { guard: 'wasRestarted', target, reenter: true } }) as const;

/** Another server may answer: the one that made the offer is the last choice from now on. */
const unacknowledged = { 'dhcp.unacknowledged': { target: 'selecting', actions: 'keepSilence' } } as const;

/** Renewals of a lease: the container is notified if anything but its time has changed. */
const renewals = [
  { guard: 'isOther', target: 'bound', actions: ['tellLeased', 'keepTerms'] },
  { target: 'bound', actions: ['announceRenewed', 'keepTerms'] },
] as const;

export const dhcpMachine = dhcpSetup.createMachine({
  id: 'dhcp',
  description:
    "DHCP client of one container on one network. Acquires and renews the lease; the container's teardown releases it.",
  context: ({ input }) => ({ ...input, attempt: 0, place: null, offer: null, avoid: null, terms: null }),
  initial: 'absent',
  on: {
    'dhcp.start': { target: '.acquiring', actions: 'keepPlace' },
    'dhcp.end': { target: '.ending' },
    'dhcp.neighbours': { actions: 'keepNeighbours' },
    'actor.recovered': { guard: 'wasRebooted', target: '.absent', actions: 'forget' },
  },
  states: {
    absent: {
      description: 'Not asking for an address.',
      on: { 'dhcp.end': {}, 'actor.recovered': {} },
    },
    acquiring: {
      description: 'The container waits for its first address.',
      initial: 'selecting',
      on: {
        'dhcp.acknowledged': { target: 'leased', actions: ['tellLeased', 'keepTerms'] },
        'dhcp.timeout': { target: 'unanswered', actions: 'tellLost' },
        'steps.failed': { target: 'unanswered', actions: 'tellLost' },
        ...asBefore('acquiring'),
      },
      states: {
        selecting: {
          description: 'Asks any server for an address.',
          entry: 'discover',
          on: { 'dhcp.offered': { target: 'requesting', actions: 'keepOffer' } },
        },
        requesting: {
          description: 'Requests the offered address from the server that offered it.',
          entry: 'request',
          on: { 'dhcp.refused': { target: 'selecting' }, ...unacknowledged },
        },
      },
    },
    unanswered: {
      description: 'No server answered in time; the container has been notified and will end this client.',
    },
    leased: {
      description: 'The container has an address, until the lease expires.',
      initial: 'bound',
      on: {
        'dhcp.refused': { target: 'lost', actions: ['tellLost', 'announceLost'] },
        'dhcp.expired': { target: 'lost', actions: ['tellLost', 'announceLost'] },
        'steps.failed': { actions: 'announceUnasked' },
      },
      states: {
        bound: {
          description: 'The lease is valid and not yet due for renewal.',
          entry: 'keep',
          on: {
            'dhcp.t1': { target: 'renewing' },
            // no daemon ran at T1
            'dhcp.t2': { target: 'rebinding' },
            ...asBefore('bound'),
          },
        },
        renewing: {
          description: 'Asks the server that granted the lease to renew it.',
          entry: 'renew',
          on: { 'dhcp.acknowledged': renewals, 'dhcp.t2': { target: 'rebinding' }, ...asBefore('renewing') },
        },
        rebinding: {
          description: 'That server does not answer; asks any server to renew the lease.',
          entry: 'rebind',
          on: { 'dhcp.acknowledged': renewals, ...asBefore('rebinding') },
        },
      },
    },
    lost: {
      description:
        'The lease has ended: the container has no address there. Asks servers until one assigns an address.',
      initial: 'selecting',
      on: {
        'dhcp.acknowledged': { target: 'leased', actions: ['tellLeased', 'keepTerms'] },
        'steps.failed': { actions: 'announceUnasked' },
        // the client may accept now what it refused before
        'dhcp.neighbours': { target: 'lost', reenter: true, actions: 'keepNeighbours' },
        ...asBefore('lost'),
      },
      states: {
        selecting: {
          description: 'Asks any server for an address, at a slow rate.',
          entry: 'discoverAgain',
          on: { 'dhcp.offered': { target: 'requesting', actions: 'keepOffer' } },
        },
        requesting: {
          description: 'Requests the offered address from the server that offered it.',
          entry: 'requestAgain',
          on: { 'dhcp.refused': { target: 'selecting' }, ...unacknowledged },
        },
      },
    },
    ending: {
      description: 'Stops timers and retransmissions.',
      entry: 'stop',
      on: {
        'dhcp.end': {},
        'steps.applied': { guard: 'isStop', target: 'absent', actions: 'forget' },
        'steps.failed': { guard: 'isStop', target: 'absent', actions: 'forget' },
        ...asBefore('ending'),
      },
    },
  },
});

export type DhcpValue = StateFrom<typeof dhcpMachine>['value'];
