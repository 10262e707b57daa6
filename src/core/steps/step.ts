import type { SettingDrift } from '../plan/interface-settings.ts';
import type { Protocol } from '../port.ts';
import { type AddressSteps, addressSteps } from './address.ts';
import { type DefinitionSteps, definitionSteps } from './definition.ts';
import { type DhcpSteps, dhcpSteps } from './dhcp.ts';
import { type DnsSteps, dnsSteps, type ServedNames } from './dns.ts';
import { type ForwardingSurvey, type HostSteps, type HostSurvey, hostSteps } from './host.ts';
import type { StepFaultKind, StepKinds } from './kind.ts';
import { type FoundLink, type LinkSteps, linkSteps } from './link.ts';
import { type NetnsSteps, netnsSteps } from './netns.ts';
import { type NftSteps, nftSteps } from './nft.ts';
import { type PortSteps, portSteps } from './port.ts';
import { type ProcessSteps, processSteps } from './process.ts';
import { type RouteSteps, routeSteps } from './route.ts';
import { type SettingSteps, settingSteps } from './settings.ts';

/** The fields of each verb's steps. */
interface StepFields
  extends NetnsSteps,
    LinkSteps,
    AddressSteps,
    RouteSteps,
    SettingSteps,
    NftSteps,
    PortSteps,
    ProcessSteps,
    DnsSteps,
    DefinitionSteps,
    DhcpSteps,
    HostSteps {}

export type Verb = keyof StepFields;

/**
 * A step of a plan: one kernel verb, plain data, printable. A step succeeds if it finds its work done already, and the same;
 * undoing succeeds if the object is missing already. So every plan is safe to repeat after a crash. `netns: null` is the
 * namespace of the daemon (the host's).
 */
export type Step<V extends Verb = Verb> = { [P in V]: { verb: P } & StepFields[P] }[V];

/** All that is known of the verbs: a verb without an entry does not compile. */
const stepKinds: StepKinds<Verb> = {
  ...netnsSteps,
  ...linkSteps,
  ...addressSteps,
  ...routeSteps,
  ...settingSteps,
  ...nftSteps,
  ...portSteps,
  ...processSteps,
  ...dnsSteps,
  ...definitionSteps,
  ...dhcpSteps,
  ...hostSteps,
};

/** Returns the step that takes another back, from its own data alone; null if there is nothing to take back. */
export function inverse<V extends Verb>(step: Step<V>): Step | null {
  return stepKinds[step.verb].inverse?.(step) ?? null;
}

/** Describes a step in one line for users: in errors, events and `netloom plan`. */
export function describeStep<V extends Verb>(step: Step<V>): string {
  const details = stepKinds[step.verb].describe(step);
  return details === '' ? step.verb : `${step.verb} ${details}`;
}

/** Returns what a failure with that errno means to the caller; null: unknown. */
export function faultKindOf<V extends Verb>({ verb }: Step<V>, errno: string): StepFaultKind<V> | null {
  return stepKinds[verb].faults?.[errno] ?? null;
}

/** Checks whether only netloom has what the step makes, so that it does not matter whether it was there before. */
export const isPrivate = ({ verb }: Step): boolean => stepKinds[verb].isPrivate ?? false;

/** Checks whether a failure of the step ends its plan, whatever the kind of the plan. */
export const endsPlan = ({ verb }: Step): boolean => stepKinds[verb].endsPlan ?? false;

/** Returns the name of the link of this host that a step makes, or keeps free; null: it makes none. */
export const linkMade = <V extends Verb>(step: Step<V>): string | null => stepKinds[step.verb].linkMade?.(step) ?? null;

/** Returns the name of the link of this host that a step uses, and that an earlier step may make; null: it uses none. */
export const linkUsed = <V extends Verb>(step: Step<V>): string | null => stepKinds[step.verb].linkUsed?.(step) ?? null;

/** Returns the protocol of the host port that a failure of the step is about; null: it is about no port. */
export const protocolOf = <V extends Verb>(step: Step<V>): Protocol | null =>
  stepKinds[step.verb].protocol?.(step) ?? null;

/** Checks whether a step concerns members of a network, not only the network as a whole. */
export const concernsMembers = ({ verb }: Step): boolean => !stepKinds[verb].isOfWholeNetwork;

/** Outputs of steps beside success; most steps have none. */
export interface StepOutput {
  netns?: { path: string; inode: number };
  port?: number;
  startTicks?: number;
  /** when a deadline passes, in ms since 1970 */
  deadlineAt?: number;
  /** a process lives in the namespace */
  inhabited?: boolean;
  survey?: HostSurvey;
  forwarding?: ForwardingSurvey;
  link?: FoundLink;
  names?: ServedNames;
  /** settings of an interface that differed and are corrected now */
  drifted?: SettingDrift[];
}
