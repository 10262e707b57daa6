import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OutboxPublisher } from '../../src/bus/events/outbox.ts';
import { outboxMessage } from '../../src/bus/events/outbox-message.ts';
import type { CloudEvent } from '../../src/contract/cloud-event.ts';
import { omittedSchema } from '../../src/contract/facts.ts';
import type { Outbox } from '../../src/contract/outbox.ts';
import { eventStream } from '../../src/contract/subjects.ts';
import { client, connected, directories, FakeOutbox, node, server, until } from './support.ts';

function publisher(nc: NatsConnection, outbox: Outbox, more: { node?: string; window?: number } = {}): OutboxPublisher {
  const started = new OutboxPublisher({ nc, outbox, node, ...more });
  onTestFinished(() => started.stop());
  return started;
}

/** Reads everything in the stream, in its order. */
async function stored(runDir: string, ofNode: string | null = node): Promise<CloudEvent[]> {
  const reader = await client(runDir);
  const events: CloudEvent[] = [];
  for await (const event of reader.events({ since: 'all', follow: false, node: ofNode })) events.push(event);
  return events;
}

const numbers = (events: CloudEvent[]): number[] => events.map(({ sequence }) => Number(sequence));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

async function ready() {
  const where = directories();
  const started = await server(where);
  return { ...where, server: started, nc: await connected(where.runDir) };
}

describe('committed events are published', () => {
  it('events are published as CloudEvents, with their number as ID', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    outbox.commit('configured', 'container/web', { ports: [] });
    outbox.commit('up', 'network/demo');
    outbox.commit('serving', 'host');
    const published = publisher(nc, outbox);
    expect(await published.flush(5000)).toBe(true);
    const [first, second, third] = await stored(runDir);
    expect(first).toEqual({
      specversion: '1.0',
      id: 'epoch1.1',
      source: '/netloom/n1/container/web',
      type: 'dev.netloom.container.configured',
      subject: 'web',
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      datacontenttype: 'application/json',
      sequence: '0000000000000001',
      data: { ports: [] },
      streamSequence: 1,
    });
    expect(second).toMatchObject({ source: '/netloom/n1/network/demo', type: 'dev.netloom.network.up' });
    expect(third).toMatchObject({ source: '/netloom/n1/node/n1', type: 'dev.netloom.node.serving', subject: 'n1' });
    const manager = await jetstreamManager(nc);
    const message = await manager.streams.getMessage(eventStream, { seq: 1 });
    expect(message?.subject).toBe('netloom.v1.n1.evt.container.web.configured');
    expect(message?.header.get('content-type')).toBe('application/cloudevents+json');
  });

  it('events are published in order, all 5,000, however many are in flight', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    const published = publisher(nc, outbox);
    for (let index = 0; index < 5000; index++) {
      outbox.commit('configured');
      published.wake();
      if (index % 100 === 0) await new Promise(setImmediate);
    }
    expect(await published.flush(20_000)).toBe(true);
    expect(numbers(await stored(runDir))).toEqual(upTo(5000));
    expect(outbox.pending()).toBe(0);
    expect(published.position()).toEqual({ sequence: 5000, streamSequence: 5000 });
  });

  it('events are published without their data when the server can never accept that, so that later ones are not blocked', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    outbox.commit('created', 'network/demo', { state: 'defined', text: 'x'.repeat(5 * 1024 * 1024) });
    outbox.commit('up', 'network/demo');
    expect(await publisher(nc, outbox).flush(5000)).toBe(true);
    const datas = (await stored(runDir)).map(({ data }) => data);
    expect(datas).toEqual([{ state: 'defined', omitted: expect.any(String) }, { state: 'running' }]);
    expect(omittedSchema.parse(datas[0])).toEqual(datas[0]);
  });

  it('events are published beside those of other nodes on the same server', async () => {
    const { runDir, nc } = await ready();
    const [mine, theirs] = [new FakeOutbox('mine'), new FakeOutbox('theirs')];
    const [one, other] = [publisher(nc, mine), publisher(nc, theirs, { node: 'n2' })];
    for (let index = 0; index < 300; index++) {
      mine.commit('configured');
      theirs.commit('configured');
      one.wake();
      other.wake();
      if (index % 10 === 0) await new Promise(setImmediate);
    }
    expect(await Promise.all([one.flush(5000), other.flush(5000)])).toEqual([true, true]);
    expect(numbers(await stored(runDir, 'n1'))).toEqual(upTo(300));
    expect(numbers(await stored(runDir, 'n2'))).toEqual(upTo(300));
    expect(await stored(runDir, null)).toHaveLength(600);
  });
});

