import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as native from '#native';
import type { ActorAddress } from '../core/actor-address.ts';
import type { ActorEvent } from '../core/event.ts';
import { type Element, encodeElement, nftTable } from '../core/nft.ts';
import type { Step, StepOutput } from '../core/plan/step.ts';
import type { LinkCounters } from '../core/statistics.ts';
import type { Kernel, Performed, StepFailure } from './kernel.ts';
import { LinkWatch } from './link-watch.ts';
import { PortHolder } from './port-holder.ts';
import { ProcessWatch } from './process-watch.ts';
import { isSet, type RouteStep, requestFor, settle, verifyExisting } from './route-steps.ts';

const baseRuleset = readFileSync(createRequire(import.meta.url).resolve('#native/base.nft'), 'utf8');
/** An empty set whose name tells which ruleset is loaded. */
const rulesetMark = `ruleset_${createHash('sha256').update(baseRuleset).digest('hex').slice(0, 12)}`;
/** Somewhere outside: only looked up, never spoken to (C09). */
const publicAddress = '8.8.8.8';

interface Run {
  outputs: StepOutput[];
  done: number[];
  failure: StepFailure | null;
  /** something that the plan is about was there already: links are looked at before they are set */
  found: boolean;
}

/** Linux itself, by the native addon. One per worker; lives in the daemon's own network namespace. */
export class NativeKernel implements Kernel {
  readonly #route = native.openRouteSocket(null);
  readonly #nft = native.openNftSocket();
  readonly #links = new LinkWatch(this.#route);
  readonly #ports = new PortHolder();
  readonly #processes = new ProcessWatch();

  constructor(netnsDirectory: string) {
    mkdirSync(netnsDirectory, { recursive: true, mode: 0o755 });
  }

  async perform(steps: readonly Step[]): Promise<Performed> {
    const run: Run = { outputs: [], done: [], failure: null, found: false };
    const sockets = new NamespaceSockets();
    try {
      for (let index = 0; index < steps.length && !run.failure; ) {
        const group = batchFrom(steps, index);
        if (group.length > 0) this.#performBatch(group, index, sockets, run);
        else await this.#performOne(steps[index] as Step, index, sockets, run);
        index += Math.max(group.length, 1);
      }
    } finally {
      sockets.close();
    }
    const { outputs, done, failure } = run;
    return { outputs, done, failure };
  }

  statistics(netnsPath: string): Record<string, LinkCounters> {
    const socket = native.openRouteSocket(netnsPath);
    try {
      const links = native.listLinks(socket).filter(({ loopback }) => !loopback);
      return Object.fromEntries(links.map(({ name, statistics }) => [name, statistics]));
    } finally {
      socket.close();
    }
  }

  hostIp(): string | null {
    return native.sourceAddressFor(this.#route, publicAddress);
  }

  onFact(listener: (to: ActorAddress, event: ActorEvent) => void): void {
    this.#processes.onExit((owner, pid) => listener(owner as ActorAddress, { type: 'process.exited', pid }));
  }

  close(): void {
    this.#links.close();
    this.#processes.close();
    this.#ports.close();
    this.#route.close();
    this.#nft.close();
  }

  /** Requests next to each other for the same namespace go in one send; each is judged by itself. */
  #performBatch(group: readonly RouteStep[], first: number, sockets: NamespaceSockets, run: Run): void {
    const netns = namespaceOf(group[0] as RouteStep);
    const [socket, refused] = attempt(() => (netns === null ? this.#route : sockets.open(netns)), 'open netns');
    if (!socket) {
      // the namespace is gone, and with it all that a step could have wanted to take away
      if (group.every(({ verb }) => verb.endsWith('.delete'))) this.#succeed(run, first, group.length);
      else run.failure = { index: first, ...refused };
      return;
    }
    const left = run.found ? group.filter((step) => !isSet(socket, step)) : group;
    const faults = new Map(native.route(socket, left.map(requestFor)).map((fault, index) => [left[index], fault]));
    for (const [offset, step] of group.entries()) {
      const refused = faults.get(step) ?? null;
      const fault = settle(step, refused) && verifyExisting(socket, step, refused);
      if (refused?.errno === 'EEXIST') run.found = true;
      if (!fault) this.#succeed(run, first + offset, 1);
      else run.failure ??= { index: first + offset, operation: fault.op, errno: fault.errno, detail: fault.detail };
    }
  }

  #succeed(run: Run, first: number, count: number): void {
    for (let index = first; index < first + count; index++) {
      run.done.push(index);
      run.outputs.push({});
    }
  }

  async #performOne(step: Step, index: number, sockets: NamespaceSockets, run: Run): Promise<void> {
    try {
      const output = await this.#perform(step, sockets);
      run.done.push(index);
      run.outputs.push(output);
      if (step.verb === 'netns.require') run.found = true;
    } catch (error) {
      run.failure = { index, ...failureOf(error, step.verb) };
    }
  }

