import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adoptNetns,
  beginNetns,
  createNetns,
  currentNetnsIdentity,
  enterFreshNetns,
  listLinks,
  netnsIdentity,
  openRouteSocket,
  removeNetns,
  shareNetnsDirectory,
} from '#native';
import { becomeHost, faultOf, type Host, ip, run } from './host.ts';

let host: Host;
beforeAll(async () => {
  host = await becomeHost();
});
afterAll(() => host.close());

const identityOf = (path: string) => {
  const { ino, dev } = fs.statSync(path);
  return { inode: ino, device: dev };
};

describe('createNetns', () => {
  it('createNetns pins a fresh namespace that other programs can enter', () => {
    const { identity, socket } = createNetns(host.pin('fresh'));
    expect(identity).toEqual(identityOf(host.pin('fresh')));
    expect(identity).not.toEqual(currentNetnsIdentity());
    expect(ip('link', host.pin('fresh')).map((link: { ifname: string }) => link.ifname)).toEqual(
      listLinks(socket).map((link) => link.name),
    );
    socket.close();
  });

  it('createNetns leaves loopback down and the calling thread where it was', () => {
    const before = currentNetnsIdentity();
    const { socket } = createNetns(host.pin('unmoved'));
    expect(listLinks(socket)).toContainEqual(expect.objectContaining({ name: 'lo', up: false, loopback: true }));
    expect(currentNetnsIdentity()).toEqual(before);
    expect(run(null, 'readlink', ['/proc/self/ns/net']).trim()).toBe(`net:[${before.inode}]`);
    socket.close();
  });

  it('createNetns refuses a path where a namespace is mounted', () => {
    createNetns(host.pin('taken')).socket.close();
    const before = netnsIdentity(host.pin('taken'));
    expect(faultOf(() => createNetns(host.pin('taken')))).toMatchObject({ op: 'create netns', errno: 'EEXIST' });
    expect(netnsIdentity(host.pin('taken'))).toEqual(before);
  });

  it('createNetns uses a plain file that an earlier run left behind', () => {
    fs.writeFileSync(host.pin('leftover'), '');
    createNetns(host.pin('leftover')).socket.close();
    expect(netnsIdentity(host.pin('leftover'))).not.toBeNull();
  });

  it('createNetns leaves nothing behind when it cannot pin', () => {
    expect(faultOf(() => createNetns(host.pin('no/such/directory')))).toMatchObject({ errno: 'ENOENT' });
    fs.mkdirSync(host.pin('directory'));
    expect(faultOf(() => createNetns(host.pin('directory')))).toMatchObject({ op: 'create netns', errno: 'ENOTDIR' });
    fs.rmdirSync(host.pin('directory'));
  });
});

describe('beginNetns', () => {
  const threads = () => fs.readdirSync('/proc/self/task').length;
  /** Lists loopback's state: only a namespace made ahead has it up. */
  const isLoopbackUp = (path: string) => {
    const { socket } = createNetns(path);
    const [loopback] = listLinks(socket);
    socket.close();
    return loopback?.up;
  };

  it('beginNetns makes a namespace for createNetns of the same path, and pins nothing before', () => {
    beginNetns(host.pin('begun'));
    expect(fs.existsSync(host.pin('begun'))).toBe(false);
    expect(isLoopbackUp(host.pin('another'))).toBe(false);
    expect(isLoopbackUp(host.pin('begun'))).toBe(true);
    expect(netnsIdentity(host.pin('begun'))).not.toEqual(currentNetnsIdentity());
  });

  it('beginNetns serves only one createNetns', () => {
    beginNetns(host.pin('once'));
    beginNetns(host.pin('once'));
    expect(isLoopbackUp(host.pin('once'))).toBe(true);
    removeNetns(host.pin('once'));
    expect(isLoopbackUp(host.pin('once'))).toBe(false);
  });

  it('beginNetns drops a namespace that no createNetns takes', async () => {
    const before = threads();
    beginNetns(host.pin('untaken'));
    expect(threads()).toBe(before + 1);
    while (threads() > before) await delay(20);
    expect(isLoopbackUp(host.pin('untaken'))).toBe(false);
  });

  it('beginNetns leaves a namespace alone that is at the path already', () => {
    createNetns(host.pin('there')).socket.close();
    const before = netnsIdentity(host.pin('there'));
    beginNetns(host.pin('there'));
    expect(faultOf(() => createNetns(host.pin('there')))).toMatchObject({ op: 'create netns', errno: 'EEXIST' });
    expect(netnsIdentity(host.pin('there'))).toEqual(before);
  });
});

describe('shareNetnsDirectory', () => {
  const mounts = () => fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  /** Makes the directory a shared mount as podman and `ip netns add` do: a second call changes nothing. */
  const shareAsOthersDo = (directory: string) =>
    run(null, 'sh', ['-c', `mount --make-rshared ${directory} || mount --rbind ${directory} ${directory}`]);

  it('shareNetnsDirectory leaves nothing to do for programs that would hide the pins', () => {
    const directory = host.pin('common');
    fs.mkdirSync(directory);
    shareNetnsDirectory(directory);
    shareNetnsDirectory(directory);
    const there = mounts().filter((line) => line.split(' ')[4] === directory);
    expect(there).toEqual([expect.stringContaining(' shared:')]);
    createNetns(`${directory}/first`).socket.close();
    shareAsOthersDo(directory);
    expect(removeNetns(`${directory}/first`)).toBe(true);
    expect(fs.readdirSync(directory)).toEqual([]);
    run(null, 'umount', [directory]);
    fs.rmdirSync(directory);
  });

  it('shareNetnsDirectory reports a directory that does not exist', () => {
    expect(faultOf(() => shareNetnsDirectory(host.pin('nowhere')))).toMatchObject({ errno: 'ENOENT' });
  });
});

