import { describe, expect, it, onTestFinished } from 'vitest';
import { OutboxPublisher } from '../../src/bus/events/outbox.ts';
import type { EventFeed, EventOptions, StreamedEvent } from '../../src/client.ts';
import type { ActorAddress } from '../../src/core/actor-address.ts';
import { client, connected, directories, FakeOutbox, node, server, until } from './support.ts';

async function world() {
  const where = directories();
  const bus = await server(where);
  const nc = await connected(where.runDir);
  const outbox = new FakeOutbox();
  const publisher = new OutboxPublisher({ nc, outbox, node });
  onTestFinished(() => publisher.stop());
  const say = async (...facts: string[]) => {
    for (const fact of facts) outbox.commit(fact);
    expect(await publisher.flush(10_000)).toBe(true);
  };
  return { ...where, bus, outbox, say, viewer: await client(where.runDir, 'viewer') };
}

async function take(feed: EventFeed, count: number): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const event of feed) if (events.push(event) === count) break;
  return events;
}

const long = `a${'.b'.repeat(124)}z`;

const facts = (events: StreamedEvent[]): string[] => events.map(({ type }) => type.split('.').at(-1) as string);

describe('a follower', () => {
  it('a follower gets the events after its start, and no earlier ones', async () => {
    const { say, viewer } = await world();
    await say('created');
    const feed = viewer.events();
    await feed.ready;
    await say('configured', 'running');
    expect(facts(await take(feed, 2))).toEqual(['configured', 'running']);
  });

  it('a follower misses nothing between a list and the events after it', async () => {
    const { say, viewer } = await world();
    await say('created', 'configured');
    const feed = viewer.events({ since: 2 });
    await say('running');
    expect(facts(await take(feed, 2))).toEqual(['configured', 'running']);
  });

  it('a follower gets the events of one container only, on request', async () => {
    const { outbox, say, viewer } = await world();
    await say('created');
    const feed = viewer.events({ since: 'all', noun: 'container', id: 'db' });
    outbox.commit('configured', 'container/web');
    outbox.commit('configured', 'container/db');
    outbox.commit('up', 'network/db');
    await say('removed');
    outbox.commit('running', 'container/db');
    await say();
    expect((await take(feed, 2)).map(({ source }) => source)).toEqual(Array(2).fill('/netloom/n1/container/db'));
  });

  it('a follower gets the events of one name with dots, and no others, in every role; also by a plain consumer', async () => {
    const { outbox, say, runDir } = await world();
    const sources = ['container/my.app', 'container/my', 'container/my.app.two', 'network/my.app', `network/${long}`];
    for (const source of sources as ActorAddress[]) outbox.commit('created', source);
    await say();
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const follower = await client(runDir, role);
      const heard = async (about: EventOptions) =>
        (await take(follower.events({ since: 'all', follow: false, ...about }), 99))
          .filter(({ type }) => type.endsWith('.created'))
          .map(({ source }) => source);
      expect(await heard({ noun: 'container', id: 'my.app' })).toEqual(['/netloom/n1/container/my.app']);
      expect(await heard({ id: 'my.app' })).toEqual(['/netloom/n1/container/my.app', '/netloom/n1/network/my.app']);
      expect(await heard({ noun: 'network', id: long })).toEqual([`/netloom/n1/network/${long}`]);
      expect((await follower.idsInEvents('container')).sort()).toEqual(['my', 'my.app', 'my.app.two']);
      expect((await follower.idsInEvents('network')).sort()).toEqual([long, 'my.app'].sort());
      const subjects: string[] = [];
      const told = follower.nc.subscribe('netloom.v1.n1.evt.container.my%2Eapp.*', {
        callback: (_, message) => void subjects.push(message.subject),
      });
      await follower.nc.flush();
      outbox.commit(`by-${role}`, 'container/my');
      outbox.commit(`by-${role}`, 'container/my.app');
      await say();
      await until(() => subjects.length > 0);
      expect(subjects).toEqual([`netloom.v1.n1.evt.container.my%2Eapp.by-${role}`]);
      told.unsubscribe();
    }
  });

  it('a follower continues after the server was killed and restarted, with nothing lost and nothing twice', async () => {
    const { bus, say, viewer } = await world();
    await say('created');
    const feed = viewer.events();
    await feed.ready;
    const reading = take(feed, 3);
    const pid = bus.pid() as number;
    process.kill(pid, 'SIGKILL');
    await until(() => bus.pid() !== null && bus.pid() !== pid);
    await say('configured', 'running', 'exited');
    expect(facts(await reading)).toEqual(['configured', 'running', 'exited']);
  });

  it('P22 a follower starts over, with a notice, when the event store was replaced while it is connected', async () => {
    const { bus, say, viewer } = await world();
    await say('created', 'configured', 'running');
    const said: string[] = [];
    const feed = viewer.events({ since: 'all', onReplaced: () => void said.push('replaced') });
    const reading = feed[Symbol.asyncIterator]();
    const next = async () => facts([(await reading.next()).value])[0];
    expect([await next(), await next(), await next()]).toEqual(['created', 'configured', 'running']);
    const { stream } = feed;
    bus.replace({ withFreshStore: true });
    await say('exited');
    expect([await next(), said, feed.stream === stream]).toEqual(['exited', ['replaced'], false]);
    await reading.return?.();
  });

  it('P22 a follower starts over when its position is in a store that was replaced, however long the new one is', async () => {
    const { bus, say, viewer, runDir } = await world();
    await say('created', 'configured');
    const feed = viewer.events({ since: 'all' });
    await take(feed, 2);
    const { stream } = feed;
    bus.replace({ withFreshStore: true });
    await say('running');
    const said: string[] = [];
    const onReplaced = () => void said.push('replaced');
    const since = 3;
    // the former one may still be without its connection
    const later = await client(runDir, 'viewer');
    // beyond its end
    expect(facts(await take(later.events({ since, onReplaced }), 1))).toEqual(['running']);
    await say('exited', 'torn-down', 'removed');
    const all = ['running', 'exited', 'torn-down', 'removed'];
    expect(facts(await take(later.events({ since, stream: stream as string, onReplaced }), 4))).toEqual(all);
    expect(said).toEqual(['replaced', 'replaced']);
  });

  it('P22 a follower continues from its position in the same store after a restart of the server', async () => {
    const { bus, say, viewer, runDir } = await world();
    await say('created', 'configured');
    const feed = viewer.events({ since: 'all' });
    await take(feed, 2);
    const { stream } = feed;
    bus.replace({ withFreshStore: false });
    await say('running');
    const onReplaced = () => expect.unreachable('it is the same store');
    const later = await client(runDir, 'viewer');
    expect(facts(await take(later.events({ since: 3, stream: stream as string, onReplaced }), 1))).toEqual(['running']);
  });

  it('a follower ends on request', async () => {
    const { viewer, say } = await world();
    await say('created');
    const stop = new AbortController();
    const feed = viewer.events({ signal: stop.signal });
    await feed.ready;
    const reading = take(feed, 1);
    stop.abort();
    expect(await reading).toEqual([]);
  });
});

