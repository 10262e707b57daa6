import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { dirname } from 'node:path';
import { findServerBinary } from '../../bus/server/server-process.ts';
import { shownUrl } from '../../bus/server/server-url.ts';
import { ContentError } from '../../core/content-error.ts';
import { foreignHand, handAbove } from '../../files/ownership.ts';
import { listOfPrivileges, missingPrivileges, neededPrivileges } from '../../kernel/privileges.ts';
import { asRoot, bad, type Finding, good, isRoot, tried } from './finding.ts';

/** Checks that change nothing. */

const leastNode = [20, 19] as const;

export function nodeVersion(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const enough = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  const mend = `install Node.js ${leastNode.join('.')} or newer: https://nodejs.org`;
  return enough ? good('Node.js', version) : bad('Node.js', `${version} is too old`, mend);
}

export function kernelVersion(): Finding {
  const found = release();
  const [major = 0, minor = 0] = found.split('.').map(Number);
  const enough = major > 5 || (major === 5 && minor >= 6);
  return enough
    ? good('Linux', found)
    : bad(
        'Linux',
        `${found} is too old`,
        'use kernel 5.6 or newer: nftables maps with ranges in concatenations need it',
      );
}

export function privileges(status?: string): Finding {
  const missing = missingPrivileges(status);
  return missing.length === 0
    ? good('Privileges', neededPrivileges.join(', '))
    : bad(
        'Privileges',
        `${listOfPrivileges(missing)} ${missing.length > 1 ? 'are' : 'is'} missing`,
        `${asRoot}; in a container: with --privileged, or --cap-add of these`,
      );
}

/** Settings of the host that networks need to reach the outside; the second one only for IPv6. */
const forwardings = [
  ['net.ipv4.ip_forward', '/proc/sys/net/ipv4/ip_forward'],
  ['net.ipv6.conf.all.forwarding', '/proc/sys/net/ipv6/conf/all/forwarding'],
] as const;

/** Checks these settings: each must be writable, or have the right value already. */
export function forwardingSettings(): Finding {
  const states = forwardings.flatMap(([key, file]) => (existsSync(file) ? [{ key, ...stateOf(file) }] : []));
  const found = states.map(({ key, value, writable }) => `${key} ${writable ? 'can be written' : `is ${value}`}`);
  const lacking = states.filter(({ value, writable }) => !writable && value !== '1').map(({ key }) => key);
  const isReadOnly = isRoot() && states.some(({ writable }) => !writable);
  const text = `${found.join(', ')}${isReadOnly ? ', and /proc/sys is read-only' : ''}`;
  if (!lacking.includes('net.ipv4.ip_forward'))
    return good('Kernel settings', lacking.length > 0 ? `${text}: networks with IPv6 need 1` : text);
  if (!isRoot()) return bad('Kernel settings', text, asRoot);
  const mend = `sysctl -w ${lacking.map((key) => `${key}=1`).join(' ')} where /proc/sys can be written, or mount it writable`;
  return bad('Kernel settings', text, mend);
}

function stateOf(file: string): { value: string; writable: boolean } {
  const value = readFileSync(file, 'utf8').trim();
  try {
    accessSync(file, constants.W_OK);
    return { value, writable: true };
  } catch {
    return { value, writable: false };
  }
}

export function serverBinary(natsUrl: string | undefined): Finding {
  if (natsUrl !== undefined) return good('nats-server', `not needed: ${shownUrl(natsUrl)} is used`);
  return tried('nats-server', 'apt install nats-server, or use your own server with --nats-url', () => {
    const binary = findServerBinary();
    const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
    return `${version.replace(/^nats-server:\s*/, '')} in ${binary}`;
  });
}

/** Checks the directory, or the nearest existing one above it, in which it would be created. */
export function writable(check: string, path: string): Finding {
  const other = `choose another one, or make ${path} writable for this user only`;
  return tried(check, isRoot() ? other : `${asRoot}, or ${other}`, () => {
    let existing = path;
    while (!existsSync(existing)) existing = dirname(existing);
    if (!statSync(existing).isDirectory()) throw new ContentError(`${existing} is not a directory`);
    accessSync(existing, constants.W_OK | constants.X_OK);
    const stranger = (existing === path ? foreignHand(path) : null) ?? handAbove(path);
    if (stranger !== null) throw new ContentError(stranger);
    return existing === path ? path : `${path} (will be made)`;
  });
}
