import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type NetloomClient, type RequestOf, type ResponseOf } from '../../src/client.ts';
import { KernelState } from '../support/kernel-state.ts';
import { codeOf, Lab } from '../support/lab.ts';

type Status = ResponseOf<'container.setup'>;

const networks = ['left', 'right', 'front', 'back'] as const;
const clientCount = 8;
const ids = Array.from({ length: 200 }, (_, index) => `c${index}`);

let lab: Lab;
let kernel: KernelState;
let clients: NetloomClient[];

beforeAll(async () => {
  lab = await Lab.open();
  kernel = new KernelState(lab.daemon);
  const { runDirectory: runDir, node } = lab.daemon;
  clients = await Promise.all(Array.from({ length: clientCount }, () => connect({ runDir, node })));
  for (const name of networks) await lab.client.network.create({ name, ipv6_enabled: true });
  // bridges come with the first member, and stay
  await lab.client.container.setup({ id: 'first', networks: networks.map((network) => ({ network })) });
  await lab.remove('first');
});
afterAll(async () => {
  kernel?.close();
  await Promise.all(clients.map((client) => client.close()));
  await lab.close();
});

/** The client of a container: the containers are distributed evenly. */
const clientOf = (id: string): NetloomClient => clients[ids.indexOf(id) % clientCount] as NetloomClient;

/** On two of the networks, each pair in each order, with a picked port of each protocol. */
function wishOf(id: string): RequestOf<'container.setup'> {
  const first = ids.indexOf(id) % networks.length;
  const second = (first + 1 + (ids.indexOf(id) % (networks.length - 1))) % networks.length;
  return {
    id,
    networks: [first, second].map((index) => ({ network: networks[index] as string })),
    ports: [
      { containerPort: 80, hostPort: 0 },
      { containerPort: 53, hostPort: 0, protocol: 'udp' },
    ],
  };
}

/** Everything that must be unique at any time. */
function belongings({ netns, status, ports }: Status): string[] {
  const interfaces = Object.values(status).flatMap((block) => Object.values(block.interfaces));
  return [
    `namespace ${netns.inode}`,
    ...interfaces.flatMap(({ mac_address, subnets }) => [mac_address, ...subnets.map(({ ipnet }) => ipnet)]),
    ...ports.map(({ hostPort, protocol }) => `port ${hostPort}/${protocol}`),
  ];
}

const life = ['created', 'netns-ready', 'configured', 'tearing-down', 'torn-down'];

