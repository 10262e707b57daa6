import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as native from '#native';
import { journalVersion } from '../../src/actors/journal/version.ts';
import { Journal } from '../../src/actors/journal.ts';
import { describePort } from '../../src/core/port.ts';
import type { ContainerView, NetworkView } from '../../src/core/view.ts';
import { hostLinks, pinForeign, populate } from '../fixtures/population.ts';
import { TestDaemon, untilAnswered } from '../support/daemon.ts';
import { everythingBuilt } from '../support/everything-built.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { codeOf, Lab } from '../support/lab.ts';
import { ipBatch } from '../support/other-host.ts';
import { seeded } from '../support/seeded.ts';
import { triedTimes } from '../support/sweeps.ts';

/** How often the journal is damaged; `SEED`: the same places again. */
const damages = triedTimes(200);
const seed = Number(process.env.SEED ?? Date.now() % 100_000);
const random = seeded(seed);
/** Restored from the journal only: they have nothing in the kernel of their own, or no interface. */
const unseen = ['hosted', 'mate', 'planned', 'down', 'unlucky'];

let lab: Lab;
let children: ChildProcess[] = [];
let foreignPins: string[] = [];
/** what lives, as it was before the first loss */
let living: ContainerView[] = [];
let networks: NetworkView[] = [];

const keptJournal = () => `${lab.daemon.runDirectory}/journal.damaged`;
const wasNoticed = () => existsSync(keptJournal());
const journalFile = () => `${lab.daemon.runDirectory}/journal/data.mdb`;

beforeAll(async () => {
  lab = await Lab.open();
  ipBatch(null, hostLinks);
  foreignPins = pinForeign(lab.directory.path);
  const place = { directory: lab.directory.path, netnsDirectory: lab.daemon.netnsDirectory };
  children = await populate(lab.client, lab.facts, place);
  for (const id of ['another', 'third'])
    await lab.client.container.setup({ id, networks: [{ network: 'dual' }, { network: 'apart' }], labels: { of: id } });
  living = (await lab.client.container.list()).containers.filter(({ id }) => !unseen.includes(id));
  networks = (await lab.client.network.list()).networks;
});
afterAll(async () => {
  console.info(`seed ${seed}: ${damages} times`);
  await lab.peers.end();
  for (const child of children) child.kill('SIGKILL');
  for (const pin of foreignPins) native.removeNetns(pin);
  await lab.close(['up0', 'br0']);
});

/** Starts the daemon and waits until it has compared everything that lives with the kernel. */
async function started(): Promise<void> {
  await lab.start();
  await untilAnswered(async () => {
    const { containers } = await lab.client.container.list();
    const known = new Set(containers.map(({ id }) => id));
    expect(living.filter(({ id }) => !known.has(id))).toEqual([]);
    expect(containers.filter(({ state }) => state === 'claiming')).toEqual([]);
  });
}

/** The next daemon is killed, too, at a random moment of its start. */
async function startAndKill(): Promise<void> {
  lab.daemon.launch();
  await delay(random() * 1_000);
  await lab.daemon.kill();
}

