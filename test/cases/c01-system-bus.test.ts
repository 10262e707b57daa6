import { once } from 'node:events';
import { renameSync, rmSync } from 'node:fs';
import { expect, it, type TestContext } from 'vitest';
import { Firewalld } from '../../src/kernel/firewalls/firewalld.ts';
import { temporaryDirectory } from '../support/fresh-host.ts';
import { admit, TestBus } from '../support/test-bus.ts';

// Faulty buses that no real one can imitate. How a daemon treats a silent or late bus: c01-firewalld.test.ts.
const lookAgainMs = 20;
/** The time that a set-up may wait, plus what a busy machine takes. */
const onceMs = 1_500;
const atOnceMs = 900;

type Serve = Parameters<typeof TestBus.listen>[1];

/** A firewalld connection by the bus at that path, and what it reports. */
function firewalldOn(path: string, { onTestFinished }: TestContext) {
  const firewalld = new Firewalld({ environment: { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}` }, lookAgainMs });
  onTestFinished(() => firewalld.stop());
  const refused: string[] = [];
  firewalld.on('refused', (detail) => refused.push(detail));
  return { firewalld, refused };
}

function busPath({ onTestFinished }: TestContext): string {
  const directory = temporaryDirectory();
  onTestFinished(directory.remove);
  return `${directory.path}/bus`;
}

async function busOn(path: string, serve: Serve, { onTestFinished }: TestContext): Promise<TestBus> {
  const bus = await TestBus.listen(path, serve);
  onTestFinished(() => bus.close());
  return bus;
}

/** Measures how long a network waits to be trusted, and whether it was. */
async function trusting(firewalld: Firewalld): Promise<{ changed: boolean; tookMs: number }> {
  const startedMs = performance.now();
  const changed = await firewalld.trust(['10.81.0.0/24']);
  return { changed, tookMs: performance.now() - startedMs };
}

/** Leaves the socket as a killed bus does. */
async function leaveSocket(path: string): Promise<void> {
  const bus = await TestBus.listen(`${path}.living`, () => {});
  renameSync(`${path}.living`, path);
  await bus.close();
}

const hello = { signature: 's', body: [':1.7'] };
const denied = { errorName: 'org.freedesktop.DBus.Error.AccessDenied', signature: 's', body: ['not for you'] };
const unowned = { errorName: 'org.freedesktop.DBus.Error.NameHasNoOwner', signature: 's', body: ['no such name'] };

it.concurrent.for([
  ['accepts connections without authentication', (socket) => socket.resume()],
  ['authenticates and answers nothing', TestBus.answering(() => null)],
  ['answers its own calls but the last', TestBus.answering((member) => (member === 'GetNameOwner' ? null : hello))],
] as [string, Serve][])(
  'C01 a bus that %s costs one set-up a second, is reported once and searched for again',
  async ([, serve], test) => {
    const path = busPath(test);
    const bus = await busOn(path, serve, test);
    const { firewalld, refused } = firewalldOn(path, test);
    const { changed, tookMs } = await trusting(firewalld);
    expect(changed).toBe(false);
    expect(tookMs).toBeLessThan(onceMs);
    // nor does it wait while the bus is searched for again
    await bus.taken(2);
    expect((await trusting(firewalld)).tookMs).toBeLessThan(atOnceMs);
    await Promise.all(bus.ended);
    await bus.taken(3);
    expect(refused).toEqual([expect.stringContaining(`${path} does not serve us: it does not answer`)]);
  },
);

it.concurrent('C01 a late bus and a silent firewalld cost a set-up one second together', async (test) => {
  const path = busPath(test);
  let letGo = () => {};
  const late = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await busOn(
    path,
    TestBus.answering(async (member) => {
      if (member === 'GetNameOwner') await new Promise((resolve) => setTimeout(resolve, 600));
      if (member === 'getSources') await late;
      return member === 'getSources' ? { signature: 'as', body: [[]] } : hello;
    }),
    test,
  );
  const { firewalld, refused } = firewalldOn(path, test);
  expect((await trusting(firewalld)).tookMs).toBeLessThan(onceMs);
  expect((await trusting(firewalld)).tookMs).toBeLessThan(atOnceMs);
  expect(refused).toEqual(['getSources: firewalld does not answer within 1 s']);
  const forgot = once(firewalld, 'forgot');
  letGo();
  await forgot;
  expect(await trusting(firewalld)).toMatchObject({ changed: true });
});

it.for([
  ['closes connections at once', (socket) => socket.destroy(), 'it closes the connection'],
  ['closes authenticated connections', (socket) => admit(socket, () => socket.destroy()), ''],
  ['ends authenticated connections', (socket) => admit(socket, () => socket.end()), ''],
  [
    'accepts none of our authentication methods',
    (socket) => socket.write('REJECTED ANONYMOUS\r\n'),
    'REJECTED ANONYMOUS',
  ],
  ['answers what is not D-Bus', (socket) => socket.write('ERROR\r\n'), 'ERROR'],
  ['gives no name', TestBus.answering(() => denied), 'not for you'],
  ['refuses subscriptions', TestBus.answering((member) => (member === 'AddMatch' ? denied : hello)), 'not for you'],
] as [string, Serve, string][])(
  'C01 a bus that %s delays no set-up, is reported once and searched for again',
  async ([, serve, reason], test) => {
    const path = busPath(test);
    const bus = await busOn(path, serve, test);
    const { firewalld, refused } = firewalldOn(path, test);
    const { changed, tookMs } = await trusting(firewalld);
    expect(changed).toBe(false);
    expect(tookMs).toBeLessThan(atOnceMs);
    await bus.taken(3);
    expect(new Set(refused).size).toBe(refused.length);
    expect(refused[0]).toContain(`${path} does not serve us: `);
    expect(refused[0]).toContain(reason);
  },
);

it.for([
  ['no socket', () => {}, 0],
  ['the socket of a bus that has died', leaveSocket, 1],
] as [string, (path: string) => unknown, number][])(
  'C01 %s delays no set-up, and a bus that starts later is found',
  async ([, leave, reports], test) => {
    const path = busPath(test);
    await leave(path);
    const { firewalld, refused } = firewalldOn(path, test);
    expect((await trusting(firewalld)).tookMs).toBeLessThan(atOnceMs);
    expect(refused).toHaveLength(reports);
    const sources: string[] = [];
    const forgot = once(firewalld, 'forgot');
    rmSync(path, { force: true });
    await busOn(
      path,
      TestBus.answering((member) => {
        if (member === 'getSources') return { signature: 'as', body: [sources] };
        if (member === 'addSource') sources.push('10.81.0.0/24');
        return hello;
      }),
      test,
    );
    await forgot;
    expect(await trusting(firewalld)).toMatchObject({ changed: true });
    expect(sources).toEqual(['10.81.0.0/24']);
  },
);

it('C01 a reload counts as a sign of life of a firewalld that the bus did not know', async (test) => {
  const path = busPath(test);
  const bus = await busOn(
    path,
    TestBus.answering((member) => {
      if (member === 'GetNameOwner') return unowned;
      return member === 'getSources' ? { signature: 'as', body: [[]] } : hello;
    }),
    test,
  );
  const { firewalld } = firewalldOn(path, test);
  expect(await trusting(firewalld)).toMatchObject({ changed: false });
  const forgot = once(firewalld, 'forgot');
  const name = 'org.fedoraproject.FirewallD1';
  bus.signal({ path: '/org/fedoraproject/FirewallD1', interface: name, member: 'Reloaded' });
  await forgot;
  expect(await trusting(firewalld)).toMatchObject({ changed: true });
});

it('C01 a subnet removed while another removal is under way loses its trust, too', async (test) => {
  const path = busPath(test);
  const sources = ['10.81.0.0/24', '10.82.0.0/24'];
  const { firewalld } = firewalldOn(path, test);
  let second: Promise<void> | null = null;
  await busOn(
    path,
    TestBus.answering((member) => {
      if (member === 'getSources') return { signature: 'as', body: [sources] };
      if (member === 'removeSource') {
        sources.shift();
        second ??= firewalld.distrust(['10.82.0.0/24']);
      }
      return member === 'getZoneByName' ? denied : hello;
    }),
    test,
  );
  await firewalld.distrust(['10.81.0.0/24']);
  await second;
  expect(sources).toEqual([]);
});