describe(`${ids.length} containers of ${clientCount} clients, on ${networks.length} networks and with ${2 * ids.length} ports`, () => {
  it('containers are set up in parallel, each with resources of its own, and removed in parallel, with nothing left', async () => {
    const before = kernel.read();
    const startedMs = performance.now();
    const setUp = (id: string) => clientOf(id).container.setup(wishOf(id), { msgId: `set-up-${id}` });
    const all = await Promise.all(ids.map(setUp));
    const setUpMs = performance.now() - startedMs;
    const owned = all.flatMap(belongings);
    // a namespace; a MAC and two addresses on each network; two ports
    expect(owned).toHaveLength(ids.length * (1 + 2 * 3 + 2));
    expect(new Set(owned).size).toBe(owned.length);
    const built = kernel.read();
    expect(built.namespaces).toHaveLength(ids.length);
    expect(built.links).toHaveLength(before.links.length + 2 * ids.length);
    // each port for both families: its destination, and a counter for each direction; ::1 is refused
    const ofPorts = 2 * (2 * 3 + 1);
    // each of two links: its hold, its MAC, and every address on either network
    const ofLinks = 2 * (1 + 1 + 4);
    expect(built.elements).toHaveLength(before.elements.length + ids.length * (ofPorts + ofLinks));

    // a repeated command gets its first reply and changes nothing
    const { sequence } = await lab.client.container.list();
    expect(await Promise.all(ids.map(setUp))).toEqual(all);
    expect(kernel.read()).toEqual(built);
    expect((await lab.client.container.list()).sequence).toBe(sequence);

    const takeDownMs = performance.now();
    const takeDown = (id: string) => clientOf(id).container.teardown({ id }, { msgId: `take-down-${id}` });
    const tornDown = await Promise.all(ids.map(takeDown));
    expect(tornDown.map(({ nothingToDo }) => nothingToDo)).toEqual(ids.map(() => false));
    await lab.settled();
    expect(kernel.read()).toEqual(before);
    expect(await Promise.all(ids.map(takeDown))).toEqual(tornDown);
    const remove = (id: string) => clientOf(id).container.remove({ id }, { msgId: `remove-${id}` });
    const removed = await Promise.all(ids.map(remove));
    const removedMs = performance.now();
    expect(await Promise.all(ids.map(remove))).toEqual(removed);
    // also for containers that are gone
    expect(await Promise.all(ids.map(setUp))).toEqual(all);
    expect(kernel.read()).toEqual(before);
    expect((await lab.client.container.list()).containers).toEqual([]);
    const seconds = (ms: number) => (ms / 1000).toFixed(2);
    console.log(
      `concurrency: ${ids.length} containers, ${clientCount} clients, ${networks.length} networks, ${2 * ids.length} ports: ` +
        `${7 * ids.length} commands; ${ids.length} set-ups at once in ${seconds(setUpMs)} s, ` +
        `${2 * ids.length} teardowns and removals in ${seconds(removedMs - takeDownMs)} s`,
    );
  }, 120_000);

  it('containers come and go independently, and never share a resource', async () => {
    const before = kernel.read();
    const held = new Map<string, string>();
    const clashes: string[] = [];
    const live = async (id: string) => {
      const { container } = clientOf(id);
      for (let round = 0; round < 2; round++) {
        const mine = belongings(await container.setup(wishOf(id)));
        for (const thing of mine) {
          if (held.has(thing)) clashes.push(`${thing}: ${held.get(thing)} and ${id}`);
          held.set(thing, id);
        }
        for (const thing of mine) held.delete(thing);
        await container.teardown({ id });
      }
      await container.remove({ id });
    };
    await Promise.all(ids.map(live));
    expect(clashes).toEqual([]);
    await lab.settled();
    expect(kernel.read()).toEqual(before);
  }, 120_000);

  it('containers are all announced by events, in order', async () => {
    await lab.facts.through((await lab.client.container.list()).sequence);
    const numbers = lab.facts.events.map(({ sequence }) => Number(sequence));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    const again = life.slice(1);
    const lives = [...life, 'removed', ...life, ...again, 'removed'];
    for (const id of ids) expect(lab.facts.of('container', id), id).toEqual(lives);
  });
});

