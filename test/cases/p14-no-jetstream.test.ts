import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { execa, type ResultPromise } from 'execa';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { requireJetStream } from '../../src/bus/events/stream.ts';
import { connectBus } from '../../src/bus/server/connection.ts';
import { connect } from '../../src/client.ts';
import { endWithTest, untilAnswered } from '../support/daemon.ts';
import { becomeFreshHost, temporaryDirectory } from '../support/fresh-host.ts';
import { OutsideServer } from '../support/outside-server.ts';

/** An outside NATS server that stores no events. */

const user = 'authorization { users: [{user: nl, password: pw}] }\n';
const withUser = (url: string) => url.replace('//', '//nl:pw@');

/** Starts a server whose configuration may need its own directory. */
async function outside(config: (jetstream: string) => string): Promise<OutsideServer> {
  const server = await OutsideServer.start('');
  await server.run(config(server.jetstream));
  return server;
}

describe('a NATS server', () => {
  const asked = async (config: (jetstream: string) => string) => {
    const { url } = await outside(config);
    const nc = await connectBus({ url: withUser(url), name: 'test' });
    onTestFinished(() => nc.close());
    return requireJetStream(nc);
  };

  it.each([
    ['has no JetStream', () => user],
    [
      'has JetStream, but not for this account',
      (jetstream: string) =>
        `${jetstream}accounts { A: { jetstream: enabled }, B: { users: [{user: nl, password: pw}] } }\n`,
    ],
  ])('P14 a NATS server is refused in one sentence when it %s', async (_, config) => {
    await expect(asked(config)).rejects.toMatchObject({
      fault: {
        code: 'bus.no-jetstream',
        message: expect.stringMatching(
          /^the NATS server at 127\.0\.0\.1:\d+ has no JetStream, which netloom needs [^\n]+$/,
        ),
      },
    });
  });

  it('P14 a NATS server is refused in one sentence when this user may not use JetStream', async () => {
    const permissions = '{ publish: { deny: "$JS.API.>" } }';
    const config = `authorization { users: [{user: nl, password: pw, permissions: ${permissions}}] }\n`;
    await expect(asked((jetstream) => jetstream + config)).rejects.toMatchObject({
      fault: { code: 'bus.unauthorized', message: expect.stringContaining('permissions of a daemon') },
    });
  });

  it('P14 a NATS server with JetStream is accepted', async () => {
    await asked((jetstream) => jetstream + user);
  });
});

describe('a daemon', () => {
  const main = createRequire(import.meta.url).resolve('#cli');
  let directory: ReturnType<typeof temporaryDirectory>;
  beforeAll(async () => {
    await becomeFreshHost();
    directory = temporaryDirectory();
  });
  afterAll(() => directory.remove());

  function launch(url: string): ResultPromise {
    const places = ['--run-dir', `${directory.path}/run`, '--state-dir', `${directory.path}/state`, '--node', 'here'];
    const env = { NATS_URL: withUser(url) };
    const daemon = execa(process.execPath, [main, 'daemon', ...places], { env, reject: false });
    endWithTest(daemon);
    return daemon;
  }

  it('P14 a daemon does not start without JetStream, gives the reason in one sentence, and leaves nothing behind', async () => {
    const { url } = await outside(() => user);
    const { exitCode, stdout, stderr } = await launch(url);
    const printed = `${stderr}`.split('\n').filter((line) => !line.startsWith('{'));
    expect(printed).toEqual([
      expect.stringMatching(/^netloom: bus\.no-jetstream: the NATS server at \S+ has no JetStream/),
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(existsSync(`${directory.path}/run/daemon.pid`)).toBe(false);
  });

  it('P14 a daemon whose server lost JetStream keeps serving, and ends at once at SIGTERM', async () => {
    const server = await outside((jetstream) => jetstream + user);
    const daemon = launch(server.url);
    const lines = createInterface({ input: daemon.stderr as NodeJS.ReadableStream });
    await once(daemon.stdout as NodeJS.ReadableStream, 'data');
    const waits = new Promise<void>((resolve) => {
      lines.on(
        'line',
        (line) => line.includes('events wait for the stream') && line.includes('JetStream') && resolve(),
      );
    });
    await server.run(user);
    const client = await connect({ url: withUser(server.url), node: 'here' });
    onTestFinished(() => client.close());
    await waits;
    // the daemon's own connection for commands is restored by itself
    await untilAnswered(() => client.info());
    await client.network.create({ name: 'web' });
    expect((await client.info()).outbox).toBeGreaterThan(0);
    const startedAt = Date.now();
    daemon.kill('SIGTERM');
    expect(await daemon).toMatchObject({ exitCode: 0 });
    // waiting events would hold it up for 5 s
    expect(Date.now() - startedAt).toBeLessThan(2_500);
  });
});
