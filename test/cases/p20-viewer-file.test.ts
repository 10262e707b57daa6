import { readFileSync, writeFileSync } from 'node:fs';
import { jetstream } from '@nats-io/jetstream';
import { connect as connectNats } from '@nats-io/transport-node';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { serveCommands } from '../../src/bus/commands/service.ts';
import { OutboxPublisher } from '../../src/bus/events/outbox.ts';
import { credentialsFile } from '../../src/bus/server/credentials.ts';
import { connect } from '../../src/client.ts';
import type { Role } from '../../src/contract/command.ts';
import { connected, directories, FakeEngine, FakeOutbox, node, server } from '../bus/support.ts';
import { runDoor } from '../doors/door.ts';

/** A client that has the file of a role, a plain NATS library, and nothing of netloom. */

let runDir: string;
let outbox: FakeOutbox;

beforeEach(async () => {
  const where = directories();
  runDir = where.runDir;
  await server(where);
  const nc = await connected(runDir);
  const service = await serveCommands({ nc, engine: new FakeEngine(), node, version: '0.1.0' });
  outbox = new FakeOutbox();
  const publisher = new OutboxPublisher({ nc, outbox, node });
  onTestFinished(async () => {
    await publisher.stop();
    await service.stop();
  });
  outbox.commit('created');
  outbox.commit('configured');
  expect(await publisher.flush(5_000)).toBe(true);
});

const fileOf = (role: Role) =>
  JSON.parse(readFileSync(credentialsFile(runDir, role), 'utf8')) as Record<string, string>;

async function plain({ url, user, password, inboxPrefix }: Record<string, string>) {
  const nc = await connectNats({ servers: url, user, pass: password, ...(inboxPrefix && { inboxPrefix }) });
  onTestFinished(() => nc.close());
  return nc;
}

describe('a plain NATS client', () => {
  it.each(['viewer', 'operator', 'admin'] as const)(
    'P20 a plain client sends requests and gets replies with the file of a %s',
    async (role) => {
      const file = fileOf(role);
      expect(file).toEqual({
        url: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
        user: role,
        password: expect.stringMatching(/^.{32}$/),
        inboxPrefix: `_INBOX.${role}`,
        node,
      });
      const reply = await (await plain(file)).request(`netloom.v1.${file.node}.node.info`, '{}', { timeout: 5_000 });
      expect(reply.json()).toMatchObject({ node, state: 'serving' });
    },
  );

  it("P20 a plain client reads the events with a viewer's file", async () => {
    const js = jetstream(await plain(fileOf('viewer')));
    const consumer = await js.consumers.get('NETLOOM_EVENTS', { filter_subjects: `netloom.v1.${node}.evt.>` });
    const messages = await consumer.fetch({ max_messages: 2, expires: 5_000 });
    const types: string[] = [];
    for await (const message of messages) types.push(message.json<{ type: string }>().type);
    expect(types).toEqual(['dev.netloom.container.created', 'dev.netloom.container.configured']);
  });

  it('P20 a plain client needs the inbox prefix of the file', async () => {
    const { inboxPrefix: _, ...file } = fileOf('viewer');
    await expect(
      (await plain(file)).request(`netloom.v1.${node}.node.info`, '{}', { timeout: 1_000 }),
    ).rejects.toThrow();
  });
});

describe('the file of a role', () => {
  it('P20 a file of an older daemon, without an inbox prefix, is still accepted', async () => {
    const file = credentialsFile(runDir, 'viewer');
    const { inboxPrefix: _, ...old } = fileOf('viewer');
    writeFileSync(file, JSON.stringify(old));
    const client = await connect({ creds: file });
    onTestFinished(() => client.close());
    expect(await client.info()).toMatchObject({ node });
  });

  it.each(['', 'a b', '>', '_INBOX.*', 7])('P20 a file with the inbox prefix %j is refused', async (inboxPrefix) => {
    const file = credentialsFile(runDir, 'operator');
    writeFileSync(file, JSON.stringify({ ...fileOf('operator'), inboxPrefix }));
    await expect(connect({ creds: file })).rejects.toMatchObject({ fault: { code: 'bus.unauthorized' } });
    const { stdout } = await runDoor(['create'], { env: { NETLOOM_RUN_DIR: runDir }, input: {} });
    expect(JSON.parse(stdout).error).toMatch(/operator\.json is not a credentials file/);
  });

  it('P20 the file gives the netavark door the subject for its replies', async () => {
    const { stdout } = await runDoor(['create'], {
      env: { NETLOOM_RUN_DIR: runDir },
      input: { network: {}, used: {} },
    });
    // answered, by the daemon and not by the server
    expect(JSON.parse(stdout).error).not.toMatch(/does not answer|Permissions/);
  });
});