describe(`of ${ids.length} containers that want the same`, () => {
  it('port, one gets it, and the others get a refusal that names the holder', async () => {
    const before = kernel.read();
    const wishes = ids.map((id) => ({
      ...wishOf(id),
      ports: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp,udp' }],
    }));
    const codes = await Promise.all(
      wishes.map((wish) =>
        clientOf(wish.id)
          .container.setup(wish)
          .then(() => 'built', codeThrown),
      ),
    );
    expect(codes.filter((code) => code === 'built')).toHaveLength(1);
    expect(codes.filter((code) => code === 'port.taken')).toHaveLength(ids.length - 1);
    expect(kernel.read().namespaces).toHaveLength(1);
    await Promise.all(ids.map((id) => clientOf(id).container.remove({ id })));
    await lab.settled();
    expect(kernel.read()).toEqual(before);
  });

  it('address, one gets it and the others are refused', async () => {
    const { network } = await lab.client.network.inspect({ name: 'left' });
    const address = network.subnets[0]?.gateway?.replace(/1$/, '200') as string;
    const codes = await Promise.all(
      ids.map((id) =>
        clientOf(id)
          .container.setup({ id, networks: [{ network: 'left', staticIps: [address] }, { network: 'right' }] })
          .then(() => 'built', codeThrown),
      ),
    );
    expect(codes.filter((code) => code === 'built')).toHaveLength(1);
    expect(codes.filter((code) => code === 'address.taken')).toHaveLength(ids.length - 1);
    await Promise.all(ids.map((id) => clientOf(id).container.remove({ id })));
    await lab.settled();
  });

  it('ID with the same wish, one is built, all get its status, and a network in use is not removed', async () => {
    const wish = { id: 'one', networks: [{ network: 'left' }] };
    const attempts = clients.map((client) => ({
      setup: client.container.setup(wish).catch(codeThrown),
      removal: client.network.remove({ name: 'left' }).then(() => 'done', codeThrown),
    }));
    const setups = await Promise.all(attempts.map(({ setup }) => setup));
    const removals = await Promise.all(attempts.map(({ removal }) => removal));
    const { networks: left } = await lab.client.network.list();
    if (left.some(({ name }) => name === 'left')) {
      expect(setups[0]).toMatchObject({ id: 'one', netns: { inode: expect.any(Number) } });
      for (const setup of setups) expect(setup).toEqual(setups[0]);
      expect(new Set(removals)).toEqual(new Set(['network.in-use']));
    } else {
      expect(setups.every((answer) => typeof answer === 'string')).toBe(true);
      expect(removals.filter((answer) => answer === 'done')).toHaveLength(1);
      await lab.client.network.create({ name: 'left' });
    }
    await lab.remove('one');
    expect(await codeOf(lab.client.container.inspect({ id: 'one' }))).toBe('container.unknown');
  });

  it('ID with another wish each, one is built and the others are refused', async () => {
    const attempts = clients.map((client, index) =>
      client.container.setup({ id: 'one', name: `one-${index}`, networks: [{ network: 'left' }] }),
    );
    const codes = await Promise.all(attempts.map((attempt) => attempt.then(() => 'built', codeThrown)));
    expect(codes.filter((code) => code === 'built')).toHaveLength(1);
    expect(codes.filter((code) => code === 'container.state')).toHaveLength(clients.length - 1);
    await lab.remove('one');
    expect(await codeOf(lab.client.container.inspect({ id: 'one' }))).toBe('container.unknown');
  });
});

describe('a list, and the events since it', () => {
  it('a list and the events since it form one history without a gap, whenever the list is taken', async () => {
    let going = true;
    const live = async (id: string) => {
      while (going) {
        await clientOf(id).container.setup(wishOf(id));
        await clientOf(id).container.teardown({ id });
        await clientOf(id).container.remove({ id });
      }
      if (ids.indexOf(id) % 2 === 0) await clientOf(id).container.create(wishOf(id));
    };
    const churn = Promise.all(ids.slice(0, 40).map(live));
    const watched = [];
    for (let look = 0; look < 5; look++) {
      const { containers, sequence, streamSequence } = await lab.client.container.list();
      const feed = lab.client.events({ since: (streamSequence as number) + 1 });
      watched.push({ known: new Set(containers.map(({ id }) => id)), sequence, feed });
      await lab.facts.through(sequence + 20);
    }
    going = false;
    await churn;
    const end = await lab.client.container.list();
    expect(end.containers).toHaveLength(20);
    for (const { known, sequence, feed } of watched) {
      let last = sequence;
      for await (const event of feed) {
        const number = Number(event.sequence);
        // an event that the list already includes may be repeated: its position in the stream was not known yet
        if (number <= sequence) continue;
        expect(number).toBe(last + 1);
        last = number;
        if (event.type === 'dev.netloom.container.created') known.add(event.subject);
        if (event.type === 'dev.netloom.container.removed') known.delete(event.subject);
        if (last >= end.sequence) break;
      }
      expect([...known].sort()).toEqual(end.containers.map(({ id }) => id).sort());
    }
  });
});

function codeThrown(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
