import { networkState } from '../../machines/network/view.ts';
import { hostAddress } from '../../src/core/actor-address.ts';
import { familyOf } from '../../src/core/address.ts';
import { describeElement, type Element } from '../../src/core/firewall/nft.ts';
import { guardElements } from '../../src/core/forwarding.ts';
import { netnsOf, ownsNetns } from '../../src/core/plan/container/grant.ts';
import { setupPlan } from '../../src/core/plan/container/plan.ts';
import { raisePlan } from '../../src/core/plan/network.ts';
import { holdAddresses } from '../../src/core/port.ts';
import type { Step } from '../../src/core/steps/step.ts';
import type { House, Post } from './house.ts';

/** Everything in the kernel, by kind, sorted. */
interface Inventory {
  pins: string[];
  links: string[];
  elements: string[];
  ports: string[];
  leases: string[];
  claims: string[];
}

/** Objects of the host that the test plays. */
export const lanLinks = ['lan0', 'lan1'];

/** Lists what must exist when the journal is right: everything of every running network, nothing of any other. */
function expected(house: House): Inventory {
  const steps: Step[] = [];
  const inventory: Inventory = { pins: [], links: ['lo'], elements: [], ports: [], leases: [], claims: [] };
  for (const { record } of house.journal.actorsOf('network')) {
    const context = record.context;
    const { definition, searchDomain } = context;
    if (['up', 'degraded', 'emptying'].includes(networkState(record.value)) && definition)
      steps.push(...raisePlan({ definition, searchDomain }).steps);
  }
  for (const { record } of house.journal.actorsOf('container')) {
    const context = record.context;
    const { wish, leases, ports } = context;
    if (!wish || typeof record.value !== 'object') continue;
    const netns = netnsOf(wish, context.netnsDirectory, context.share?.path ?? null);
    steps.push(...setupPlan({ wish, netns, leases, ports }).steps);
    if (ownsNetns(wish)) inventory.pins.push(netns);
    // addresses of a DHCP server are not the network's
    for (const [network, { addresses, dhcp }] of Object.entries(leases))
      inventory.leases.push(`${network} ${wish.id} ${dhcp ? '' : addresses.map(({ address }) => address)}`);
    if (ports.length > 0) inventory.claims.push(`${wish.id} ${JSON.stringify(ports)}`);
    for (const { protocol, hostIp, hostPort, range } of ports)
      for (const address of holdAddresses({ protocol, hostIp, hostPort, containerPort: 1, range }))
        for (let port = hostPort; port < hostPort + range; port++)
          inventory.ports.push(`${protocol} ${address} ${port}`);
  }
  const host = house.context(hostAddress);
  if (host) inventory.elements.push(...guardElements(host.forwarding, host.forwardForeign).map(describeElement));
  for (const step of steps) {
    if (step.verb === 'link.bridge') inventory.links.push(step.name);
    if (step.verb === 'link.veth') inventory.links.push(step.name);
    if (step.verb === 'nft.add') inventory.elements.push(...step.elements.map(described));
    if (step.verb === 'dns.serve' && step.redirect)
      inventory.elements.push(...step.listen.map((address) => `resolver${familyOf(address)} { ${address} }`));
  }
  return sorted(inventory);
}

function found(house: House): Inventory {
  const { linux } = house;
  const networks = house.journal.actorsOf('network').map(({ record }) => record.context);
  const claims = house.context(hostAddress)?.ports ?? {};
  return sorted({
    pins: [...linux.pins.keys()],
    links: [...linux.host.links.keys()].filter((name) => !lanLinks.includes(name)),
    elements: [...(linux.elements?.values() ?? [])].map(described),
    ports: [...linux.ports].map(({ protocol, address, port }) => `${protocol} ${address} ${port}`),
    leases: networks.flatMap(({ name, leases }) => Object.entries(leases).map(([id, held]) => `${name} ${id} ${held}`)),
    claims: Object.entries(claims).map(([id, ports]) => `${id} ${JSON.stringify(ports)}`),
  });
}

/** Removes the port at which a gateway's names are answered: it is chosen at run time. */
const described = (element: Element): string =>
  describeElement(element.set.startsWith('resolver') ? { ...element, value: undefined } : element);

function sorted(inventory: Inventory): Inventory {
  for (const list of Object.values(inventory)) list.sort();
  return inventory;
}

/** Lists differences between the journal and the kernel, and wrong facts. */
export function disorder(house: House): string[] {
  const [should, is] = [expected(house), found(house)];
  const kinds = Object.keys(should) as (keyof Inventory)[];
  const things = kinds.flatMap((kind) => [
    ...without(should[kind], is[kind]).map((one) => `missing: ${kind} ${one}`),
    ...without(is[kind], should[kind]).map((one) => `left: ${kind} ${one}`),
  ]);
  const numbers = house.journal.after(0, 1_000_000).map(({ sequence }) => sequence);
  const gaps = numbers.flatMap((number, index) =>
    number === index + 1 ? [] : [`fact ${number} at place ${index + 1}`],
  );
  const twice = [...house.answers].flatMap(([command, answers]) => {
    const kinds = new Set(answers.map(({ command: _, ...answer }) => JSON.stringify(answer)));
    return kinds.size > 1 ? [`${command} has ${kinds.size} answers`] : [];
  });
  return [...things, ...gaps, ...twice, ...lostPost(house.post), ...house.unexpected];
}

/** Lists actors that did not receive each message of other actors once, in the order in which all of them were sent. */
function lostPost({ sent, heard }: Post): string[] {
  const receivers = new Set([...sent.values()].map(({ to }) => to));
  return [...receivers].flatMap((to) => {
    const isOf = (sequence: number) => sent.get(sequence)?.to === to;
    const due = [...sent.keys()].filter(isOf).sort((one, other) => one - other);
    const received = heard.filter(isOf);
    return `${due}` === `${received}` ? [] : [`to ${to}: sent ${due}, heard ${received}`];
  });
}

function without(list: readonly string[], others: readonly string[]): string[] {
  return list.filter((one) => !others.includes(one));
}
