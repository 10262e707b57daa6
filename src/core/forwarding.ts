import { type Family, families } from './address.ts';
import type { Element } from './firewall/nft.ts';
import type { ForwardingSurvey } from './steps/host.ts';
import type { Step } from './steps/step.ts';
import type { ForwardingView } from './view.ts';

/**
 * Forwarding is one setting for the whole host, and changes more than netloom: links stop believing router advertisements (IPv6),
 * and machines beside this host reach each other through it. Pure; the host machine keeps the states.
 */

/** Settings that netloom keeps in force for one family. */
export interface HeldForwarding {
  /** forwarding was on before netloom asked for it: netloom changes nothing else on this host */
  found: boolean;
  /** all of it is in force, not only intended */
  settled: boolean;
  /** also for links that appear later */
  future: boolean;
  /** links whose accept_ra was 1, and is 2 while the host forwards; `default`: links that appear later. IPv6 only */
  turned: string[];
  /** links that had another accept_ra already, which netloom leaves alone. IPv6 only */
  left: string[];
  /** foreign bridges whose internal traffic br_netfilter shows to the firewall */
  bridges: string[];
}

export type Forwarding = Partial<Record<Family, HeldForwarding>>;

/** network → the families that it routes, whether it has been notified that the host forwards, and whether it is being taken down */
export type ForwardingClaims = Readonly<
  Record<string, { families: readonly Family[]; granted: boolean; isLeaving?: boolean }>
>;

/** Returns what netloom must set for a family, given the host's present state. */
export function foundForwarding(family: Family, survey: ForwardingSurvey): HeldForwarding {
  const found = survey.on.includes(family);
  const future = !found || survey.future.includes(family);
  const fresh = { found, settled: false, future, turned: [], left: [], bridges: [] };
  return found ? fresh : { ...fresh, ...raOf(family, survey), bridges: survey.bridges };
}

/** Adds links that have appeared since. One that appeared with 2 has it from `default`, which netloom set. */
export function seenForwarding(family: Family, held: HeldForwarding, survey: ForwardingSurvey): HeldForwarding {
  if (held.found) return held;
  const { acceptRa, bridges } = survey;
  const isThere = (name: string) => Object.hasOwn(acceptRa, name);
  const left = held.left.filter(isThere);
  const known = new Set([...left, ...held.turned.filter(isThere)]);
  const come = raOf(family, { acceptRa: without(acceptRa, known) });
  const inherited = come.left.filter((name) => acceptRa[name] === believes && held.turned.includes('default'));
  return {
    ...held,
    turned: [...held.turned.filter(isThere), ...come.turned, ...inherited],
    left: [...left, ...come.left.filter((name) => !inherited.includes(name))],
    bridges,
  };
}

/** Removes netloom's bridges from a survey: one that is being made does not carry its alias yet. */
export function surveyOfOthers(survey: ForwardingSurvey, ours: ReadonlySet<string>): ForwardingSurvey {
  const bridges = survey.bridges.filter((name) => !ours.has(name));
  return { ...survey, bridges, acceptRa: without(survey.acceptRa, ours) };
}

/** accept_ra: 1 believes router advertisements unless the link forwards; 2 always */
const unlessForwarding = 1;
const believes = 2;

function raOf(family: Family, { acceptRa }: Pick<ForwardingSurvey, 'acceptRa'>) {
  const names = family === 6 ? Object.keys(acceptRa) : [];
  return {
    turned: names.filter((name) => acceptRa[name] === unlessForwarding),
    left: names.filter((name) => acceptRa[name] !== unlessForwarding),
  };
}

const without = <Value>(record: Record<string, Value>, names: ReadonlySet<string>): Record<string, Value> =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.has(name)));

/** Returns the families that some network routes, and has been notified of. */
export function claimedFamilies(claims: ForwardingClaims): Family[] {
  return families.filter((family) => Object.values(claims).some((claim) => claim.families.includes(family)));
}

/** Checks whether all of these are in force, and one of netloom's networks keeps them so. */
export function isInForce(forwarding: Forwarding, claims: ForwardingClaims, wanted: readonly Family[]): boolean {
  const granted = Object.values(claims).filter((claim) => claim.granted);
  return wanted.every(
    (family) => forwarding[family]?.settled && granted.some((claim) => claim.families.includes(family)),
  );
}

const forwardingKey = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const;
/** for links that appear later; a write of the key above sets it too */
const futureKey = { 4: 'net/ipv4/conf/default/forwarding', 6: 'net/ipv6/conf/default/forwarding' } as const;

