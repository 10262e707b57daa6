import { networkOfPort, ownerOfAlias, vethGroup } from '../../../src/core/object-names.ts';
import { type SettingDrift, settingDrift } from '../../../src/core/plan/interface-settings.ts';
import type { FoundLink, LinkSettings, LinkSteps, MadeBridge } from '../../../src/core/steps/link.ts';
import type { Step, StepOutput } from '../../../src/core/steps/step.ts';
import type { FakeLink, FakeLinux, FakeNetns } from '../fake-linux.ts';
import { addBridge, addUpon, addVeth, requireVacant } from './new-links.ts';
import { type FakeVerbs, linkIn, netnsAt, Refused } from './verb.ts';

/** below this a link has no IPv6 */
const leastIpv6MtuBytes = 1280;

export function linkVerbs(linux: FakeLinux): FakeVerbs<keyof LinkSteps> {
  const isThere = ({ name }: { name: string }) => linux.host.links.has(name);
  const isInside = ({ netns, name }: { netns: string; name: string }) => linux.netns(netns)?.links.has(name) ?? false;
  return {
    'link.bridge': { perform: (step) => addBridge(linux, step), isSet: isThere },
    'link.veth': { perform: (step) => addVeth(linux, step), isSet: isThere },
    'link.macvlan': { perform: (step) => addUpon(linux, step), isSet: isInside },
    'link.ipvlan': { perform: (step) => addUpon(linux, step), isSet: isInside },
    'link.set': {
      perform: (step) => setLink(linux, step),
      isSet: (step) => isSet(linux, step),
      driftOf: (step) => ipv4Drift(linux, step),
    },
    'link.vacant': { perform: (step) => requireVacant(linux, step) },
    'link.cut': {
      perform: ({ name, alias }) => {
        const link = linux.host.links.get(name);
        if (link && isNamed(link, alias)) link.settings.up = false;
      },
    },
    'link.delete': {
      perform: (step) => {
        const netns = linux.netns(step.netns);
        const link = netns?.links.get(step.name);
        if (netns && link && !isSpared(netns, link, step)) linux.deleteLink(netns, step.name);
      },
    },
    'link.gone': { perform: (step) => linkGone(linux, step) },
    'link.ipv6': {
      perform: (step) => setIpv6(linux, step),
      isSet: (step) => ipv6Drift(linux, step).length === 0,
    },
    'link.settle': { perform: () => {} },
    'link.find': { perform: ({ name, mtuOf }) => ({ link: findLink(linux, name, mtuOf ?? null) }) },
  };
}

export function findLink(linux: FakeLinux, wanted: string | null, mtuOf: 'uplink' | null): FoundLink {
  const link = wanted === null ? linux.uplink() : linux.host.links.get(wanted);
  if (!link) {
    const reason = wanted === null ? 'this host has no default route' : `there is no interface ${wanted}`;
    throw new Refused('find link', 'ENODEV', reason);
  }
  const { mtuBytes } = (mtuOf === 'uplink' && linux.uplink()) || link;
  const { name, macAddress } = link;
  const routesLoopback = link.settings.ipv4?.routeLocalnet ?? false;
  return { name, mtuBytes, macAddress, addresses: linux.addresses(), routesLoopback };
}

function isSet(linux: FakeLinux, { verb: _, netns, name, master, ...settings }: Step<'link.set'>): boolean {
  const link = linux.netns(netns)?.links.get(name);
  return (
    link !== undefined &&
    (master === undefined || link.master === master) &&
    Object.entries(settings).every(([key, value]) => isWithin(value, link.settings[key as keyof LinkSettings]))
  );
}

/** A value, or each member of an object. */
function isWithin(wanted: unknown, found: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found;
  return Object.entries(wanted).every(([key, value]) => isWithin(value, (found as Record<string, unknown>)?.[key]));
}

