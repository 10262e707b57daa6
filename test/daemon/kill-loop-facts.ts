import { existsSync } from 'node:fs';
import { containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import { hostVethName } from '../../src/core/object-names.ts';
import type { ContainerState } from '../../src/core/view.ts';
import { isFree } from '../support/kernel-state.ts';
import { type KillHost, linksWithin, type Survey } from './kill-loop-host.ts';

/** One container, as the daemon, the networks and the kernel see it. */
export interface ContainerFacts {
  /** `up`, `gone`, or the state in which it stopped half-way */
  state: string;
  networks: string[];
  /** networks that hold addresses for it */
  leases: string[];
  /** networks to which the host has a link for it */
  links: string[];
  interfaces: number;
  ports: number[];
  /** ports that the firewall forwards to it */
  forwarded: number[];
}

export interface NetworkFacts {
  state: 'there' | 'gone';
  /** of its definition */
  file: boolean;
  /** its bridge, though it is gone; one that is there raises it for its first member and keeps it */
  leftBridge: boolean;
}

/** Containers and networks of one command. */
export interface Facts {
  containers: Record<string, ContainerFacts>;
  networks: Record<string, NetworkFacts>;
}

/** What a command is about, and where its traces are. */
export interface Scope {
  containers: Record<string, { netns: string }>;
  /** name → name of its bridge */
  networks: Record<string, string>;
  /** that its containers publish, before or after it */
  ports: readonly number[];
}

export const goneContainer: ContainerFacts = {
  state: 'gone',
  networks: [],
  leases: [],
  links: [],
  interfaces: 0,
  ports: [],
  forwarded: [],
};

export const upOn = (networks: readonly string[], ports: readonly number[] = []): ContainerFacts => ({
  state: 'up',
  networks: [...networks].sort(),
  leases: [...networks].sort(),
  links: [...networks].sort(),
  interfaces: networks.length,
  ports: [...ports].sort(),
  forwarded: [...ports].sort(),
});

export const goneNetwork: NetworkFacts = { state: 'gone', file: false, leftBridge: false };

const upStates: ReadonlySet<ContainerState> = new Set(['configured', 'running', 'exited']);

export function factsOf(host: KillHost, survey: Survey, scope: Scope): Facts {
  return {
    containers: mapped(scope.containers, (id, { netns }) => containerFacts(survey, id, netns, scope)),
    networks: mapped(scope.networks, (name, bridge) => {
      const isThere = survey.networks.some((network) => network.name === name);
      const leftBridge = !isThere && survey.links.includes(bridge);
      return { state: isThere ? 'there' : 'gone', file: existsSync(host.fileOf(name)), leftBridge };
    }),
  };
}

function containerFacts(survey: Survey, id: string, netns: string, scope: Scope): ContainerFacts {
  const view = survey.containers.find((container) => container.id === id);
  const own = Object.keys(scope.networks);
  const holds = (name: string) =>
    survey.networks.some((network) => network.name === name && Object.hasOwn(network.leases, id));
  return {
    state: view ? (upStates.has(view.state) ? 'up' : view.state) : stateWithout(scope.ports),
    networks: (view?.attachments ?? []).map(({ network }) => network).sort(),
    leases: own.filter(holds).sort(),
    links: own.filter((name) => survey.links.includes(hostVethName(id, name))).sort(),
    interfaces: linksWithin(netns).length,
    ports: (view?.ports ?? []).map(({ hostPort }) => hostPort).sort(),
    forwarded: forwardedTo(survey, id),
  };
}

/** A container that is gone keeps no port: another process could bind it. */
function stateWithout(ports: readonly number[]): string {
  const bound = ports.filter((port) => !isFree(port));
  return bound.length === 0 ? 'gone' : `gone, but ${bound} are bound`;
}

function forwardedTo({ elements }: Survey, id: string): number[] {
  const own = elements.filter(({ set, owner }) => set.startsWith('published_') && owner === containerAddress(id));
  return [...new Set(own.map(({ key }) => Number(key.at(-1))))].sort();
}

const mapped = <From, To>(from: Record<string, From>, to: (key: string, value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(key, value)]));

/** What belongs to containers or networks that the daemon does not know, or does not know to be there. */
export function strays({ containers, networks, elements }: Survey): string[] {
  const known = new Set<string>([
    ...containers.map(({ id }) => containerAddress(id)),
    ...networks.map(({ name }) => networkAddress(name)),
  ]);
  const ofOthers = elements.filter(({ owner }) => owner !== null && /\//.test(owner) && !known.has(owner));
  const leases = networks.flatMap(({ name, leases }) => Object.keys(leases).map((id) => ({ name, id })));
  const isOn = ({ name, id }: { name: string; id: string }) =>
    containers.some((view) => view.id === id && view.attachments.some(({ network }) => network === name));
  return [
    ...ofOthers.map(({ set, owner }) => `an element in ${set} of ${owner}`),
    ...leases.filter((lease) => !isOn(lease)).map(({ name, id }) => `a lease on ${name} for ${id}`),
  ];
}
