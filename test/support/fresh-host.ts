import { execFileSync } from 'node:child_process';
import { mkdtempSync, promises, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as native from '#native';

/** Makes this test file a host of its own: a fresh network namespace, loopback up. Call it first of all. */
export async function becomeFreshHost(): Promise<void> {
  // the pool threads of libuv must start where the process started, and stay there
  await promises.stat('/');
  native.enterFreshNetns();
}

/** A directory for run and state files; removed, with every namespace still pinned in it, by the returned function. */
export function temporaryDirectory(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'netloom-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** `ip -j …`, parsed. */
export function ip<T = Record<string, unknown>[]>(...args: string[]): T {
  const text = execFileSync('ip', ['-j', ...args], { encoding: 'utf8' });
  return (text.trim() === '' ? [] : JSON.parse(text)) as T;
}

/** The same inside a pinned namespace. */
export function ipWithin<T = Record<string, unknown>[]>(netnsPath: string, ...args: string[]): T {
  const text = execFileSync('nsenter', [`--net=${netnsPath}`, 'ip', '-j', ...args], { encoding: 'utf8' });
  return (text.trim() === '' ? [] : JSON.parse(text)) as T;
}

/** Names of the elements of a set or map of our tables, as nft prints them. */
export function nftElements(kind: 'set' | 'map', name: string, family = 'inet'): unknown[] {
  const text = execFileSync('nft', ['-j', 'list', kind, family, 'netloom', name], { encoding: 'utf8' });
  const { nftables } = JSON.parse(text) as { nftables: Record<string, { elem?: unknown[] }>[] };
  return nftables.flatMap((entry) => entry[kind]?.elem ?? []);
}

export function linkNames(): string[] {
  return ip<{ ifname: string }[]>('link', 'show').map(({ ifname }) => ifname);
}
