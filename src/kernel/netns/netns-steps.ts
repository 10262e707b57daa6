import { existsSync } from 'node:fs';
import * as native from '#native';
import { SystemError } from '../../core/fault.ts';
import type { StepOutput } from '../../core/steps/step.ts';

/** Throws if an existing pin is not of the process's namespace. */
export function refuseOther(path: string, pid: number): void {
  const there = native.netnsIdentity(path);
  const wanted = there && native.netnsIdentity(`/proc/${pid}/ns/net`);
  if (wanted && wanted.inode !== there.inode)
    throw new SystemError(
      'adopt netns',
      'EEXIST',
      `${path} is namespace ${there.inode}, process ${pid} is in ${wanted.inode}`,
    );
}

/** Throws if the process is in the host's namespace: one that a script starts may not have left it yet. */
export function refuseHostOf(pid: number): void {
  const its = native.netnsIdentity(`/proc/${pid}/ns/net`);
  if (its && isHost(its)) throw new SystemError('adopt netns', 'ENOTUNIQ', `process ${pid} is in ${hostsOwn}`);
}

/** Pins the namespace of a process, which may have returned to the host's since it was checked. */
export function adoptForeign(pid: number, path: string): ReturnType<typeof native.adoptNetns> {
  const made = native.adoptNetns(pid, path);
  if (!isHost(made.identity)) return made;
  made.socket.close();
  native.removeNetns(path);
  throw new SystemError('adopt netns', 'ENOTUNIQ', `process ${pid} is in ${hostsOwn}`);
}

const hostsOwn = "the host's own network namespace: use mode host";

/** Checks whether it is the daemon's namespace, or that of the machine's first process if the daemon can see it. */
function isHost({ inode, device }: native.NetnsIdentity): boolean {
  const hosts = [native.currentNetnsIdentity(), identityOfInit()];
  return hosts.some((host) => host !== null && host.inode === inode && host.device === device);
}

function identityOfInit(): native.NetnsIdentity | null {
  try {
    return native.netnsIdentity('/proc/1/ns/net');
  } catch {
    // a caller that may not look there cannot be sent there either
    return null;
  }
}

/** Checks that it is still the intended namespace. `inode` null: any; `foreign`: any but the host's. */
export function requireNetns(path: string, inode: number | null, foreign = false): StepOutput {
  const there = native.netnsIdentity(path);
  if (!there) {
    // a pin with a known inode was a namespace; a path from a caller may be any file
    const isOther = inode === null && existsSync(path);
    throw new SystemError('find netns', isOther ? 'EINVAL' : 'ENOENT', `${path} is not a network namespace`);
  }
  if (inode !== null && there.inode !== inode)
    throw new SystemError('find netns', 'ENOENT', `${path} is namespace ${there.inode}, not ${inode}`);
  if (foreign && isHost(there)) throw new SystemError('find netns', 'ENOTUNIQ', `${path} is ${hostsOwn}`);
  return { netns: { path, inode: there.inode } };
}

/** Sockets into the namespaces of one plan; closed with it, because an open one keeps its namespace alive. */
export class NamespaceSockets {
  readonly #sockets = new Map<string, native.RouteSocket>();

  keep(path: string, socket: native.RouteSocket): void {
    this.#sockets.set(path, socket);
  }

  open(path: string): native.RouteSocket {
    const socket = this.#sockets.get(path) ?? native.openRouteSocket(path);
    this.#sockets.set(path, socket);
    return socket;
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}
