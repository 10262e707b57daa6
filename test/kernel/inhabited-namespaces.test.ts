import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { inhabitedNamespaces } from '../../src/kernel/netns/inhabited-namespaces.ts';

/** Lists network namespaces in which processes live. A namespace whose processes cannot be seen does not count as empty. */

/** A directory like /proc: path → where that leads. */
function procOf(links: Record<string, string>): string {
  const proc = mkdtempSync(join(tmpdir(), 'netloom-proc-'));
  onTestFinished(() => rmSync(proc, { recursive: true }));
  chmodSync(proc, 0o755);
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(join(proc, dirname(path)), { recursive: true });
    symlinkSync(target, join(proc, path));
  }
  return proc;
}

/** Two files that every process may see, for two namespaces. */
const [here, there] = ['/etc/passwd', '/etc/group'];
const netOf = (pid: number) => `${pid}/task/${pid}/ns/net`;
const failureIn = (proc: string): unknown => {
  try {
    return inhabitedNamespaces(proc);
  } catch (error) {
    return error;
  }
};

/** The answer to a process without privileges. */
function askedByNobody(proc: string): unknown {
  const module = new URL('../../dist/src/kernel/netns/inhabited-namespaces.js', import.meta.url);
  const look = [
    `import { inhabitedNamespaces } from '${module}';`,
    `const answer = () => { try { return [...inhabitedNamespaces('${proc}')]; } catch (error) { return error; } };`,
    'console.log(JSON.stringify(answer()));',
  ].join('\n');
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const node = [process.execPath, '--input-type=module', '--eval', look];
  return JSON.parse(spawnSync('setpriv', [...nobody, ...node], { encoding: 'utf8' }).stdout);
}

describe('P18 the namespaces in which processes live', () => {
  it('P18 inhabited namespaces are those of all threads; a thread that ends meanwhile is skipped', () => {
    const proc = procOf({ [netOf(1)]: here, '7/task/7/ns/mnt': here, '7/task/8/ns/net': there, [netOf(9)]: here });
    mkdirSync(join(proc, '10'));
    expect(inhabitedNamespaces(proc)).toEqual(new Set([here, there].map((path) => statSync(path).ino)));
    expect(inhabitedNamespaces()).toContain(statSync('/proc/self/ns/net').ino);
  });

  it('P18 inhabited namespaces are unknown when some processes cannot be seen', () => {
    const reason = expect.stringContaining('CAP_SYS_PTRACE');
    const notListed = procOf({ [netOf(1)]: here });
    mkdirSync(join(notListed, '7'));
    writeFileSync(join(notListed, '7', 'task'), '');
    expect(failureIn(notListed)).toMatchObject({ errno: 'ENOTDIR', detail: reason });
    expect(failureIn(procOf({ [netOf(1)]: here, [netOf(7)]: 'net' }))).toMatchObject({
      errno: 'ELOOP',
      detail: reason,
    });
    const hidden = procOf({ [netOf(7)]: here });
    for (const proc of [hidden, '/nowhere']) expect(failureIn(proc)).toMatchObject({ errno: 'ENOENT', detail: reason });
  });

  it('P18 inhabited namespaces are unknown when a look is refused with EACCES, unless another process of that namespace is seen', () => {
    const own = { [netOf(1)]: here, '1/task/1/net/dev': here };
    const procWith = (dev: string) => {
      const proc = procOf({ ...own, [netOf(7)]: there, '7/task/7/net/dev': dev });
      chmodSync(join(proc, '7', 'task', '7', 'ns'), 0o700);
      return proc;
    };
    expect(askedByNobody(procWith(there))).toMatchObject({
      errno: 'EACCES',
      detail: expect.stringMatching(/7\/ns\/net: permission denied; the daemon needs CAP_SYS_PTRACE$/),
    });
    expect(askedByNobody(procWith('/nowhere'))).toMatchObject({ errno: 'EACCES' });
    expect(askedByNobody(procWith(here))).toEqual([statSync(here).ino]);
    expect(inhabitedNamespaces(procWith(here)).size).toBe(2);
  });
});
