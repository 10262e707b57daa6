import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import * as native from '#native';
import { networkAddress } from '../../src/core/actor-address.ts';
import { nftTable } from '../../src/core/firewall/nft.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import type { Traced } from './fault-sweep-process.ts';
import type { Scenario, Surroundings } from './fault-sweep-scenarios.ts';
import { difference, Site, tableText } from './fault-sweep-site.ts';

/** A scenario's one run without a fault: every state that a run with one may end in, and the steps at which it can come. */
export interface Rehearsal {
  site: Site;
  before: string[];
  after: string[];
  /** where a failed build may stop too; null: nowhere */
  half: string[] | null;
  steps: Traced['steps'];
  /** ends it all, and throws when anything is left */
  close(): Promise<void>;
}

/** How long what the kernel does by itself behind a command may take: a namespace's links go with it, but later. */
const patienceMs = 2_000;

/** The state, once it is one of these; else what it was at last. */
export async function stateLike(site: Site, ...wanted: (readonly string[] | null)[]): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const state = await site.state();
    const isWanted = wanted.some((one) => one && difference(state, one).length === 0);
    if (isWanted || Date.now() > deadline) return state;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The state, once it is the same for a moment: a socket that announces an address is closed some milliseconds later. */
async function stateAtRest(site: Site): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (let state = await site.state(); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 40));
    const next = await site.state();
    if (difference(state, next).length === 0 || Date.now() > deadline) return next;
    state = next;
  }
}

/** Throws, line by line, what is different. */
export async function mustBe(site: Site, what: string, wanted: readonly string[]): Promise<void> {
  const lines = difference(await stateLike(site, wanted), wanted);
  if (lines.length > 0) throw new Error(`${what}:\n${lines.join('\n')}`);
}

export async function rehearse(scenario: Scenario, surroundings: Surroundings, dies = false): Promise<Rehearsal> {
  const directory = temporaryDirectory();
  const site = new Site(directory.path, surroundings.namespaces, !dies);
  try {
    await site.start();
    const nothing = await site.state();
    const emptyTable = tableText();
    for (const definition of scenario.found ?? [])
      await site.tell(networkAddress(definition.name), { type: 'definition.found', definition });
    // once around, so that what stays open for good is open
    await site.sayAll([...scenario.before, scenario.command, ...(scenario.halfBack ?? []), ...scenario.back]);
    const before = await stateAtRest(site);
    scenario.meanwhile?.(site.directory);
    await site.set(null);
    await site.sayAll([scenario.command]);
    const { steps } = await site.trace();
    const after = await stateAtRest(site);
    await site.sayAll(scenario.halfBack ?? []);
    const half = scenario.halfBack ? await stateAtRest(site) : null;
    await site.sayAll(scenario.back);
    await mustBe(site, 'back from an undisturbed run', before);
    const close = async () => {
      try {
        await site.sayAll(scenario.end);
        await mustBe(site, 'in the end', withoutSockets(nothing, await site.state()));
        if (tableText() !== emptyTable) throw new Error(`in the end: ${tableText()}`);
      } finally {
        await clear(site, surroundings, directory);
      }
    };
    return { site, before, after, half, steps, close };
  } catch (error) {
    await clear(site, surroundings, directory);
    throw error;
  }
}

/** The watch of links is opened with the first question and then stays. */
function withoutSockets(nothing: readonly string[], now: readonly string[]): string[] {
  const isCount = (line: string) => /^\d+ sockets$/.test(line);
  return [...nothing.filter((line) => !isCount(line)), ...now.filter(isCount)];
}

/** Whatever is left of a scenario, also of one that went wrong, must not be there for the next. */
async function clear(site: Site, surroundings: Surroundings, directory: { path: string; remove(): void }) {
  await site.end();
  const socket = native.openRouteSocket(null);
  for (const { name } of native.listLinks(socket))
    if (!surroundings.isOurs(name)) execFileSync('ip', ['link', 'delete', name], { stdio: 'ignore' });
  native.deleteTable(native.openNftSocket(), nftTable);
  socket.close();
  const pins = `${directory.path}/netns`;
  for (const name of existsSync(pins) ? readdirSync(pins) : []) native.removeNetns(`${pins}/${name}`);
  directory.remove();
}