const sortedPorts = ({ ports }: ContainerView) => ports.map(describePort).toSorted();
/** What must be as before, whatever became of the journal. `wounded` has lost its only interface. */
const essence = (views: readonly ContainerView[]) =>
  views
    .filter(({ id }) => living.some((one) => one.id === id) && id !== 'wounded')
    .map(({ id, netns, attachments, ...view }) => ({
      ...{ id, netns, ports: sortedPorts({ id, netns, attachments, ...view }) },
      networks: attachments.map(({ network, interfaceName }) => `${interfaceName} ${network}`),
    }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
const leases = (views: readonly NetworkView[]) =>
  Object.fromEntries(views.filter(({ name }) => name !== 'gone').map((view) => [view.name, view.leases]));

const pins = () => living.flatMap(({ netns, mode }) => (netns && mode !== 'host' ? netns.path : []));

/** A new container gets nothing that another one has. */
async function nothingIsGivenTwice(serial: number): Promise<void> {
  const taken = (await lab.client.network.list()).networks.flatMap((view) => Object.values(view.leases).flat());
  const id = `new-${serial}`;
  const { status } = await lab.client.container.setup({ id, networks: [{ network: 'web' }, { network: 'dual' }] });
  const given = Object.values(status).flatMap(({ interfaces }) =>
    Object.values(interfaces ?? {}).flatMap(({ subnets = [] }) => subnets.map(({ ipnet }) => ipnet.split('/')[0])),
  );
  expect(given.length).toBe(3);
  expect(given.filter((address) => taken.includes(address as string))).toEqual([]);
  const ports = [{ hostPort: 8080, containerPort: 80 }];
  expect(await codeOf(lab.client.container.publish({ id, ports }))).toBe('port.taken');
  await lab.remove(id);
}

it('B07 at least 20 containers live', () => {
  expect(living.length).toBeGreaterThanOrEqual(20);
});

describe('a journal that is gone or damaged', () => {
  it('B07 what can still be read of a damaged journal is kept: the names of the other containers', async () => {
    await lab.end('stop');
    const bytes = readFileSync(journalFile());
    // pages that are not used any more have former copies
    const text = '"name":"plain"';
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) bytes[at + text.length - 3] = 0x58;
    writeFileSync(journalFile(), bytes);
    await started();
    const { data } = await lab.facts.event('node/testnode journal-rebuilt');
    expect(data).toMatchObject({ cause: 'damaged', kept: keptJournal() });
    const { containers } = await lab.client.container.list();
    const names = ['plain', 'serving', 'fixed', 'dynamic'].map((id) => containers.find((one) => one.id === id)?.name);
    expect(names).toEqual(['plain', 'front', 'fixed', 'dynamic']);
    expect(essence(containers)).toEqual(essence(living));
    expect(readFileSync(`${keptJournal()}/data.mdb`).equals(bytes)).toBe(true);
  });

  it('B07 P06 without its journal a daemon finds what lives in the kernel, and changes nothing', async () => {
    const web = lab.peers.in(living.find(({ id }) => id === 'serving')?.netns?.path ?? null, 'serving');
    const host = lab.peers.in(null, 'host');
    expect(await web.serve('udp', 80)).toBe('ready');
    const built = everythingBuilt(pins());
    await host.stream('published', '192.0.2.1', 8080, 200, true);
    await lab.end('stop');
    rmSync(`${lab.daemon.runDirectory}/journal`, { recursive: true });
    await started();
    expect((await lab.facts.event('node/testnode journal-rebuilt', 2)).data).toMatchObject({
      cause: 'missing',
      kept: null,
    });
    const { containers } = await lab.client.container.list();
    expect(essence(containers)).toEqual(essence(living));
    expect(leases((await lab.client.network.list()).networks)).toEqual(leases(networks));
    for (const { id } of living) await lab.facts.event(`container/${id} adopted`, 2);
    expect(everythingBuilt(pins())).toEqual(built);
    expect(await host.endStream('published')).toMatchObject({ lost: 0 });
  });

  it('B07 P06 no address and no port is given to another container', async () => {
    await nothingIsGivenTwice(0);
  });

  it('B07 P06 gc removes nothing that lives', async () => {
    const { leftovers, doubtful } = await lab.client.gc({});
    expect([...leftovers, ...doubtful]).toEqual([]);
    expect(essence((await lab.client.container.list()).containers)).toEqual(essence(living));
  });

  it('B07 a journal that is damaged at a random place, or cut off, costs no container its network', {
    timeout: damages * 60_000,
  }, async () => {
    const outcomes: Record<string, number> = {};
    let { containers: views } = await lab.client.container.list();
    for (let time = 1; time <= damages; time++) {
      await lab.end(random() < 0.5 ? 'kill' : 'stop');
      rmSync(keptJournal(), { recursive: true, force: true });
      const before = views;
      const kind = damage(time);
      if (random() < 0.3) await startAndKill();
      await started();
      ({ containers: views } = await lab.client.container.list());
      const outcome = `${kind}, ${wasNoticed() ? 'noticed' : 'without effect'}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (kind !== 'deleted' && !wasNoticed()) expect(views, kind).toEqual(before);
      expect(essence((await lab.client.container.list()).containers), kind).toEqual(essence(living));
      expect(leases((await lab.client.network.list()).networks), kind).toEqual(leases(networks));
      await nothingIsGivenTwice(time);
    }
    console.info(JSON.stringify(outcomes));
  });

  it('B07 an engine takes down what it set up before the loss', async () => {
    for (const { id } of living) await lab.client.container.teardown({ id, force: true });
    await lab.settled();
    const { leftovers, doubtful } = await lab.client.gc({ dryRun: true });
    expect([...leftovers, ...doubtful]).toEqual([]);
  });
});

const pageBytes = 4096;

/** Lists pages with rows, or former ones: most of the file is kept for a full disk, and never had any. */
function writtenPages(bytes: Buffer): number[] {
  const isWritten = (page: number) =>
    bytes.subarray(page * pageBytes, (page + 1) * pageBytes).filter((byte) => byte !== 0x20 && byte !== 0).length > 100;
  return Array.from({ length: bytes.length / pageBytes }, (_, page) => page).filter(isWritten);
}

/** Changes the journal of a daemon that has ended. Returns how. */
function damage(time: number): string {
  const bytes = readFileSync(journalFile());
  const kind = (['bit', 'bit', 'bytes', 'page', 'end', 'file'] as const)[time % 6];
  const pages = writtenPages(bytes);
  const place = (pages[Math.floor(random() * pages.length)] as number) * pageBytes + Math.floor(random() * pageBytes);
  switch (kind) {
    case 'bit':
      bytes[place] = (bytes[place] as number) ^ (1 << Math.floor(random() * 8));
      break;
    case 'bytes':
      for (let offset = 0; offset < 16; offset++) bytes[place + offset] = Math.floor(random() * 256);
      break;
    case 'page':
      bytes.fill(0, place - (place % pageBytes), place - (place % pageBytes) + pageBytes);
      break;
    case 'end':
      writeFileSync(journalFile(), bytes.subarray(0, place));
      return 'cut off';
    case 'file':
      rmSync(journalFile());
      return 'deleted';
    default:
  }
  writeFileSync(journalFile(), bytes);
  return `${kind} changed`;
}

it('P06 a journal of a later version is refused in words, and stays as it is', async () => {
  const { path, remove } = temporaryDirectory();
  const daemon = new TestDaemon(path);
  try {
    await new Journal(daemon.runDirectory).close();
    const { open } = await import('lmdb');
    const environment = open({ path: `${daemon.runDirectory}/journal`, maxDbs: 8 });
    const later = `${JSON.stringify(journalVersion + 1)}`;
    environment.openDB<string, string>({ name: 'meta', encoding: 'string' }).putSync('version', later);
    await environment.close();
    const before = readFileSync(`${daemon.runDirectory}/journal/data.mdb`);
    await expect(daemon.start()).rejects.toThrow(`a later version of netloom (${later}, this is ${journalVersion})`);
    expect(readFileSync(`${daemon.runDirectory}/journal/data.mdb`).equals(before)).toBe(true);
  } finally {
    await daemon.destroy();
    remove();
  }
});
