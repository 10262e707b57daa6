import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import * as native from '#native';
import type { Answer } from '../../src/actors/journal.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import type { ActorEvent } from '../../src/core/actor-event.ts';
import { decodeElement } from '../../src/core/firewall/encoding.ts';
import {
  describeElement,
  type NftFamily,
  type NftSet,
  nftFamilies,
  nftFamily,
  nftSets,
  nftTable,
} from '../../src/core/firewall/nft.ts';
import type { Order, Orders, Reply, Told, Traced, Trap, Verb } from './fault-sweep-process.ts';

const program = new URL('../../dist/test/actors/fault-sweep-process.js', import.meta.url);

/** Ports that scenarios publish, and some beside. */
const watchedPorts = [...Array.from({ length: 12 }, (_, index) => 8080 + index), 5353, 5354];

export type Command = [to: ActorAddress, event: object];

/** One directory and one host; the process that works there may die and be started again. */
export class Site {
  #process: ChildProcess | null = null;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #orders = 0;
  #commands = 0;

  constructor(
    readonly directory: string,
    /** namespaces that are not netloom's */
    private readonly foreign: readonly string[],
    /** not of a process that dies: the next one has not opened yet what the former kept open */
    private readonly countsSockets: boolean,
  ) {}

  // ------------------------------------------------------------------------------------------------------------ life

  async start(): Promise<void> {
    const child = fork(program, [this.directory], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process = child;
    const ready = new Promise<void>((resolve, reject) => {
      this.#waiting.set(0, () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`it ended at its start: ${code ?? signal}`)));
    });
    child.on('message', (reply: Reply) => {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
    await ready;
  }

  async end(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await ended;
    }
    this.#process = null;
  }

  // -------------------------------------------------------------------------------------------------------- commands

  newId(): string {
    return `command ${++this.#commands}`;
  }

  say([to, event]: Command, command = this.newId()): Promise<Answer> {
    return this.#order('say', { to, event, command });
  }

  /** Each must succeed. */
  async sayAll(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      const { fault } = await this.say(command);
      if (fault) throw new Error(`${JSON.stringify(command).slice(0, 200)}: ${JSON.stringify(fault)}`);
    }
  }

  /** Hands the command in and waits for the process to die of it; false: it was answered. */
  async sayUntilDeath([to, event]: Command, command: string): Promise<boolean> {
    const child = this.#process as ChildProcess;
    const ended = once(child, 'exit').then(() => true);
    const answered = this.#order('say', { to, event, command }).then(() => false);
    return Promise.race([ended, answered]);
  }

  tell(to: ActorAddress, event: ActorEvent): Promise<null> {
    return this.#order('tell', { to, event });
  }

  set(trap: Trap | null): Promise<null> {
    return this.#order('set', { trap });
  }

  trace(): Promise<Traced> {
    return this.#order('trace', null);
  }

  facts(after: number): Promise<{ facts: Told[]; last: number }> {
    return this.#order('facts', { after });
  }

  async #order<V extends Verb>(verb: V, input: Orders[V][0]): Promise<Orders[V][1]> {
    const id = ++this.#orders;
    const reply = await new Promise<Reply>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#process?.send({ id, verb, input } as Order);
    });
    if (reply.error !== null) throw new Error(`${verb} ${JSON.stringify(input)}: ${reply.error}`);
    return reply.output as Orders[V][1];
  }

  // ---------------------------------------------------------------------------------------------------------- seeing

  /** All that there is: in this host's kernel, in every namespace, on disk, in the process, in its books. One line each. */
  async state(): Promise<string[]> {
    const pins = `${this.directory}/netns`;
    const namespaces = existsSync(pins) ? readdirSync(pins).map((name) => `${pins}/${name}`) : [];
    return [
      ...linesOfNamespace(null),
      ...elementLines(),
      ...namespaces.map((path) => `pin ${path}`),
      ...[...namespaces, ...this.foreign].flatMap((path) => linesOfNamespace(path)),
      ...definitionLines(`${this.directory}/networks`),
      ...watchedPorts.filter(isTaken).map((port) => `port ${port} is taken`),
      ...(this.countsSockets ? [`${this.#sockets()} sockets`] : []),
      ...(await this.#order('books', null)),
    ].sort();
  }

  /** A held port, or a namespace's socket, that nobody closed. */
  #sockets(): number {
    const descriptors = `/proc/${this.#process?.pid}/fd`;
    return readdirSync(descriptors).filter((fd) => {
      try {
        return readlinkSync(`${descriptors}/${fd}`).startsWith('socket:');
      } catch {
        return false;
      }
    }).length;
  }
}

