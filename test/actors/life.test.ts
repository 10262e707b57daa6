import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ActorSystem, type Outside } from '../../src/actors/actor-system.ts';
import { type Answer, Journal } from '../../src/actors/journal.ts';
import { type ActorAddress, containerAddress, networkAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import type { ContainerRequest } from '../../src/core/container/request.ts';
import { type ContainerWish, containerWish } from '../../src/core/container/wish.ts';
import type { NetworkRequest } from '../../src/core/network/request.ts';
import { type NetworkWish, networkWish } from '../../src/core/network/wish.ts';
import { NativeKernel } from '../../src/kernel/native-kernel.ts';
import { becomeFreshHost, ip, ipWithin, linkNames, nftElements, temporaryDirectory } from '../support/fresh-host.ts';
import { servicesIn } from '../support/kernel-services.ts';

let directory: { path: string; remove(): void };
let journal: Journal;
let kernel: NativeKernel;
let system: ActorSystem;
const waiting = new Map<string, (answer: Answer) => void>();
let commands = 0;

const outside: Outside = {
  deliver: () => {
    throw new Error('one worker only');
  },
  committed: (answers) => {
    for (const answer of answers) waiting.get(answer.command)?.(answer);
  },
  stalled: (error) => {
    throw error;
  },
  unexpected: (_address, _event, error) => {
    throw error;
  },
};

function say(to: ActorAddress, event: object): Promise<Answer> {
  const command = `once ${++commands}`;
  return new Promise((resolve) => {
    waiting.set(command, resolve);
    system.deliver(journal.enqueue(to, { ...event, command } as ActorEvent));
  });
}

const setup = (request: ContainerRequest) =>
  say(containerAddress(request.id), { type: 'container.setup', wish: containerWish(request) as ContainerWish });
const createNetwork = (request: NetworkRequest) =>
  say(networkAddress(request.name), {
    type: 'network.create',
    wish: networkWish({ dns_enabled: false, ...request }) as NetworkWish,
    created: '2026-01-01T00:00:00Z',
  });
const facts = () => journal.after(0, 1000).map(({ source, fact }) => `${source} ${fact}`);

async function until(what: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !what(); round++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(what()).toBe(true);
}

beforeAll(async () => {
  await becomeFreshHost();
  directory = temporaryDirectory();
  journal = new Journal(directory.path);
  kernel = new NativeKernel(`${directory.path}/netns`, servicesIn(directory.path));
  system = new ActorSystem(journal, kernel, outside, {
    index: 0,
    workers: 1,
    searchDomain: 'dns.netloom',
    node: 'testnode',
    netnsDirectory: `${directory.path}/netns`,
  });
  system.restore();
  for (const kind of ['host', 'network', 'container'] as const) system.wake(kind);
});

afterAll(async () => {
  await system.stop();
  kernel.close();
  await journal.close();
  directory.remove();
});

describe('a container on a bridge network, with the actors and the real kernel', () => {
  it('a container on a bridge network gets a namespace, an address, a route and a published port, and leaves nothing', async () => {
    expect((await createNetwork({ name: 'web', subnets: [{ subnet: '10.99.0.0/24' }] })).fault).toBeUndefined();
    const { output, fault } = await setup({
      id: 'c1',
      networks: [{ network: 'web' }],
      ports: [{ hostPort: 8080, containerPort: 80 }],
    });
    expect(fault).toBeUndefined();
    const { netns, status } = output as { netns: { path: string }; status: unknown };
    expect(status).toMatchObject({
      web: { interfaces: { eth0: { subnets: [{ ipnet: '10.99.0.2/24', gateway: '10.99.0.1' }] } } },
    });
    expect(ipWithin(netns.path, 'route')).toMatchObject([
      { dst: 'default', gateway: '10.99.0.1' },
      { dst: '10.99.0.0/24' },
    ]);
    expect(nftElements('map', 'published_any4')).toHaveLength(1);
    expect((await say(containerAddress('c1'), { type: 'container.remove' })).fault).toBeUndefined();
    expect(nftElements('map', 'published_any4')).toHaveLength(0);
    expect((await say(networkAddress('web'), { type: 'network.remove' })).fault).toBeUndefined();
    expect(linkNames()).toEqual(['lo']);
    expect(ip('address')).toHaveLength(1);
    await until(() => journal.actors().length === 1);
    expect(facts()).toEqual([
      'host serving',
      'network/web created',
      'container/c1 created',
      'host forwarding-on',
      'network/web configured',
      'container/c1 netns-ready',
      'container/c1 configured',
      'container/c1 tearing-down',
      'container/c1 torn-down',
      'container/c1 removed',
      'network/web tearing-down',
      'network/web removed',
    ]);
  });
});
