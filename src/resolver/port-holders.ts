import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { addressBytes, familyOf } from '../core/address.ts';

/**
 * Finds the process with a port of this address, or of all addresses: `dnsmasq (process 412)`; null if it is not visible.
 * Searches /proc, for an error message only.
 */
export function holderOf(address: string, port: number): string | null {
  const tables = familyOf(address) === 6 ? ['udp6', 'tcp6'] : ['udp', 'tcp', 'udp6', 'tcp6'];
  const inodes = new Set(tables.flatMap((table) => inodesIn(table, address, port)));
  if (inodes.size === 0) return null;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    if (socketsOf(pid).some((inode) => inodes.has(inode))) return `${nameOf(pid)} (process ${pid})`;
  return null;
}

/** Lists the inodes of unconnected sockets bound there, or to that port of every address. */
function inodesIn(table: string, address: string, port: number): string[] {
  const rows = read(`/proc/thread-self/net/${table}`).split('\n').slice(1);
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const own = asTableHasIt(address);
  return rows.flatMap((row) => {
    const [, local = '', remote = '', , , , , , , inode = ''] = row.trim().split(/\s+/);
    const isThere = local === own + ending || (/^0+:/.test(local) && local.endsWith(ending));
    return isThere && remote.endsWith(':0000') ? inode : [];
  });
}

/** Formats an address as /proc does: words of four bytes in the processor's order, little-endian on all supported machines. */
function asTableHasIt(address: string): string {
  const words = Buffer.from(addressBytes(address)).swap32();
  return words.toString('hex').toUpperCase();
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(linkAt(`/proc/${pid}/fd/${fd}`)) ?? [];
      return inode ?? [];
    });
  } catch {
    // the process ended meanwhile
    return [];
  }
}

function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const nameOf = (pid: string): string => read(`/proc/${pid}/comm`).trim() || 'a process';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