describe('a replay', () => {
  it('a replay ends with the last existing event', async () => {
    const { say, viewer } = await world();
    await say('created', 'configured', 'running');
    expect(facts(await take(viewer.events({ since: 'all', follow: false }), 99))).toHaveLength(3);
  });

  it('a replay ends at once when the stream is empty', async () => {
    const { say, viewer } = await world();
    await say('created');
    expect(await take(viewer.events({ follow: false }), 99)).toEqual([]);
    expect(await take(viewer.events({ since: 'all', follow: false, id: 'nobody' }), 99)).toEqual([]);
  });

  it('a replay begins at a time', async () => {
    const { say, viewer } = await world();
    await say('created');
    await new Promise((resolve) => setTimeout(resolve, 5));
    const since = new Date();
    await say('configured');
    expect(facts(await take(viewer.events({ since, follow: false }), 99))).toEqual(['configured']);
  });

  it('a replay ends with the last event for every start: before, within or after gaps, or in the future', async () => {
    const { outbox, say, viewer } = await world();
    const starts = [{ since: new Date(0), left: 222 }];
    for (let told = 37; told <= 222; told += 37) {
      for (let i = 0; i < 37; i++) outbox.commit(`fact${i % 3}`, `container/${told === 37 ? `web${i}` : `db${i % 5}`}`);
      await say();
      await new Promise((resolve) => setTimeout(resolve, 20));
      starts.push({ since: new Date(), left: 222 - told });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    starts.push({ since: new Date(Date.now() + 60_000), left: 0 });
    for (const { since, left } of [...starts, ...starts, ...starts]) {
      const places = (await take(viewer.events({ since, follow: false }), 999)).map((event) => event.streamSequence);
      expect(places).toEqual(Array.from({ length: left }, (_, index) => 223 - left + index));
    }
  });

  it('a replay fails when the server is silent for longer than allowed', async () => {
    const { bus, say, viewer } = await world();
    await say(...Array<string>(2000).fill('created'));
    const feed = viewer.events({ since: 'all', follow: false, timeoutMs: 300 })[Symbol.asyncIterator]();
    await feed.next();
    const pid = bus.pid() as number;
    process.kill(pid, 'SIGSTOP');
    const rest = async () => {
      while (!(await feed.next()).done);
    };
    try {
      await expect(rest()).rejects.toMatchObject({ fault: { code: 'command.timeout' } });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('a replay finds no node when there is none', async () => {
    const { viewer } = await world();
    expect(await viewer.nodes()).toEqual([]);
  });

  it('a replay fails with an explanation when there is no stream', async () => {
    const where = directories();
    await server(where);
    const viewer = await client(where.runDir, 'viewer');
    await expect(take(viewer.events(), 1)).rejects.toMatchObject({ fault: { code: 'bus.unreachable' } });
  });
});
