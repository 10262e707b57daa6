import { randomUUID } from 'node:crypto';
import { headers } from '@nats-io/nats-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Journal } from '../../src/actors/journal.ts';
import { keepReply } from '../support/kept-replies.ts';
import { codeOf, Lab, refusal } from '../support/lab.ts';

/** A message ID stands for one request: the same request gets the same reply, any other request is refused. */

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
  await lab.client.network.create({ name: 'web' });
});
afterAll(() => lab.close());
afterEach(async () => {
  for (const { id } of (await lab.client.container.list()).containers) await lab.remove(id);
});

const ids = async () => (await lab.client.container.list()).containers.map(({ id }) => id);
const networks = async () => (await lab.client.network.list()).networks.map(({ name }) => name);
const once = () => ({ msgId: randomUUID() });

/** Sends these bytes as they are. */
async function send(verb: string, payload: string, msgId: string) {
  const header = headers();
  header.set('Nats-Msg-Id', msgId);
  const subject = `netloom.v1.${lab.daemon.node}.${verb}`;
  return (await lab.client.nc.request(subject, payload, { timeout: 10_000, headers: header })).json();
}

describe('B09 one message ID for two requests', () => {
  it('B09 a reused message ID is refused for another command, which is not carried out', async () => {
    const id = once();
    const first = await lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }] }, id);
    const fault = await refusal(lab.client.network.create({ name: 'second' }, id));
    expect(fault).toEqual({ code: 'command.mismatch', message: expect.stringContaining(id.msgId) });
    expect(await networks()).toEqual(['web']);
    expect(await codeOf(lab.client.container.create({ id: 'a', networks: [{ network: 'web' }] }, id))).toBe(
      'command.mismatch',
    );
    expect(await lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }] }, id)).toEqual(first);
  });

  it('B09 a reused message ID is refused for the same command with another request', async () => {
    const id = once();
    await lab.client.container.create({ id: 'a', mode: 'none' }, id);
    for (const request of [{ id: 'b', mode: 'none' }, { id: 'a' }, { id: 'a', mode: 'none', labels: { b: 'c' } }])
      expect(await codeOf(lab.client.container.create(request, id))).toBe('command.mismatch');
    expect(await ids()).toEqual(['a']);
  });

  it('B09 a reused message ID is refused while the first request is under way', async () => {
    const id = once();
    const [first, other] = await Promise.allSettled([
      lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }] }, id),
      lab.client.container.setup({ id: 'b', networks: [{ network: 'web' }] }, id),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { id: 'a' } });
    expect(other).toMatchObject({ status: 'rejected', reason: { fault: { code: 'command.mismatch' } } });
    expect(await ids()).toEqual(['a']);
  });

  it('B09 a message ID is refused again after a refusal, for commands of several steps and for queries', async () => {
    const id = once();
    expect(await codeOf(lab.client.container.setup({ id: 'a', networks: [{ network: 'later' }] }, id))).toBe(
      'network.unknown',
    );
    const asked = [
      lab.client.container.setup({ id: 'a', mode: 'none' }, id),
      lab.client.container.attach({ id: 'a', networks: [{ network: 'web' }] }, id),
      lab.client.network.prune({}, id),
      lab.client.request('node.gc', {}, id),
      lab.client.container.list(id),
      lab.client.container.inspect({ id: 'nobody' }, id),
    ];
    for (const request of asked) expect(await codeOf(request)).toBe('command.mismatch');
    const several = once();
    await lab.client.network.prune({ names: ['nowhere'] }, several);
    expect(await codeOf(lab.client.network.prune({ names: ['web'] }, several))).toBe('command.mismatch');
    expect(await networks()).toEqual(['web']);
  });

  it('B09 a message ID stays refused after a restart of the daemon', async () => {
    const id = once();
    await lab.client.container.create({ id: 'a', mode: 'none' }, id);
    await lab.restart('kill');
    expect(await codeOf(lab.client.container.create({ id: 'b', mode: 'none' }, id))).toBe('command.mismatch');
    expect(await lab.client.container.create({ id: 'a', mode: 'none' }, id)).toEqual({ id: 'a' });
  });

  it('B09 requests count as equal in any order of fields, and null equals an absent field', async () => {
    const { msgId } = once();
    const reply = await send('container.create', '{"id": "a", "mode": "none", "labels": {"x": "1", "y": "2"}}', msgId);
    const spelt = '{"labels":{"y":"2","x":"1"},"name":null,"mode":"none","unknown":1,"id":"a"}';
    expect(await send('container.create', spelt, msgId)).toEqual(reply);
    expect(reply).toEqual({ id: 'a' });
  });

  it('B09 a repeated container.detach gets the same reply as the first, of some networks and of all', async () => {
    await lab.client.network.create({ name: 'back' });
    await lab.client.container.setup({ id: 'a', networks: [{ network: 'web' }, { network: 'back' }] });
    for (const networks of [['web'], ['back']]) {
      const id = once();
      const replies = [1, 2].map(() => lab.client.container.detach({ id: 'a', networks }, id));
      expect(await Promise.all(replies)).toEqual([{ id: 'a' }, { id: 'a' }]);
      expect(await lab.client.container.detach({ id: 'a', networks }, id)).toEqual({ id: 'a' });
    }
    await lab.settled();
    await lab.client.network.remove({ name: 'back' });
  });

  it('B09 a reply stored by an older version is returned, though it does not record its request', async () => {
    await lab.end('stop');
    const journal = new Journal(lab.daemon.runDirectory);
    keepReply(journal, 'kept old-id', { id: 'long-gone' });
    await journal.close();
    await lab.start();
    expect(await lab.client.container.remove({ id: 'long-gone' }, { msgId: 'old-id' })).toEqual({ id: 'long-gone' });
  });
});

describe('P19 a fresh ID per try', () => {
  it('P19 a repeated ID gets the first reply even if it is out of date, and a fresh ID gets the current one', async () => {
    const request = { id: 'a', networks: [{ network: 'later' }] };
    const id = once();
    const refused = await refusal(lab.client.container.setup(request, id));
    await lab.client.network.create({ name: 'later' });
    expect(await refusal(lab.client.container.setup(request, id))).toEqual(refused);
    expect(await lab.client.container.setup(request, once())).toMatchObject({ id: 'a' });
    await lab.remove('a');
    await lab.client.network.remove({ name: 'later' });
  });
});