  async #perform(step: Step, sockets: NamespaceSockets): Promise<StepOutput> {
    switch (step.verb) {
      case 'netns.create':
        return this.#pin(step.path, () => native.createNetns(step.path), sockets);
      case 'netns.adopt':
        refuseOther(step.path, step.pid);
        return this.#pin(step.path, () => native.adoptNetns(step.pid, step.path), sockets);
      case 'netns.require':
        return requireNetns(step.path, step.inode);
      case 'netns.remove':
        native.removeNetns(step.path);
        return {};
      case 'link.gone':
        await this.#links.gone(step.name, step.graceMs);
        return {};
      case 'sysctl.set':
        native.setSysctl(step.netns, step.key, step.value);
        return {};
      case 'nft.load':
        this.#loadBase();
        return {};
      case 'nft.add':
        return this.#changeElements('add', step.elements);
      case 'nft.delete':
        return this.#changeElements('delete', step.elements);
      case 'port.hold':
        return { port: this.#ports.hold(step) };
      case 'port.release':
        this.#ports.release(step.owner);
        return {};
      case 'process.watch':
        return { startTicks: this.#processes.watch(step.owner, step.pid, step.startTicks) };
      case 'process.unwatch':
        this.#processes.unwatch(step.owner);
        return {};
      case 'host.survey':
        return { survey: this.#survey() };
      default:
        throw new TypeError(`${step.verb} is performed in a batch`);
    }
  }

  #pin(
    path: string,
    make: () => { identity: native.NetnsIdentity; socket: native.RouteSocket },
    sockets: NamespaceSockets,
  ): StepOutput {
    const there = native.netnsIdentity(path);
    if (there) return { netns: { path, inode: there.inode } };
    const { identity, socket } = make();
    sockets.keep(path, socket);
    return { netns: { path, inode: identity.inode } };
  }

  #loadBase(): void {
    if (this.#isBaseLoaded()) return;
    native.loadRuleset(`${baseRuleset}\nadd set inet ${nftTable} ${rulesetMark} { type mark; }\n`);
  }

  #isBaseLoaded(): boolean {
    try {
      native.listElements(this.#nft, nftTable, rulesetMark);
      return true;
    } catch (error) {
      if (failureOf(error, 'nft.load').errno === 'ENOENT') return false;
      throw error;
    }
  }

  /** One batch. Deleting what is gone already is success: such deletions are left out and the rest is sent again. */
  #changeElements(verb: 'add' | 'delete', elements: readonly Element[]): StepOutput {
    let changes = elements.flatMap(encodeElement).map((element) => ({ verb, element }));
    for (;;) {
      const faults = native.changeElements(this.#nft, nftTable, changes);
      const refused = faults.find((fault) => fault && !(verb === 'delete' && fault.errno === 'ENOENT'));
      if (refused) throw refused;
      const missing = faults.filter(Boolean).length;
      if (missing === 0) return {};
      changes = changes.filter((_, index) => !faults[index]);
      if (changes.length === 0) return {};
    }
  }

  #survey() {
    const links = native.listLinks(this.#route);
    const subnets = native.listRoutes(this.#route).map(({ destination }) => destination);
    return { linkNames: links.map(({ name }) => name), subnets: [...new Set(subnets)] };
  }
}

/** A pin that is there already must be of the process's namespace. */
function refuseOther(path: string, pid: number): void {
  const there = native.netnsIdentity(path);
  const wanted = there && native.netnsIdentity(`/proc/${pid}/ns/net`);
  if (wanted && wanted.inode !== there.inode)
    throw fault('adopt netns', 'EEXIST', `${path} is namespace ${there.inode}, process ${pid} is in ${wanted.inode}`);
}

function requireNetns(path: string, inode: number | null): StepOutput {
  const there = native.netnsIdentity(path);
  if (!there) throw fault('find netns', 'ENOENT', `${path} is no network namespace`);
  if (inode !== null && there.inode !== inode)
    throw fault('find netns', 'ENOENT', `${path} is namespace ${there.inode}, not ${inode}`);
  return { netns: { path, inode: there.inode } };
}

/** Sockets into the namespaces of one plan; closed with it, for an open one keeps its namespace alive. */
class NamespaceSockets {
  readonly #sockets = new Map<string, native.RouteSocket>();

  keep(path: string, socket: native.RouteSocket): void {
    this.#sockets.set(path, socket);
  }

  open(path: string): native.RouteSocket {
    const socket = this.#sockets.get(path) ?? native.openRouteSocket(path);
    this.#sockets.set(path, socket);
    return socket;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}

const routeVerbs: ReadonlySet<string> = new Set([
  'link.bridge',
  'link.veth',
  'link.set',
  'link.delete',
  'address.add',
  'address.delete',
  'route.add',
  'route.delete',
]);

const isRouteStep = (step: Step | undefined): step is RouteStep => step !== undefined && routeVerbs.has(step.verb);

function namespaceOf(step: RouteStep): string | null {
  return 'netns' in step ? step.netns : null;
}

/** A bridge goes alone: what follows must not touch somebody else's link when the name was taken. */
function batchFrom(steps: readonly Step[], start: number): RouteStep[] {
  const first = steps[start];
  if (!isRouteStep(first)) return [];
  const group = [first];
  for (let index = start + 1; first.verb !== 'link.bridge'; index++) {
    const step = steps[index];
    if (!isRouteStep(step) || step.verb === 'link.bridge' || namespaceOf(step) !== namespaceOf(first)) break;
    group.push(step);
  }
  return group;
}

function fault(op: string, errno: string, detail: string | null): native.SystemFault {
  return { op, errno, detail };
}

function failureOf(error: unknown, verb: string): Omit<StepFailure, 'index'> {
  const { op = verb, errno, detail = null, message } = error as Partial<native.SystemError>;
  return errno === undefined
    ? { operation: op, errno: 'EUNKNOWN', detail: message ?? String(error) }
    : { operation: op, errno, detail };
}

function attempt<T>(open: () => T, verb: string): [T, null] | [null, Omit<StepFailure, 'index'>] {
  try {
    return [open(), null];
  } catch (error) {
    return [null, failureOf(error, verb)];
  }
}