/**
 * Returns the steps that put a family in force, guards first: no packet meets a host that forwards without them. If forwarding
 * was on before, they only keep it on.
 */
export function forwardingSteps(family: Family, held: HeldForwarding, passForeign: boolean): Step[] {
  const guards = guardElements({ [family]: { ...held, settled: true } }, passForeign);
  return [
    ...held.turned.map((name) => turnRa(name, unlessForwarding, believes)),
    ...(guards.length > 0 ? [{ verb: 'nft.add', elements: guards } as const] : []),
    { verb: 'sysctl.turn', key: forwardingKey[family], from: '0', to: '1' },
  ];
}

/** Returns the steps that restore what another program may have changed; the guards are mended with their ruleset. */
export function keptSteps(family: Family, held: HeldForwarding): Step[] {
  return [
    ...held.turned.map((name) => turnRa(name, unlessForwarding, believes)),
    { verb: 'sysctl.turn', key: forwardingKey[family], from: '0', to: '1' },
    ...(held.future ? [{ verb: 'sysctl.turn', key: futureKey[family], from: '0', to: '1' } as const] : []),
  ];
}

/** Returns the elements that keep foreign links apart, as they were before the host forwarded. */
export function guardElements(forwarding: Forwarding, passForeign: boolean): Element[] {
  const own = families.filter((family) => forwarding[family]?.settled && !forwarding[family]?.found);
  const bridges = new Set(own.flatMap((family) => forwarding[family]?.bridges ?? []));
  return [...(passForeign ? [] : own.map(closedElement)), ...[...bridges].map(bridgedElement)];
}

/** Returns how this host forwards, for `node info` and `doctor`. */
export function forwardingViews(forwarding: Forwarding, passForeign: boolean): ForwardingView[] {
  return families.flatMap((family) => {
    const held = forwarding[family];
    if (!held) return [];
    const since = held.found ? 'before' : held.settled ? 'netloom' : 'switching';
    return [{ family, since, foreign: held.found || passForeign ? 'forwarded' : 'apart' }];
  });
}

/** Describes it: `IPv4 switched on by netloom, links of others stay apart`. */
export function forwardingText({ family, since, foreign }: ForwardingView): string {
  const how = { before: 'on before netloom', netloom: 'switched on by netloom', switching: 'being switched' }[since];
  const links = foreign === 'apart' ? 'links of others stay apart' : 'links of others reach each other';
  return `IPv${family} ${how}, ${links}`;
}

/** Returns guards that a daemon with another setting may have left. */
export const unwantedGuards = (passForeign: boolean): Element[] => (passForeign ? families.map(closedElement) : []);

/** Returns the steps for links that have appeared, and for those that have vanished. */
export function linkSteps(before: HeldForwarding, now: HeldForwarding): Step[] {
  const come = now.turned.filter((name) => !before.turned.includes(name));
  const gone = before.bridges.filter((name) => !now.bridges.includes(name));
  const bridges = now.bridges.filter((name) => !before.bridges.includes(name));
  return [
    ...come.map((name) => turnRa(name, unlessForwarding, believes)),
    ...(bridges.length > 0 ? [{ verb: 'nft.add', elements: bridges.map(bridgedElement) } as const] : []),
    ...(gone.length > 0 ? [{ verb: 'nft.delete', elements: gone.map(bridgedElement) } as const] : []),
  ];
}

/** Restores the former state: a link believes router advertisements again when it stops forwarding. */
export function letGoSteps(family: Family, held: HeldForwarding): Step[] {
  return [
    { verb: 'sysctl.turn', key: forwardingKey[family], from: '1', to: '0' },
    ...held.turned.map((name) => turnRa(name, believes, unlessForwarding)),
    { verb: 'nft.delete', elements: [closedElement(family)] },
  ];
}

const turnRa = (name: string, from: number, to: number): Step => ({
  verb: 'sysctl.turn',
  key: `net/ipv6/conf/${name}/accept_ra`,
  from: `${from}`,
  to: `${to}`,
  optional: true,
});

const closedElement = (family: Family): Element => ({
  set: 'closed_families',
  key: [family === 4 ? 'ipv4' : 'ipv6'],
  owner: 'host',
});

/** Element that passes a bridge's internal traffic: where br_netfilter is on, the firewall sees it as forwarded. */
const bridgedElement = (name: string): Element => ({ set: 'same_link', key: [name, name], owner: 'host' });
