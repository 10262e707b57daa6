import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  changeElements,
  listRoutes,
  loadRuleset,
  type NftNotice,
  openNftSocket,
  type RouteNotice,
  route,
  type Watch,
  watchNft,
  watchProcess,
  watchRoutes,
} from '#native';
import { add, baseRuleset, element, ip4, port, proto } from './elements.ts';
import { apply, becomeHost, faultOf, type Host, run } from './host.ts';
import { addAddress, addBridge, addRoute, addVeth, deleteAddress, deleteLink, setLink } from './requests.ts';

let host: Host;
beforeAll(async () => {
  host = await becomeHost();
});
afterAll(() => host.close());

const open: Watch[] = [];
afterEach(() => {
  for (const watch of open.splice(0)) watch.close();
});

/** Notices as they come, and a promise for the first that matches. */
function gather<Notice>(start: (callback: (notices: Notice[]) => void) => Watch) {
  const all: Notice[] = [];
  let wake = () => {};
  open.push(
    start((notices) => {
      all.push(...notices);
      wake();
    }),
  );
  const until = async (matches: (notice: Notice) => boolean): Promise<Notice> => {
    for (;;) {
      const found = all.find(matches);
      if (found) return found;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { all, until };
}

const watchAll = () =>
  gather<RouteNotice>((callback) => watchRoutes({ links: true, addresses: true, routes: true }, callback));

describe('watchRoutes', () => {
  it('tells of links that come, change and vanish', async () => {
    const { all, until } = watchAll();
    apply(host.socket, addBridge('br0', { up: false }), setLink('br0', { up: true }), deleteLink('br0'));
    await until(({ kind }) => kind === 'link.deleted');
    const ofBridge = all.filter((notice) => 'name' in notice && notice.name === 'br0');
    expect(ofBridge[0]).toMatchObject({ kind: 'link.changed', up: false, masterIndex: null });
    expect(ofBridge).toContainEqual(expect.objectContaining({ kind: 'link.changed', up: true }));
    expect(ofBridge.at(-1)).toMatchObject({ kind: 'link.deleted' });
  });

  it('does not take a port that leaves its bridge for a link that is deleted', async () => {
    const { path } = host.netns('port');
    apply(host.socket, addBridge('br1'), addVeth('v1', path), setLink('v1', { up: true, master: 'br1' }));
    const { all, until } = watchAll();
    apply(host.socket, setLink('v1', { master: '' }), deleteLink('br1'));
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'br1');
    expect(all).toContainEqual(expect.objectContaining({ kind: 'link.changed', name: 'v1', masterIndex: null }));
    expect(all).not.toContainEqual(expect.objectContaining({ kind: 'link.deleted', name: 'v1' }));
  });

  it('tells of addresses and of configured routes', async () => {
    const { all, until } = watchAll();
    apply(
      host.socket,
      addBridge('br2'),
      addAddress('br2', '10.2.0.1/24'),
      addRoute('10.3.0.0/16', { gateway: '10.2.0.9' }),
    );
    await until((notice) => notice.kind === 'route.added' && notice.route.destination === '10.3.0.0/16');
    const [listed] = listRoutes(host.socket).filter(({ destination }) => destination === '10.3.0.0/16');
    expect(all).toContainEqual({ kind: 'route.added', route: listed });
    expect(all).toContainEqual(expect.objectContaining({ kind: 'address.added', address: '10.2.0.1/24' }));
    apply(host.socket, deleteAddress('br2', '10.2.0.1/24'));
    await until(({ kind }) => kind === 'address.deleted');
    await until((notice) => notice.kind === 'route.deleted' && notice.route.destination === '10.2.0.0/24');
  });

  it('tells only of what was asked for', async () => {
    const { all, until } = gather<RouteNotice>((callback) =>
      watchRoutes({ links: false, addresses: true, routes: false }, callback),
    );
    apply(host.socket, addBridge('br3'), addAddress('br3', '10.4.0.1/24'));
    await until(({ kind }) => kind === 'address.added');
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['address.added']));
  });

  it('says that it missed some, and goes on watching', async () => {
    const { all, until } = watchAll();
    apply(host.socket, addBridge('br4'));
    const requests = Array.from({ length: 8_000 }, (_, i) => addAddress('br4', `10.5.${i >> 8}.${i & 255}/32`));
    route(host.socket, requests); // this thread's loop reads nothing meanwhile
    await until(({ kind }) => kind === 'overrun');
    // Until the backlog is read, what happens is dropped as well.
    const hears = (name: string) => all.some((notice) => notice.kind === 'link.changed' && notice.name === name);
    for (let i = 0; !hears(`later${i - 1}`); i++) {
      apply(host.socket, addBridge(`later${i}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, 20_000);
});

describe('watchNft', () => {
  it('tells who was added and deleted in family inet', async () => {
    const { all, until } = gather<NftNotice>(watchNft);
    loadRuleset(baseRuleset);
    const socket = openNftSocket();
    const key = [...proto('tcp'), ...port(80)];
    const one = element('published_any4', key, { data: [...ip4('10.1.0.2'), ...port(80)] });
    changeElements(socket, 'netloom', [add(one)]);
    run(null, 'nft', ['add', 'table', 'ip', 'other']);
    run(null, 'nft', ['flush', 'ruleset']);
    await until(({ kind }) => kind === 'table.deleted');
    expect(all).toContainEqual({ kind: 'table.added', table: 'netloom', name: null });
    expect(all).toContainEqual({ kind: 'chain.added', table: 'netloom', name: 'postrouting' });
    expect(all).toContainEqual({ kind: 'rule.added', table: 'netloom', name: 'published' });
    expect(all).toContainEqual({ kind: 'set.added', table: 'netloom', name: 'subnets4' });
    expect(all).toContainEqual({ kind: 'element.added', table: 'netloom', name: 'published_any4' });
    expect(all).toContainEqual({ kind: 'rule.deleted', table: 'netloom', name: 'published' });
    expect(all).not.toContainEqual(expect.objectContaining({ table: 'other' }));
    socket.close();
  });
});

describe('watchProcess', () => {
  it('calls back once when the process ends', async () => {
    const child = spawn('sleep', ['infinity']);
    let calls = 0;
    const ended = new Promise<void>((resolve) => {
      open.push(
        watchProcess(child.pid as number, () => {
          calls += 1;
          resolve();
        }),
      );
    });
    child.kill('SIGKILL');
    await ended;
    await once(child, 'close');
    expect(calls).toBe(1);
  });

  it('takes a zombie for ended', async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep infinity']);
    const [chunk] = await once(parent.stdout as NodeJS.ReadableStream, 'data');
    await new Promise<void>((resolve) => open.push(watchProcess(Number(chunk), resolve)));
    expect(run(null, 'cat', [`/proc/${Number(chunk)}/stat`])).toContain(' Z ');
    parent.kill('SIGKILL');
  });

  it('says ESRCH when the process is gone already', () => {
    const { pid } = spawnSync('true');
    expect(faultOf(() => watchProcess(pid, () => {}))).toMatchObject({ op: 'watch process', errno: 'ESRCH' });
  });
});

describe('a watch', () => {
  it('is silent once closed, and may be closed again', async () => {
    const heard: RouteNotice[] = [];
    const closed = watchRoutes({ links: true, addresses: false, routes: false }, (notices) => heard.push(...notices));
    closed.close();
    closed.close();
    closed.unref();
    const { until } = watchAll();
    apply(host.socket, addBridge('br6'));
    await until((notice) => notice.kind === 'link.changed' && notice.name === 'br6');
    expect(heard).toEqual([]);
  });

  it('may be closed by its own callback', async () => {
    await new Promise<void>((resolve) => {
      const watch = watchRoutes({ links: true, addresses: false, routes: false }, () => {
        watch.close();
        resolve();
      });
      apply(host.socket, addBridge('br7'));
    });
  });

  const native = new URL('../../native/index.js', import.meta.url).href;
  const program = (code: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', `import * as native from '${native}';\n${code}`], {
      encoding: 'utf8',
      timeout: 2000,
    });

  it('keeps a program alive, unless unreferenced', () => {
    const watch = 'const watch = native.watchRoutes({ links: true, addresses: true, routes: true }, () => {});';
    expect(program(`${watch} watch.unref();`)).toMatchObject({ status: 0, stderr: '' });
    expect(program(watch).signal).toBe('SIGTERM');
    expect(program(`${watch} process.exit(7);`)).toMatchObject({ status: 7, stderr: '' });
  }, 10_000);

  it("reports what its callback throws as the loop's own", () => {
    const { status, stdout } = program(`
      process.on('uncaughtException', (error) => { console.log('caught', error.message); process.exit(3); });
      native.enterFreshNetns();
      native.watchRoutes({ links: true, addresses: true, routes: true }, () => { throw new Error('oh'); });
      native.route(native.openRouteSocket(null),
        [{ verb: 'addBridge', name: 'br0', macAddress: null, mtuBytes: null, up: true }]);
    `);
    expect({ status, stdout }).toEqual({ status: 3, stdout: 'caught oh\n' });
  });
});
