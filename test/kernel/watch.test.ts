import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  assignNetnsId,
  changeElements,
  linkByName,
  listRoutes,
  loadRuleset,
  type NftElement,
  type NftNotice,
  netnsIdOf,
  openNftSocket,
  type RouteNotice,
  route,
  setSysctl,
  type Watch,
  watchNft,
  watchProcess,
  watchRoutes,
} from '#native';
import { add, baseRuleset, element, ip4, port, proto, remove } from './elements.ts';
import { apply, becomeHost, faultOf, type Host, ip, run } from './host.ts';
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

/** Collects notices, and returns a promise for the first that matches. */
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
  it('watchRoutes reports links that are added, changed and deleted', async () => {
    const { all, until } = watchAll();
    apply(host.socket, addBridge('br0', { up: false }), setLink('br0', { up: true }), deleteLink('br0'));
    await until(({ kind }) => kind === 'link.deleted');
    const ofBridge = all.filter((notice) => 'name' in notice && notice.name === 'br0');
    expect(ofBridge[0]).toMatchObject({ kind: 'link.changed', up: false, masterIndex: null });
    expect(ofBridge).toContainEqual(expect.objectContaining({ kind: 'link.changed', up: true }));
    expect(ofBridge.at(-1)).toMatchObject({ kind: 'link.deleted' });
  });

  it('watchRoutes does not take a port that leaves its bridge for a deleted link', async () => {
    const { path } = host.netns('port');
    apply(host.socket, addBridge('br1'), addVeth('v1', path), setLink('v1', { up: true, master: 'br1' }));
    const { all, until } = watchAll();
    apply(host.socket, setLink('v1', { master: '' }), deleteLink('br1'));
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'br1');
    expect(all).toContainEqual(expect.objectContaining({ kind: 'link.changed', name: 'v1', masterIndex: null }));
    expect(all).not.toContainEqual(expect.objectContaining({ kind: 'link.deleted', name: 'v1' }));
  });

  it('watchRoutes reports addresses and configured routes', async () => {
    const { all, until } = watchAll();
    apply(
      host.socket,
      addBridge('br2'),
      addAddress('br2', '10.2.0.1/24'),
      addRoute('10.3.0.0/16', { gateway: '10.2.0.9' }),
    );
    await until((notice) => notice.kind === 'route.added' && notice.route.destination === '10.3.0.0/16');
    const [listed] = listRoutes(host.socket).filter(({ destination }) => destination === '10.3.0.0/16');
    expect(all).toContainEqual({ kind: 'route.added', netnsId: null, route: listed });
    expect(all).toContainEqual(expect.objectContaining({ kind: 'address.added', address: '10.2.0.1/24' }));
    apply(host.socket, deleteAddress('br2', '10.2.0.1/24'));
    await until(({ kind }) => kind === 'address.deleted');
    await until((notice) => notice.kind === 'route.deleted' && notice.route.destination === '10.2.0.0/24');
  });

  it('watchRoutes reports only deletions where only those are watched', async () => {
    const { all, until } = gather<RouteNotice>((callback) =>
      watchRoutes({ links: true, addresses: true, routes: true, deletionsOnly: true }, callback),
    );
    apply(host.socket, addBridge('br8'), addAddress('br8', '10.8.0.1/24'), deleteAddress('br8', '10.8.0.1/24'));
    apply(host.socket, setLink('br8', { up: true }), deleteLink('br8'));
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'br8');
    expect(all).toContainEqual(expect.objectContaining({ kind: 'address.deleted', address: '10.8.0.1/24' }));
    expect(all.filter(({ kind }) => !kind.endsWith('.deleted'))).toEqual([]);
  });

  it('watchRoutes reports only the watched kinds', async () => {
    const { all, until } = gather<RouteNotice>((callback) =>
      watchRoutes({ links: false, addresses: true, routes: false }, callback),
    );
    apply(host.socket, addBridge('br3'), addAddress('br3', '10.4.0.1/24'));
    await until(({ kind }) => kind === 'address.added');
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['address.added']));
  });

  it('watchRoutes reports which settings of links have changed, and no unwatched ones', async () => {
    const { all, until } = gather<RouteNotice>((callback) =>
      watchRoutes({ links: false, addresses: false, routes: false, settings: true }, callback),
    );
    apply(host.socket, addBridge('br9'));
    const linkIndex = linkByName(host.socket, 'br9')?.index;
    const settings = (family: 4 | 6, place: number | 'all' | 'default' | undefined) => (notice: RouteNotice) =>
      notice.kind === 'netconf.changed' && notice.family === family && notice.linkIndex === place;
    await until(settings(4, linkIndex));
    expect(all).toContainEqual({
      kind: 'netconf.changed',
      netnsId: null,
      family: 4,
      linkIndex,
      forwarding: false,
      rpFilter: expect.any(Number),
    });
    setSysctl(null, 'net.ipv4.conf.br9.rp_filter', '2');
    await until((notice) => settings(4, linkIndex)(notice) && 'rpFilter' in notice && notice.rpFilter === 2);
    expect(all.at(-1)).toMatchObject({ linkIndex, forwarding: null, rpFilter: 2 });
    // one change for all is reported for each link, and for future links
    setSysctl(null, 'net.ipv6.conf.all.forwarding', '1');
    const isOn = (place: number | 'all' | 'default' | undefined) => (notice: RouteNotice) =>
      settings(6, place)(notice) && 'forwarding' in notice && notice.forwarding === true;
    for (const place of ['all', 'default', linkIndex] as const) await until(isOn(place));
    setSysctl(null, 'net.ipv6.conf.all.forwarding', '0');
    await until((notice) => settings(6, 'all')(notice) && 'forwarding' in notice && notice.forwarding === false);
    apply(host.socket, deleteLink('br9'));
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['netconf.changed']));
  });

  it('watchRoutes reports that it missed some, and keeps watching', async () => {
    const { all, until } = watchAll();
    apply(host.socket, addBridge('br4'));
    const requests = Array.from({ length: 8_000 }, (_, i) => addAddress('br4', `10.5.${i >> 8}.${i & 255}/32`));
    route(host.socket, requests); // this thread's loop reads nothing meanwhile
    await until(({ kind }) => kind === 'overrun');
    // Until the backlog is read, further notices are dropped as well.
    const hears = (name: string) => all.some((notice) => notice.kind === 'link.changed' && notice.name === name);
    for (let i = 0; !hears(`later${i - 1}`); i++) {
      apply(host.socket, addBridge(`later${i}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, 20_000);
});

describe('watchRoutes of all namespaces', () => {
  const watchEverywhere = () =>
    gather<RouteNotice>((callback) =>
      watchRoutes({ links: true, addresses: true, routes: true, allNamespaces: true }, callback),
    );

  it('watchRoutes of all namespaces reports changes within a numbered namespace, with that number', async () => {
    const inner = host.netns('numbered');
    const netnsId = assignNetnsId(host.socket, inner.path);
    const { all, until } = watchEverywhere();
    apply(inner.socket, addBridge('inner'), addAddress('inner', '10.8.0.2/24'));
    apply(inner.socket, addRoute('0.0.0.0/0', { gateway: '10.8.0.1' }), setLink('inner', { alias: 'container b' }));
    await until((notice) => notice.kind === 'link.changed' && notice.alias === 'container b');
    const linkIndex = linkByName(inner.socket, 'inner')?.index;
    expect(all).toContainEqual({ kind: 'address.added', netnsId, linkIndex, address: '10.8.0.2/24' });
    const route = expect.objectContaining({ destination: '0.0.0.0/0', gateway: '10.8.0.1', linkIndex });
    expect(all).toContainEqual({ kind: 'route.added', netnsId, route });
    run(inner.path, 'ip', ['route', 'delete', 'default']);
    run(inner.path, 'ip', ['address', 'delete', '10.8.0.2/24', 'dev', 'inner']);
    await until(({ kind }) => kind === 'address.deleted');
    expect(all).toContainEqual({ kind: 'route.deleted', netnsId, route });
    expect(all).toContainEqual({ kind: 'address.deleted', netnsId, linkIndex, address: '10.8.0.2/24' });
  });

  it("watchRoutes of all namespaces distinguishes both ends of a veth by their namespaces: the kernel numbers the peer's itself", async () => {
    const inner = host.netns('veth');
    expect(netnsIdOf(host.socket, inner.path)).toBeNull();
    const { all, until } = watchEverywhere();
    apply(
      host.socket,
      addVeth('v8', inner.path, { mtuBytes: 1400 }),
      setLink('v8', { up: true, alias: 'container c' }),
    );
    const netnsId = netnsIdOf(host.socket, inner.path);
    expect(netnsId).not.toBeNull();
    run(inner.path, 'ip', ['link', 'delete', 'eth0']);
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'v8');
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'eth0');
    const deleted = all.filter(({ kind }) => kind === 'link.deleted');
    const more = {
      kind: 'link.deleted',
      up: false,
      wentDown: false,
      masterIndex: null,
      group: 0,
      linkKind: 'veth',
      index: expect.any(Number),
    };
    expect(deleted).toHaveLength(2);
    expect(deleted).toContainEqual({ ...more, netnsId: null, name: 'v8', alias: 'container c', mtuBytes: 1400 });
    expect(deleted).toContainEqual({ ...more, netnsId, name: 'eth0', alias: null, mtuBytes: 1400 });
  });

  it('watchRoutes of all namespaces reports nothing of other namespaces to a watch of one', async () => {
    const inner = host.netns('unheard');
    assignNetnsId(host.socket, inner.path);
    const { all, until } = watchAll();
    apply(inner.socket, addBridge('unheard'));
    apply(host.socket, addBridge('heard'));
    await until((notice) => notice.kind === 'link.changed' && notice.name === 'heard');
    expect(all).not.toContainEqual(expect.objectContaining({ name: 'unheard' }));
    expect(all.every((notice) => notice.kind !== 'overrun' && notice.netnsId === null)).toBe(true);
  });
});

describe('numbers of namespaces', () => {
  it('numbers of namespaces are given once, and are those that ip shows', () => {
    const [one, two] = [host.netns('one'), host.netns('two')];
    expect(netnsIdOf(host.socket, one.path)).toBeNull();
    const number = assignNetnsId(host.socket, one.path);
    expect(assignNetnsId(host.socket, one.path)).toBe(number);
    expect(netnsIdOf(host.socket, one.path)).toBe(number);
    expect(assignNetnsId(host.socket, two.path)).not.toBe(number);
    expect(ip('netns list-id').map(({ nsid }: { nsid: number }) => nsid)).toContain(number);
    expect(netnsIdOf(two.socket, one.path)).toBeNull();
  });

  it('numbers of namespaces are refused for a path that is not a namespace', () => {
    for (const ask of [netnsIdOf, assignNetnsId]) {
      const op = ask === netnsIdOf ? 'find netns id' : 'assign netns id';
      const missing = host.pin('missing');
      expect(faultOf(() => ask(host.socket, missing))).toEqual({ op, errno: 'ENOENT', detail: missing });
      expect(faultOf(() => ask(host.socket, '/proc/version'))).toMatchObject({ op, errno: 'EINVAL' });
    }
  });
});

describe('watchNft', () => {
  it('watchNft reports what was added and deleted in families inet and bridge', async () => {
    const { all, until } = gather<NftNotice>(watchNft);
    loadRuleset(baseRuleset);
    const socket = openNftSocket();
    const key = [...proto('tcp'), ...port(80)];
    const one = element('published_any4', key, { data: [...ip4('10.1.0.2'), ...port(80)], comment: 'container a' });
    changeElements(socket, 'netloom', [add(one)]);
    run(null, 'nft', ['add', 'table', 'ip', 'other']);
    run(null, 'nft', ['flush', 'ruleset']);
    await until((notice) => notice.kind === 'table.deleted' && notice.family === 'inet');
    expect(all).toContainEqual({ kind: 'table.added', family: 'inet', table: 'netloom', name: null });
    expect(all).toContainEqual({ kind: 'chain.added', family: 'inet', table: 'netloom', name: 'postrouting' });
    expect(all).toContainEqual({ kind: 'rule.added', family: 'inet', table: 'netloom', name: 'published' });
    expect(all).toContainEqual({ kind: 'set.added', family: 'inet', table: 'netloom', name: 'subnets4' });
    expect(all).toContainEqual({ kind: 'set.added', family: 'bridge', table: 'netloom', name: 'sources4' });
    expect(all).toContainEqual({
      kind: 'element.added',
      family: 'inet',
      table: 'netloom',
      name: 'published_any4',
      element: one,
    });
    expect(all).toContainEqual({ kind: 'rule.deleted', family: 'inet', table: 'netloom', name: 'published' });
    expect(all).not.toContainEqual(expect.objectContaining({ table: 'other' }));
    socket.close();
  });
});

describe('elements in notices of watchNft', () => {
  const data = [...ip4('10.1.0.2'), ...port(80)];
  const onPort = (number: number) =>
    element('published_any4', [...proto('tcp'), ...port(number)], { data, comment: `container ${number}` });
  const range = element('published_range4', [...proto('udp'), ...ip4('0.0.0.0'), ...port(6000)], {
    keyEnd: [...proto('udp'), ...ip4('255.255.255.255'), ...port(6100)],
    data: ip4('10.1.0.2'),
    comment: 'container range',
  });
  const subnet = [element('subnets4', ip4('10.1.0.0')), element('subnets4', ip4('10.1.1.0'), { intervalEnd: true })];
  const gone = (one: NftElement) => ({
    kind: 'element.deleted',
    family: 'inet',
    table: 'netloom',
    name: one.set,
    element: one,
  });

  it('element notices have their owner, for every way to delete or flush them', async () => {
    loadRuleset(baseRuleset);
    const socket = openNftSocket();
    const all = [onPort(80), onPort(81), onPort(82), range, ...subnet];
    expect(changeElements(socket, 'netloom', all.map(add)).filter(Boolean)).toEqual([]);
    const heard = gather<NftNotice>(watchNft);
    const isGone = (one: NftElement) =>
      heard.until((notice) => notice.kind === 'element.deleted' && isDeepStrictEqual(notice.element, one));
    run(null, 'nft', ['delete', 'element', 'inet', 'netloom', 'published_any4', '{ tcp . 80 }']);
    await isGone(onPort(80));
    for (const map of ['published_any4', 'published_range4'])
      run(null, 'nft', ['flush', 'map', 'inet', 'netloom', map]);
    run(null, 'nft', ['flush', 'set', 'inet', 'netloom', 'subnets4']);
    for (const one of all) await isGone(one);
    expect(heard.all).toEqual(expect.arrayContaining(all.map(gone)));
    socket.close();
  });

  it('element notices are absent for a batch that was refused', async () => {
    loadRuleset(baseRuleset);
    const socket = openNftSocket();
    const { all, until } = gather<NftNotice>(watchNft);
    expect(changeElements(socket, 'netloom', [add(onPort(80)), remove(onPort(81))])[1]?.errno).toBe('ENOENT');
    changeElements(socket, 'netloom', [add(onPort(82))]);
    await until(({ kind }) => kind === 'element.added');
    expect(all).toEqual([
      { kind: 'element.added', family: 'inet', table: 'netloom', name: 'published_any4', element: onPort(82) },
    ]);
    socket.close();
  });
});

describe('watchProcess', () => {
  it('watchProcess calls back once when the process ends', async () => {
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

  it('watchProcess treats a zombie as ended', async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep infinity']);
    const [chunk] = await once(parent.stdout as NodeJS.ReadableStream, 'data');
    await new Promise<void>((resolve) => open.push(watchProcess(Number(chunk), resolve)));
    expect(run(null, 'cat', [`/proc/${Number(chunk)}/stat`])).toContain(' Z ');
    parent.kill('SIGKILL');
  });

  it('watchProcess fails with ESRCH when the process is gone already', () => {
    const { pid } = spawnSync('true');
    expect(faultOf(() => watchProcess(pid, () => {}))).toMatchObject({ op: 'watch process', errno: 'ESRCH' });
  });
});

describe('a watch', () => {
  it('a watch is silent once closed, and may be closed again', async () => {
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

  it('a watch reports nothing while it is paused, and everything when it is resumed', async () => {
    const heard: RouteNotice[] = [];
    const paused = watchRoutes({ links: true, addresses: false, routes: false }, (notices) => heard.push(...notices));
    paused.pause();
    const { until } = watchAll();
    apply(host.socket, addBridge('br9'), deleteLink('br9'));
    await until((notice) => notice.kind === 'link.deleted' && notice.name === 'br9');
    expect(heard).toEqual([]);

    paused.resume();
    await expect.poll(() => heard.map(({ kind }) => kind)).toContain('link.deleted');
    expect(heard[0]).toMatchObject({ kind: 'link.changed', name: 'br9' });
    paused.close();
    paused.resume();
  });

  it('a watch may be closed by its own callback', async () => {
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

  it('a watch keeps a program alive, unless unreferenced', () => {
    const watch = 'const watch = native.watchRoutes({ links: true, addresses: true, routes: true }, () => {});';
    expect(program(`${watch} watch.unref();`)).toMatchObject({ status: 0, stderr: '' });
    expect(program(watch).signal).toBe('SIGTERM');
    expect(program(`${watch} process.exit(7);`)).toMatchObject({ status: 7, stderr: '' });
  }, 10_000);

  it("a watch reports an exception of its callback as the loop's own", () => {
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
