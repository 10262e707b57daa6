import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { silent } from '../../src/bus/server/log.ts';
import { findServerBinary, launchServer, type ServerProcess } from '../../src/bus/server/server-process.ts';

/** A nats-server other than a daemon's own, in the network namespace of this thread. It ends with the test. */
export class OutsideServer {
  readonly url: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'netloom-outside-'));
  #process: ServerProcess | null = null;

  private constructor(private readonly port: number) {
    this.url = `nats://127.0.0.1:${port}`;
  }

  /** `config`: in nats-server's syntax, beside its name and its port. */
  static async start(config: string): Promise<OutsideServer> {
    const server = new OutsideServer(await freePort());
    onTestFinished(async () => {
      await server.stop();
      rmSync(server.#directory, { recursive: true, force: true });
    });
    await server.run(config);
    return server;
  }

  /** With JetStream, in a directory that outlives the process. */
  get jetstream(): string {
    return `jetstream { store_dir: ${JSON.stringify(this.#directory)} }\n`;
  }

  /** Starts it, or starts it again with another configuration. */
  async run(config: string): Promise<void> {
    await this.stop();
    const configFile = join(this.#directory, 'outside.conf');
    writeFileSync(configFile, `server_name: outside\nlisten: 127.0.0.1:${this.port}\n${config}`);
    const binary = findServerBinary();
    this.#process = await launchServer({ binary, configFile, port: this.port, serverName: 'outside', log: silent });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = null;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