describe('no event is lost or repeated, and the order is kept,', () => {
  it('no event is lost or repeated when the server is killed again and again in the middle', async () => {
    const { runDir, nc, server: bus } = await ready();
    const outbox = new FakeOutbox();
    const published = publisher(nc, outbox);
    let committed = 0;
    const commit = (count: number) => {
      for (let index = 0; index < count; index++) outbox.commit('configured');
      committed += count;
      published.wake();
    };
    for (let kill = 0; kill < 5; kill++) {
      const before = published.position().sequence;
      commit(1000);
      await until(() => published.position().sequence > before + 100 * (kill + 1));
      const pid = bus.pid() as number;
      process.kill(pid, 'SIGKILL');
      commit(50);
      await until(() => bus.pid() !== null && bus.pid() !== pid);
    }
    expect(await published.flush(20_000)).toBe(true);
    expect(numbers(await stored(runDir))).toEqual(upTo(committed));
    await expect.poll(() => outbox.pending()).toBe(0);
  });

  it('no event is lost or repeated when there was no server for a while: they wait', async () => {
    const where = directories();
    const first = await server(where);
    const nc = await connected(where.runDir);
    const outbox = new FakeOutbox();
    const published = publisher(nc, outbox);
    outbox.commit('configured');
    expect(await published.flush(5000)).toBe(true);
    await first.stop();
    outbox.commit('running');
    expect(await published.flush(100)).toBe(false);
    expect(published.pending()).toBe(1);
    await server(where);
    expect(await published.flush(10_000)).toBe(true);
    expect(numbers(await stored(where.runDir))).toEqual([1, 2]);
  });

  it('no event is lost or repeated when the daemon was killed long ago, before the journal recorded what the stream has', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    for (let index = 0; index < 400; index++) outbox.commit('configured');
    const asItWas = outbox.copy();
    const first = publisher(nc, outbox);
    expect(await first.flush(5000)).toBe(true);
    await first.stop();
    // An expired duplicate window of 100 ms stands for the two minutes.
    const manager = await jetstreamManager(nc);
    await manager.streams.update(eventStream, { duplicate_window: 100_000_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));

    asItWas.commit('running');
    const second = publisher(nc, asItWas);
    expect(await second.flush(5000)).toBe(true);
    expect(numbers(await stored(runDir))).toEqual(upTo(401));
    expect(second.position()).toEqual({ sequence: 401, streamSequence: 401 });
    await expect.poll(() => asItWas.pending()).toBe(0);
  });

  it('B01 no event is lost or repeated when the stream refused some and accepted later ones, and the daemon was restarted', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    outbox.commit('created');
    expect(await publisher(nc, outbox).flush(5000)).toBe(true);
    for (let index = 0; index < 300; index++) outbox.commit('configured');
    const asItWas = outbox.copy();
    // as a disk does that has room for a short message only
    const refused = new Set([150, 152, 299]);
    for (const record of asItWas.after(1, 300)) {
      if (refused.has(record.sequence)) continue;
      const { subject, payload, headers } = outboxMessage(nc, node, asItWas.epoch, record);
      nc.publish(subject, payload, { headers });
    }
    const manager = await jetstreamManager(nc);
    await until(async () => (await manager.streams.info(eventStream)).state.messages === 298);
    asItWas.commit('removed');
    const next = publisher(nc, asItWas);
    expect(await next.flush(5000)).toBe(true);
    const taken = upTo(301).filter((sequence) => !refused.has(sequence));
    expect(numbers(await stored(runDir))).toEqual([...taken, ...refused, 302]);
    await expect.poll(() => asItWas.pending()).toBe(0);
  });

  it('no event is lost or repeated when a client had a reply of JetStream sent to a subject of netloom', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    outbox.commit('configured');
    const asItWas = outbox.copy();
    const first = publisher(nc, outbox);
    expect(await first.flush(5000)).toBe(true);
    await first.stop();
    const viewer = await connected(runDir, 'viewer');
    viewer.publish('$JS.API.INFO', '', { reply: `netloom.v1.${node}.evt.container.web.removed` });
    const manager = await jetstreamManager(nc);
    await until(async () => (await manager.streams.info(eventStream)).state.messages === 2);
    await manager.streams.update(eventStream, { duplicate_window: 100_000_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));

    asItWas.commit('running');
    expect(await publisher(nc, asItWas).flush(5000)).toBe(true);
    expect(numbers(await stored(runDir))).toEqual([1, 2]);
  });

  it('no event is lost or repeated when the stream is deleted while events are in flight: those in it are gone, the others arrive', async () => {
    const { runDir, nc } = await ready();
    const outbox = new FakeOutbox();
    const published = publisher(nc, outbox, { window: 8 });
    for (let index = 0; index < 500; index++) outbox.commit('configured');
    published.wake();
    await until(() => published.position().sequence > 50);
    const manager = await jetstreamManager(nc);
    await manager.streams.delete(eventStream);
    expect(await published.flush(10_000)).toBe(true);
    const left = numbers(await stored(runDir));
    expect(left.at(-1)).toBe(500);
    expect(left).toEqual(upTo(500).slice(-left.length));
  });

  it('no event is lost or repeated for a new journal whose numbers start over', async () => {
    const { runDir, nc } = await ready();
    for (const epoch of ['boot1', 'boot2']) {
      const outbox = new FakeOutbox(epoch);
      outbox.commit('configured');
      outbox.commit('removed');
      const published = publisher(nc, outbox);
      expect(await published.flush(5000)).toBe(true);
      await published.stop();
    }
    expect((await stored(runDir)).map(({ id }) => id)).toEqual(['boot1.1', 'boot1.2', 'boot2.1', 'boot2.2']);
  });
});

describe('the stop of the outbox', () => {
  it('the stop of the outbox does not wait for a server that is gone', async () => {
    const where = directories();
    const bus = await server(where);
    const nc = await connected(where.runDir);
    const outbox = new FakeOutbox();
    const published = publisher(nc, outbox);
    await published.flush(5000);
    await bus.stop();
    outbox.commit('configured');
    published.wake();
    const before = performance.now();
    await published.stop();
    expect(performance.now() - before).toBeLessThan(1000);
    expect(outbox.pending()).toBe(1);
  });
});

describe('the position of the outbox', () => {
  it('the position of the outbox is known at start when no event waits, so that a list can be followed', async () => {
    const { nc } = await ready();
    const outbox = new FakeOutbox();
    outbox.commit('configured');
    const first = publisher(nc, outbox);
    await first.flush(5000);
    await first.stop();
    const second = publisher(nc, outbox);
    await until(() => second.position().streamSequence !== null);
    expect(second.position()).toEqual({ sequence: 1, streamSequence: 1 });
  });
});