async function setLink(linux: FakeLinux, { verb: _, netns: path, name, ...settings }: Step<'link.set'>): Promise<void> {
  const netns = netnsAt(linux, path);
  const link = linkIn(netns, name, 'set link');
  if (settings.master !== undefined && linkIn(netns, settings.master, 'set link').kind !== 'bridge')
    throw new Refused('set link', 'EOPNOTSUPP', `${settings.master} is no bridge`);
  if (settings.ipv6AddressGeneration !== undefined && link.mtuBytes < leastIpv6MtuBytes)
    throw new Refused('set link', 'EAFNOSUPPORT');
  if (settings.up && !(await hasPlace(linux, link)))
    throw new Refused('set link', 'EADDRINUSE', `another interface on ${link.parent?.name} has its place`);
  linux.setMaster(netns, link, settings.master ?? link.master);
  // a family that is not given keeps its value, IPv4 included
  const ipv4 = settings.ipv4 && { ...link.settings.ipv4, ...settings.ipv4 };
  Object.assign(link.settings, settings, ipv4 && { ipv4 });
}

/** A macvlan waits for another one with its MAC address, which may be about to go. */
async function hasPlace(linux: FakeLinux, link: FakeLink): Promise<boolean> {
  const isTaken = () =>
    [...linux.macvlans].some(
      (other) =>
        other !== link &&
        other.parent === link.parent &&
        other.macAddress === link.macAddress &&
        other.settings.up === true,
    );
  if (link.kind !== 'macvlan' || !isTaken()) return true;
  await new Promise((resolve) => setTimeout(resolve, linux.unregisterMs + 20));
  return !isTaken();
}

function ipv4Drift(linux: FakeLinux, { netns, name, ipv4 }: Step<'link.set'>): SettingDrift[] {
  const link = linux.netns(netns)?.links.get(name);
  if (!ipv4 || !link) return [];
  const kernel = { routeLocalnet: false, forwarding: false, arpNotify: false, rpFilter: 0 };
  return settingDrift(name, 4, ipv4, { ...kernel, ...link.settings.ipv4 });
}

/** A link that is too narrow for IPv6 has no IPv6 settings that could differ. */
function ipv6Drift(linux: FakeLinux, { netns: path, name, settings }: Step<'link.ipv6'>): SettingDrift[] {
  const netns = linux.netns(path);
  const link = netns?.links.get(name);
  if (!netns || !link || link.mtuBytes < leastIpv6MtuBytes) return [];
  return settingDrift(name, 6, settings, { ...netns.ipv6, ...link.ipv6 });
}

function setIpv6(linux: FakeLinux, step: Step<'link.ipv6'>): StepOutput {
  const link = linkIn(netnsAt(linux, step.netns), step.name, 'set IPv6 settings');
  const drifted = ipv6Drift(linux, step);
  if (drifted.length > 0) link.ipv6 = { ...link.ipv6, ...step.settings };
  return { drifted };
}

const isNamed = ({ settings: { alias, group } }: FakeLink, wanted: string | undefined): boolean =>
  wanted === undefined || (alias === undefined ? group === vethGroup : alias === wanted);

const isSpared = (netns: FakeNetns, link: FakeLink, { alias, bridge }: Step<'link.delete'>): boolean =>
  !isNamed(link, alias) || (bridge !== undefined && (!isMade(link, bridge) || isUsed(netns, link, bridge)));

function isMade({ macAddress, settings: { alias } }: FakeLink, { macAddresses, network, shared }: MadeBridge): boolean {
  const owner = alias === undefined ? null : ownerOfAlias(alias);
  return (
    macAddresses.includes(macAddress ?? '') &&
    (shared === true || network === null || owner === null || owner === network)
  );
}

function isUsed({ links }: FakeNetns, { name, addresses }: FakeLink, { network, shared }: MadeBridge): boolean {
  const networks = [...links.values()].flatMap(({ master, settings: { alias } }) =>
    master === name && alias !== undefined ? (networkOfPort(alias) ?? []) : [],
  );
  const isGiven = (address: string) => !address.startsWith('fe80:');
  return networks.some((one) => one !== network) || (shared === true && addresses.some(isGiven));
}

function linkGone(linux: FakeLinux, { name, graceMs, alias }: Step<'link.gone'>): Promise<void> {
  const there = linux.host.links.get(name);
  if (!there || !isNamed(there, alias)) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = () => {
      unwatch();
      clearTimeout(timer);
      resolve();
    };
    const unwatch = linux.onLinkDeleted(() => linux.host.links.has(name) || settle());
    const timer = setTimeout(() => {
      linux.deleteLink(linux.host, name);
      settle();
    }, graceMs);
  });
}