describe('adoptNetns', () => {
  it('adoptNetns pins the namespace of a living process, which outlives it there', () => {
    const child = spawn('unshare', ['--net', 'sleep', 'infinity']);
    const pid = child.pid as number;
    const ours = currentNetnsIdentity().inode;
    while (fs.statSync(`/proc/${pid}/ns/net`).ino === ours) run(null, 'true', []);
    const { identity, socket } = adoptNetns(pid, host.pin('adopted'));
    expect(identity).toEqual(identityOf(`/proc/${pid}/ns/net`));
    child.kill('SIGKILL');
    expect(netnsIdentity(host.pin('adopted'))).toEqual(identity);
    expect(listLinks(socket).map((link) => link.name)).toContain('lo');
    socket.close();
  });

  it('adoptNetns fails with ESRCH when the process is gone', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.on('exit', resolve));
    expect(faultOf(() => adoptNetns(child.pid as number, host.pin('gone')))).toMatchObject({ errno: 'ESRCH' });
    expect(fs.existsSync(host.pin('gone'))).toBe(false);
  });
});

describe('netnsIdentity', () => {
  it('netnsIdentity is null for a missing path, a plain file, or another kind of namespace', () => {
    fs.writeFileSync(host.pin('plain'), '');
    expect(netnsIdentity(host.pin('nothing'))).toBeNull();
    expect(netnsIdentity(host.pin('plain'))).toBeNull();
    expect(netnsIdentity('/proc/self/ns/uts')).toBeNull();
  });

  it('netnsIdentity is the same by any path to the namespace', () => {
    expect(netnsIdentity('/proc/thread-self/ns/net')).toEqual(currentNetnsIdentity());
  });
});

describe('removeNetns', () => {
  it('removeNetns unpins and unlinks, and reports that; a second time the namespace was already gone', () => {
    createNetns(host.pin('removed')).socket.close();
    expect(removeNetns(host.pin('removed'))).toBe(true);
    expect(fs.existsSync(host.pin('removed'))).toBe(false);
    expect(removeNetns(host.pin('removed'))).toBe(false);
    expect(removeNetns(host.pin('no/such/directory'))).toBe(false);
  });

  it('removeNetns removes a plain file that an earlier run left behind', () => {
    fs.writeFileSync(host.pin('file'), '');
    expect(removeNetns(host.pin('file'))).toBe(true);
  });

  it('removeNetns removes every mount that is stacked on the pin', () => {
    createNetns(host.pin('stacked')).socket.close();
    for (let i = 0; i < 3; i++) run(null, 'mount', ['--bind', '/proc/self/ns/net', host.pin('stacked')]);
    expect(removeNetns(host.pin('stacked'))).toBe(true);
    expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(host.pin('stacked'));
  });

  it('removeNetns works in a shared mount, where ip netns keeps its pins', () => {
    fs.mkdirSync(host.pin('shared'));
    run(null, 'mount', ['--bind', host.pin('shared'), host.pin('shared')]);
    run(null, 'mount', ['--make-shared', host.pin('shared')]);
    try {
      createNetns(host.pin('shared/one')).socket.close();
      expect(removeNetns(host.pin('shared/one'))).toBe(true);
      expect(fs.readdirSync(host.pin('shared'))).toEqual([]);
    } finally {
      run(null, 'umount', [host.pin('shared')]);
      fs.rmdirSync(host.pin('shared'));
    }
  });

  it('removeNetns works while a process still lives inside', () => {
    createNetns(host.pin('busy')).socket.close();
    const child = spawn('nsenter', [`--net=${host.pin('busy')}`, 'sleep', 'infinity']);
    expect(removeNetns(host.pin('busy'))).toBe(true);
    child.kill('SIGKILL');
  });
});

describe('openRouteSocket', () => {
  it('openRouteSocket stays in the namespace where it was opened', () => {
    const { socket } = createNetns(host.pin('socket'));
    const second = openRouteSocket(host.pin('socket'));
    removeNetns(host.pin('socket'));
    expect(listLinks(second)).toEqual(listLinks(socket));
    socket.close();
    second.close();
  });

  it("openRouteSocket reports the kernel's error for a path that is not a namespace", () => {
    fs.writeFileSync(host.pin('no-netns'), '');
    expect(faultOf(() => openRouteSocket(host.pin('nothing')))).toMatchObject({ errno: 'ENOENT' });
    expect(faultOf(() => openRouteSocket(host.pin('no-netns')))).toMatchObject({ errno: 'EINVAL' });
  });

  it('openRouteSocket is refused after close, with an explanation', () => {
    const socket = openRouteSocket(null);
    socket.close();
    socket.close();
    expect(faultOf(() => listLinks(socket))).toEqual({
      op: 'use RouteSocket',
      errno: 'EBADF',
      detail: 'it is closed',
    });
  });
});

it('enterFreshNetns makes the thread a host of its own, loopback up', () => {
  const before = currentNetnsIdentity();
  enterFreshNetns();
  expect(currentNetnsIdentity()).not.toEqual(before);
  expect(ip('link show lo')[0].flags).toContain('UP');
});
