import { isIP } from 'node:net';
import type { HostEntry } from '../core/name-files.ts';
import { badInput } from './options.ts';

/** podman's word for the address at which a container reaches its host. */
const hostGateway = 'host-gateway';

/** podman's spelling: `db:10.0.0.5`, `db;cache:10.0.0.5`, `db:fd00::5`, `db:host-gateway`. */
export function addedHost(text: string): HostEntry {
  const refuse = (reason: string) => badInput(`--add-host ${text}: ${reason}; expected <name>:<address>`);
  const at = text.indexOf(':');
  const names = text.slice(0, Math.max(at, 0)).split(';');
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at < 0 || !names.every((name) => /^[^\s#:;]+$/.test(name))) throw refuse('no name');
  if (address === hostGateway) return { names, address: null };
  if (isIP(address) === 0) throw refuse(`${JSON.stringify(address)} is not an IP address`);
  return { names, address };
}

/** `.` alone: no domain is searched. */
export function searchDomain(text: string): string {
  if (text !== '.' && !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/.test(text))
    throw badInput(`--dns-search ${JSON.stringify(text)}: expected a domain such as example.org, or . for none`);
  return text;
}