/** Links, addresses and routes that somebody made: what the kernel adds by itself, and when, is left out. */
function linesOfNamespace(path: string | null): string[] {
  if (path !== null && !native.netnsIdentity(path)) return [`${path} is no namespace`];
  const socket = native.openRouteSocket(path);
  try {
    const links = native.listLinks(socket);
    const nameOf = (index: number | null) => links.find((link) => link.index === index)?.name ?? '-';
    const where = path === null ? '' : ` in ${path}`;
    return [
      ...links.map((link) => `${describeLink(link, nameOf(link.masterIndex), path !== null)}${where}`),
      ...native
        .listAddresses(socket)
        .filter(({ address }) => path === null || !address.startsWith('fe80:'))
        .map(({ address, linkIndex }) => `address ${address} dev ${nameOf(linkIndex)}${where}`),
      ...native
        .listRoutes(socket)
        .filter(({ destination }) => !destination.startsWith('fe80:'))
        .map((route) => `route ${describeRoute(route, nameOf(route.linkIndex))}${where}`),
    ];
  } finally {
    socket.close();
  }
}

/** The MAC address of a veth's host end is the kernel's choice. */
function describeLink(link: native.LinkInfo, master: string, isInside: boolean): string {
  const { name, kind, up, mtuBytes, alias, hairpin, ipv6AddressGeneration, macvlanMode, ipv4Configuration } = link;
  const mac = kind === 'bridge' || isInside ? link.macAddress : '';
  const settings = { up, mtuBytes, alias, hairpin, ipv6AddressGeneration, macvlanMode, ipv4Configuration };
  return `link ${name} ${kind} ${mac} master ${master} ${JSON.stringify(settings)}`;
}

function describeRoute({ destination, gateway, metric, type }: native.RouteInfo, link: string): string {
  return `${type} ${destination} via ${gateway} dev ${link} metric ${metric}`;
}

/** Each element of each set, by the addon: this is asked many times. */
function elementLines(): string[] {
  const socket = native.openNftSocket();
  try {
    return (Object.keys(nftSets) as NftSet[]).flatMap((set) =>
      native
        .listElements(socket, nftTable, set, nftFamily(set))
        .map((element) => `element ${describeElement(decodeElement(set, element))} ${element.comment}`),
    );
  } finally {
    socket.close();
  }
}

/** The same by other means, and chains, rules and sets: nft --stateless list table inet netloom, and bridge netloom */
export function tableText(): string {
  const list = (family: NftFamily) =>
    execFileSync('nft', ['--stateless', 'list', 'table', family, nftTable], { encoding: 'utf8' });
  return nftFamilies.map(list).join('');
}

function definitionLines(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).map(
    (name) => `definition ${name}: ${JSON.stringify(JSON.parse(readFileSync(`${directory}/${name}`, 'utf8')))}`,
  );
}

/** Checks whether any protocol of it is bound, on every address or on one. */
function isTaken(port: number): boolean {
  try {
    for (const protocol of ['tcp', 'udp'] as const)
      for (const address of ['0.0.0.0', '::']) native.holdPort(protocol, address, port).close();
    return false;
  } catch {
    return true;
  }
}

/** What one has and the other has not; empty: they are the same. */
export function difference(found: readonly string[], wanted: readonly string[]): string[] {
  return [
    ...found.filter((line) => !wanted.includes(line)).map((line) => `too much: ${line}`),
    ...wanted.filter((line) => !found.includes(line)).map((line) => `missing: ${line}`),
  ];
}
