import type { ActorAddress } from '../actor-address.ts';
import type { Family } from '../address.ts';
import type { DhcpQuestion } from '../dhcp/requests.ts';

/** The purpose of a plan. The plan's result carries it, so a machine knows which plan the result belongs to. */
export type Purpose = ContainerPurpose | NetworkPurpose | HostPurpose | DhcpPurpose;

export interface ContainerPurpose {
  kind:
    | 'setup'
    | 'verify'
    | 'teardown'
    | 'unlink'
    | 'join'
    | 'withdraw'
    | 'leave'
    | 'freed'
    | 'spoofing'
    | 'address'
    | 'watch'
    | 'look'
    | 'exit-code';
}

export interface NetworkPurpose {
  kind: 'define' | 'raise' | 'look' | 'mend' | 'adopt' | 'close' | 'update' | 'lower' | 'await-leaving';
}

export type HostPurpose =
  | { kind: 'base' }
  | { kind: 'mend' }
  | { kind: 'survey' }
  /** binds the ports of one claim of a container */
  | { kind: 'hold'; container: string; attempt: number }
  /** binds a container's published ports again, after a restart of the daemon */
  | { kind: 'hold-again'; container: string }
  | { kind: 'release'; container: string }
  /** sets the deadline of a claim that waits for what others are about to release */
  | { kind: 'wait'; claimant: ActorAddress }
  | { kind: 'sweep'; command: string | null }
  | { kind: 'forwarding'; work: ForwardingWork };

/** open: families that are about to be in force; close: families whose settings are reset. */
export type ForwardingWork =
  | { kind: 'look' | 'links' | 'mend' }
  | { kind: 'open'; families: Family[] }
  | { kind: 'close'; families: Family[] };

export type DhcpPurpose = { kind: 'ask'; question: DhcpQuestion['kind'] } | { kind: 'keep' | 'stop' };

/** Describes a purpose in one line for users: `hold c1 3`. */
export function describePurpose(purpose: Purpose): string {
  switch (purpose.kind) {
    case 'hold':
      return `hold ${purpose.container} ${purpose.attempt}`;
    case 'hold-again':
    case 'release':
      return `${purpose.kind} ${purpose.container}`;
    case 'wait':
      return `wait ${purpose.claimant}`;
    case 'sweep':
      return purpose.command === null ? 'sweep' : `sweep ${purpose.command}`;
    case 'forwarding':
      return describeWork(purpose.work);
    case 'ask':
      return `ask ${purpose.question}`;
    default:
      return purpose.kind;
  }
}

const describeWork = (work: ForwardingWork): string =>
  `forwarding ${work.kind}${'families' in work ? ` ${work.families.join(' ')}` : ''}`;
