import { vethGroup } from '../../../src/core/object-names.ts';
import type { Step } from '../../../src/core/steps/step.ts';
import { type FakeLink, type FakeLinux, type FakeNetns, newLink } from '../fake-linux.ts';
import { linkIn, netnsAt, Refused } from './verb.ts';

export function addBridge(linux: FakeLinux, { name, macAddress, mtuBytes: wanted }: Step<'link.bridge'>): void {
  const { links } = linux.host;
  const found = links.get(name);
  if (found && found.kind !== 'bridge')
    throw new Refused('add bridge', 'EEXIST', `interface ${name} already exists but is a ${found.kind} interface`);
  if (found) return;
  const mtuBytes = (wanted === 'uplink' ? linux.uplink()?.mtuBytes : wanted) ?? 1500;
  links.set(name, newLink(name, 'bridge', { macAddress, mtuBytes }));
}

export function addVeth(linux: FakeLinux, { name, macAddress, mtuBytes, peer }: Step<'link.veth'>): void {
  const { host } = linux;
  const inside = netnsAt(linux, peer.netns);
  const found = host.links.get(name);
  if (leadsTo(found, inside, peer.name)) return;
  if (found) throw new Refused('add veth', 'EEXIST', whyTaken(found, peer.netns));
  if (inside.links.has(peer.name))
    throw new Refused('add veth', 'EEXIST', `interface ${peer.name} already exists in ${peer.netns}`);
  const more = { macAddress, peerMacAddress: peer.macAddress, mtuBytes: mtuBytes ?? 1500 };
  linux.addVeth(host, name, inside, peer.name, more);
  linkIn(host, name, 'add veth').settings.group = vethGroup;
}

export function requireVacant(linux: FakeLinux, { name, peer }: Step<'link.vacant'>): void {
  const found = linux.host.links.get(name);
  if (found && !leadsTo(found, linux.netns(peer.netns), peer.name))
    throw new Refused('find link', 'EEXIST', whyTaken(found, peer.netns));
}

export function addUpon(linux: FakeLinux, step: Step<'link.macvlan' | 'link.ipvlan'>): void {
  const { netns, name, mtuBytes } = step;
  const kind = step.verb === 'link.macvlan' ? 'macvlan' : 'ipvlan';
  if (linux.missingKinds.has(kind)) throw new Refused(`add ${kind}`, 'EOPNOTSUPP');
  const parent = linkIn(linux.host, step.parent, `add ${kind}`);
  const inside = netnsAt(linux, netns);
  const found = inside.links.get(name);
  if (found?.kind === kind && found.parent === parent) return;
  if (found) {
    const reason = `interface ${name} already exists in ${netns} and is not on ${parent.name}`;
    throw new Refused(`add ${kind}`, 'EEXIST', reason);
  }
  refuseParent(parent, kind, mtuBytes);
  const inherits = step.verb === 'link.ipvlan' || step.mode === 'passthru';
  const macAddress = inherits ? parent.macAddress : step.macAddress;
  const link = newLink(name, kind, { macAddress, mtuBytes: mtuBytes ?? parent.mtuBytes, parent });
  inside.links.set(name, link);
  if (kind === 'macvlan') linux.macvlans.add(link);
}

function refuseParent(parent: FakeLink, kind: 'macvlan' | 'ipvlan', mtuBytes: number | null): void {
  if (parent.kind === 'loopback')
    throw kind === 'macvlan'
      ? new Refused(`add ${kind}`, 'EOPNOTSUPP', `${parent.name} is not an Ethernet interface`)
      : new Refused(`add ${kind}`, 'EINVAL');
  if (mtuBytes === null || mtuBytes <= parent.mtuBytes) return;
  const reason = `mtu ${mtuBytes} exceeds the parent's MTU (${parent.mtuBytes} on ${parent.name})`;
  throw new Refused(`add ${kind}`, 'ERANGE', reason);
}

const leadsTo = (end: FakeLink | undefined, netns: FakeNetns | null, name: string): boolean =>
  end?.peer !== undefined && end.peer !== null && end.peer.netns === netns && end.peer.name === name;

const whyTaken = ({ name, kind }: FakeLink, path: string): string =>
  kind === 'veth'
    ? `interface ${name} already exists but does not lead to ${path}`
    : `interface ${name} already exists but is a ${kind} interface`;
