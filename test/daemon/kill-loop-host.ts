import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import * as native from '#native';
import { type FaultCode, type NetloomClient, NetloomError } from '../../src/client.ts';
import { decodeElement } from '../../src/core/firewall/encoding.ts';
import { type Element, type NftSet, nftFamily, nftSets, nftTable } from '../../src/core/firewall/nft.ts';
import type { ContainerView, NetworkView } from '../../src/core/view.ts';
import { processesOf, TestDaemon, untilAnswered } from '../support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { Sleepers } from '../support/sleepers.ts';

/** Everything that the daemon and the kernel know at one moment. */
export interface Survey {
  containers: ContainerView[];
  networks: NetworkView[];
  elements: Element[];
  links: string[];
}

/** What a caller knows about its command: an answer, an error, or nothing. */
export type Heard = { how: 'done' | 'failed'; said: unknown } | { how: 'nothing' };

export const heardNothing: Heard = { how: 'nothing' };

/** Codes that say that the daemon did not answer, and not what became of the command. */
const unanswered: ReadonlySet<FaultCode> = new Set([
  'bus.unreachable',
  'command.timeout',
  'node.recovering',
  'node.draining',
  'worker.lost',
]);

/** How long an answer may take: more than the daemon waits for anything that another container holds. */
const answerMs = 15_000;

/** A host with a real daemon that is killed again and again, and a look at the kernel from beside it. */
export class KillHost {
  readonly sleepers = new Sleepers();
  readonly daemon: TestDaemon;
  readonly #route = native.openRouteSocket(null);
  readonly #nft = native.openNftSocket();
  client!: NetloomClient;
  #startMs = 0;

  private constructor(readonly directory: { path: string; remove(): void }) {
    this.daemon = new TestDaemon(directory.path);
  }

  static async open(): Promise<KillHost> {
    await becomeFreshHost();
    const host = new KillHost(temporaryDirectory());
    await host.start();
    return host;
  }

  get definitions(): string {
    return `${this.directory.path}/state/networks`;
  }

  fileOf(network: string): string {
    return `${this.definitions}/${network}.json`;
  }

  async start(): Promise<void> {
    const begun = performance.now();
    this.client = await this.daemon.start();
    this.#startMs = performance.now() - begun;
  }

  /** The next daemon is killed, too, after that part of a start. */
  async startAndKill(part: number): Promise<void> {
    this.daemon.launch();
    await delay(part * this.#startMs);
    await this.daemon.kill();
  }

  /** Kills the daemon; `withServer`: and its nats-server, as a service manager does, so that callers lose their connections. */
  async kill(withServer: boolean): Promise<void> {
    await this.daemon.kill();
    if (withServer) killServer(this.daemon.natsPid());
    await this.client.close();
  }

  async ask(...[name, request, options]: Parameters<NetloomClient['request']>): Promise<Heard> {
    try {
      return { how: 'done', said: await this.client.request(name, request, { timeoutMs: answerMs, ...options }) };
    } catch (error) {
      if (!(error instanceof NetloomError)) throw error;
      return unanswered.has(error.code) ? heardNothing : { how: 'failed', said: error.fault };
    }
  }

  async survey(): Promise<Survey> {
    const [{ containers }, { networks }] = await Promise.all([
      this.client.container.list(),
      this.client.network.list(),
    ]);
    return { containers, networks, elements: this.#elements(), links: this.#links() };
  }

  /** A survey once no container and no network is on its way from one state to another. */
  settled(): Promise<Survey> {
    return untilAnswered(async () => {
      const survey = await this.survey();
      const moving = [...survey.containers, ...survey.networks].filter(({ state }) => movingStates.has(state));
      if (moving.length > 0) throw new Error(`${moving.map(({ name, state }) => `${name} is ${state}`)}`);
      return survey;
    });
  }

  async close(): Promise<string[]> {
    await this.sleepers.endAll();
    await this.client.close();
    await this.daemon.stop();
    const left = processesOf(this.daemon);
    await this.daemon.destroy();
    this.#route.close();
    this.#nft.close();
    this.directory.remove();
    return left;
  }

  #links = (): string[] => native.listLinks(this.#route).map(({ name }) => name);

  #elements(): Element[] {
    return (Object.keys(nftSets) as NftSet[]).flatMap((set) =>
      native
        .listElements(this.#nft, nftTable, set, nftFamily(set))
        .filter(({ comment }) => comment !== null)
        .map((element) => decodeElement(set, element)),
    );
  }
}

/** Links other than the loopback inside a namespace; none without the namespace. */
export function linksWithin(netns: string): string[] {
  if (!existsSync(netns)) return [];
  const socket = native.openRouteSocket(netns);
  try {
    const names = native.listLinks(socket).map(({ name }) => name);
    return names.filter((name) => name !== 'lo').sort();
  } finally {
    socket.close();
  }
}

function killServer(pid: number | null): void {
  if (pid !== null) process.kill(pid, 'SIGKILL');
}

const movingStates: ReadonlySet<string> = new Set([
  ...['claiming', 'building', 'leasing', 'addressing', 'unconfiguring', 'unlinking'],
  ...['defining', 'updating', 'routing', 'raising', 'lowering'],
]);
