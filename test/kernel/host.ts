import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  createNetns,
  enterFreshNetns,
  openRouteSocket,
  type RouteRequest,
  type RouteSocket,
  removeNetns,
  route,
  type SystemFault,
} from '#native';

/**
 * Makes this test file's process a host of its own: its main thread (and so every child process and worker that it starts)
 * lives in a fresh network namespace, and its pins in a directory of their own.
 */
export interface Host {
  socket: RouteSocket;
  /** Returns the path where a namespace of that name is (to be) pinned. */
  pin(name: string): string;
  /** Makes a namespace and keeps its socket until the test file ends. */
  netns(name: string): { path: string; socket: RouteSocket };
  close(): void;
}

export async function becomeHost(): Promise<Host> {
  // libuv's pool threads start with the first asynchronous call and stay in the namespace that they start in.
  await fs.promises.stat('/');
  enterFreshNetns();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'netloom-kernel-'));
  const socket = openRouteSocket(null);
  const sockets = [socket];
  const pin = (name: string) => path.join(directory, name);
  return {
    socket,
    pin,
    netns(name) {
      const made = createNetns(pin(name));
      sockets.push(made.socket);
      return { path: pin(name), socket: made.socket };
    },
    close() {
      for (const open of sockets) open.close();
      for (const name of fs.readdirSync(directory)) removeNetns(pin(name));
      fs.rmdirSync(directory);
    },
  };
}

/** Runs `ip -j …`, optionally in the namespace at `netns`. */
// biome-ignore lint/suspicious/noExplicitAny: what ip prints is asserted on, not typed
export function ip(args: string, netns: string | null = null): any {
  const text = run(netns, 'ip', ['-j', '-d', ...args.split(' ')]);
  return text.trim() === '' ? [] : JSON.parse(text);
}

export function run(netns: string | null, command: string, args: string[]): string {
  const [file, all] = netns === null ? [command, args] : ['nsenter', [`--net=${netns}`, command, ...args]];
  return execFileSync(file, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Performs requests that are all expected to succeed. */
export function apply(socket: RouteSocket, ...requests: RouteRequest[]): void {
  const faults = route(socket, requests).filter((fault) => fault !== null);
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
}

/** Returns the error of a call, as the plain fault. */
export function faultOf(call: () => unknown): SystemFault | null {
  try {
    call();
    return null;
  } catch (error) {
    const { op, errno, detail } = error as SystemFault;
    return { op, errno, detail };
  }
}
