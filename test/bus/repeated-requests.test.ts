import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { serveCommands } from '../../src/bus/commands/service.ts';
import type { NetloomClient } from '../../src/client.ts';
import { client, connected, directories, FakeEngine, node, server } from './support.ts';

/** A daemon that accepts a command and dies with its server before the reply; then both are restarted. */
async function interrupted(ask: (client: NetloomClient) => Promise<unknown>) {
  const places = directories();
  const first = await server(places);
  const mute = await connected(places.runDir);
  const taken: (string | undefined)[] = [];
  const subscription = mute.subscribe(`netloom.v1.${node}.>`);
  const heard = (async () => {
    for await (const { headers } of subscription) {
      taken.push(headers?.get('Nats-Msg-Id') || undefined);
      return;
    }
  })();
  await mute.flush();
  const asked = ask(await client(places.runDir));
  asked.catch(() => {});
  await heard;
  await mute.close();
  await first.stop();
  await server(places);
  const nc = await connected(places.runDir);
  const engine = new FakeEngine();
  const serve = () => serveCommands({ nc, engine, node, version: '0.1.0' });
  return { asked, taken, engine, serve };
}

it('sends a command again under its ID when the connection was lost before its reply arrived', async () => {
  const msgId = randomUUID();
  const { asked, taken, engine, serve } = await interrupted((one) => one.container.remove({ id: 'web' }, { msgId }));
  const service = await serve();
  await expect(asked).resolves.toEqual({ id: 'web' });
  expect(taken).toEqual([msgId]);
  expect(engine.sent.map(({ command }) => command)).toMatchObject([{ id: msgId, kept: true }]);
  await service.stop();
});

it('sends a query again when the connection was lost before its reply arrived', async () => {
  const { asked, serve } = await interrupted((one) => one.info());
  const service = await serve();
  await expect(asked).resolves.toMatchObject({ node });
  await service.stop();
});

it('does not send a command without an ID twice', async () => {
  const { asked, engine, serve } = await interrupted((one) =>
    one.container.remove({ id: 'web' }, { timeoutMs: 3_000 }),
  );
  const service = await serve();
  await expect(asked).rejects.toMatchObject({ code: 'command.timeout' });
  expect(engine.sent).toEqual([]);
  await service.stop();
});
