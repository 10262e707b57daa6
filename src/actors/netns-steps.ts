import * as native from '#native';
import type { StepOutput } from '../core/plan/step.ts';
import { fault } from './system-fault.ts';

/** A pin that is there already must be of the process's namespace. */
export function refuseOther(path: string, pid: number): void {
  const there = native.netnsIdentity(path);
  const wanted = there && native.netnsIdentity(`/proc/${pid}/ns/net`);
  if (wanted && wanted.inode !== there.inode)
    throw fault('adopt netns', 'EEXIST', `${path} is namespace ${there.inode}, process ${pid} is in ${wanted.inode}`);
}

/** Still the one that was meant; `inode` null: whichever it is. */
export function requireNetns(path: string, inode: number | null): StepOutput {
  const there = native.netnsIdentity(path);
  if (!there) throw fault('find netns', 'ENOENT', `${path} is no network namespace`);
  if (inode !== null && there.inode !== inode)
    throw fault('find netns', 'ENOENT', `${path} is namespace ${there.inode}, not ${inode}`);
  return { netns: { path, inode: there.inode } };
}

/** Sockets into the namespaces of one plan; closed with it, for an open one keeps its namespace alive. */
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
